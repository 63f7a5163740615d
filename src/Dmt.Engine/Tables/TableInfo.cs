using Dmt.Core.Keys;

namespace Dmt.Engine.Tables;

/// <summary>
/// What a manifest knows of a table, so that most questions are answered without opening it. A manifest may name only a
/// part of a table, cut at keys: shards that were one once share its object, and what lies outside the cut is not there
/// for them.
/// </summary>
internal sealed record TableInfo
{
    public required TableId Id { get; init; }

    /// <summary>The store that it is borrowed from; null for this store's own tables.</summary>
    public Origin? Origin { get; init; }

    /// <summary>Bytes of the whole object.</summary>
    public required long Length { get; init; }

    /// <summary>Where the filter begins; from here to the end is read at once when the table is opened.</summary>
    public required long TailOffset { get; init; }

    /// <summary>First key, or the start of its first range tombstone where that is lower.</summary>
    public required byte[] Smallest { get; init; }

    /// <summary>Last key, or the end of its last range tombstone where that is higher. Treated as inclusive.</summary>
    public required byte[] Largest { get; init; }

    /// <summary>A range tombstone goes to the end of all keys: then <see cref="Largest"/> means nothing.</summary>
    public bool LargestUnbounded { get; init; }

    /// <summary>It was cut at <see cref="Largest"/>, which itself does not belong to it.</summary>
    public bool LargestExclusive { get; init; }

    /// <summary>
    /// It was cut: the object holds keys outside of <see cref="Smallest"/> to <see cref="Largest"/> too, which do not
    /// count. Its numbers of entries are estimates then.
    /// </summary>
    public bool IsCut { get; init; }

    /// <summary>Manifests of other shards may name the object too.</summary>
    public bool IsShared { get; init; }

    /// <summary>Of a cut table, about how many bytes lie inside.</summary>
    public long CutBytes { get; init; }

    /// <summary>Bytes that count, of a cut table about.</summary>
    public long Bytes => IsCut ? CutBytes : Length;

    /// <summary>What a cut leaves; a table that was not cut has no bounds.</summary>
    public KeyRange Bounds => !IsCut ? KeyRange.All
        : new KeyRange(Smallest, LargestExclusive ? Largest : default(ReadOnlyMemory<byte>?));

    public required ulong SequenceMin { get; init; }

    public required ulong SequenceMax { get; init; }

    public required long Entries { get; init; }

    public required long Tombstones { get; init; }

    public required long RangeTombstones { get; init; }

    /// <summary>What to call it in messages: with the other store's root where it is borrowed.</summary>
    public string Name => Origin is null ? Id.ObjectName
        : Origin.Root.Length == 0 ? $"/{Id.ObjectName}"
        : $"/{Origin.Root}/{Id.ObjectName}";

    /// <summary>
    /// What can be deleted once nothing needs the table: it itself, or the pin of one that is borrowed.
    /// </summary>
    public string HeldBy => Origin?.PinName ?? Id.ObjectName;

    public bool OverlapsWith(TableInfo other) => !IsBefore(other) && !other.IsBefore(this);

    /// <summary>True when every key of this table is lower than every key of <paramref name="other"/>.</summary>
    public bool IsBefore(TableInfo other) => !LargestUnbounded
        && Largest.AsSpan().SequenceCompareTo(other.Smallest) is var order
        && (order < 0 || (order == 0 && LargestExclusive));

    /// <summary>True when the key may be in it.</summary>
    public bool Covers(ReadOnlySpan<byte> key)
    {
        if (key.SequenceCompareTo(Smallest) < 0)
        {
            return false;
        }

        var order = LargestUnbounded ? -1 : key.SequenceCompareTo(Largest);
        return order < 0 || (order == 0 && !LargestExclusive);
    }

    /// <summary>The part of it that lies in the range, to be shared; null where nothing does.</summary>
    /// <param name="range">Of keys.</param>
    /// <param name="estimate">The bytes that lie in a range of the table.</param>
    public TableInfo? Cut(KeyRange range, Func<KeyRange, long> estimate)
    {
        var startsBefore = range.Start.Span.SequenceCompareTo(Smallest) > 0;
        var order = range.End is not { } end ? 1 : LargestUnbounded ? -1 : end.Span.SequenceCompareTo(Largest);
        var endsAfter = order < 0 || (order == 0 && !LargestExclusive);
        if (!startsBefore && !endsAfter)
        {
            return this with { IsShared = true };
        }

        var part = this with
        {
            Smallest = startsBefore ? range.Start.ToArray() : Smallest,
            Largest = endsAfter ? range.End!.Value.ToArray() : Largest,
            LargestExclusive = endsAfter || LargestExclusive,
            LargestUnbounded = !endsAfter && LargestUnbounded,
            IsCut = true,
            IsShared = true,
        };
        if (!part.LargestUnbounded
            && part.Smallest.AsSpan().SequenceCompareTo(part.Largest) is var width
            && (width > 0 || (width == 0 && part.LargestExclusive)))
        {
            return null;
        }

        var bytes = Math.Max(1, estimate(part.Bounds));
        var share = Math.Min(1, (double)bytes / Math.Max(1, Bytes));
        return part with
        {
            CutBytes = bytes,
            Entries = (long)Math.Ceiling(Entries * share),
            Tombstones = (long)Math.Ceiling(Tombstones * share),
        };
    }
}
