namespace Dmt.Engine.Tables;

/// <summary>What a manifest knows of a table, so that most questions are answered without opening it.</summary>
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
    public bool IsBefore(TableInfo other) =>
        !LargestUnbounded && Largest.AsSpan().SequenceCompareTo(other.Smallest) < 0;
}
