using Dmt.Engine.Tables;

namespace Dmt.Engine.Reading;

/// <summary>
/// Walks the versions in one source in one direction, keys up (and versions newest first) or keys down (and versions
/// oldest first). A step returns true when it is done and false when it needs a block that is not in memory: then <see
/// cref="LoadAsync"/> loads it and finishes the step. Not safe for concurrent use.
/// </summary>
internal abstract class EntryCursor : IDisposable
{
    /// <summary>The cursor stands on an entry. Good after a finished step.</summary>
    public bool Valid { get; protected set; }

    public abstract ReadOnlySpan<byte> Key { get; }

    public abstract ReadOnlySpan<byte> Value { get; }

    public abstract ReadOnlySpan<byte> Metadata { get; }

    public abstract ulong Sequence { get; }

    public abstract EntryKind Kind { get; }

    public abstract long ExpiresAtMs { get; }

    /// <summary>No entry of the source has a higher sequence number.</summary>
    public abstract ulong SequenceMax { get; }

    /// <summary>Everything about the entry; the spans are good until the next step.</summary>
    public EntryData Current => new()
    {
        Key = Key,
        Value = Value,
        Metadata = Metadata,
        Sequence = Sequence,
        Kind = Kind,
        ExpiresAtMs = ExpiresAtMs,
    };

    /// <summary>
    /// Upwards: to the first entry whose key is not lower than <paramref name="bound"/>. Downwards: to the last entry
    /// whose key is lower than it, or, when <paramref name="unbounded"/>, to the very last.
    /// </summary>
    public abstract bool Seek(ReadOnlySpan<byte> bound, bool unbounded = false);

    /// <summary>To the next entry in the cursor's direction.</summary>
    public abstract bool Advance();

    /// <summary>Loads what the last step lacked, and finishes it.</summary>
    public abstract ValueTask LoadAsync(CancellationToken cancellationToken);

    public virtual void Dispose() => GC.SuppressFinalize(this);
}
