namespace Dmt.Core;

/// <summary>How a single write is done. <c>default</c> is right for most.</summary>
public readonly record struct WriteOptions
{
    /// <summary>When it is acknowledged; null means as the store is set.</summary>
    public Durability? Durability { get; init; }

    /// <summary>What must hold for it to happen; none by default. For puts and deletes of one key.</summary>
    public WriteCondition Condition { get; init; }

    /// <summary>For puts: the entry expires this long from now, at least 1 ms; null means never.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>For puts: opaque bytes kept beside the value, 0 to <see cref="Entry.MetadataBytesMax"/>.</summary>
    public ReadOnlyMemory<byte> Metadata { get; init; }

    /// <summary>
    /// Names the write, so that it is applied once however often it is sent; null for a write that is never sent again.
    /// </summary>
    public RequestId? Request { get; init; }
}
