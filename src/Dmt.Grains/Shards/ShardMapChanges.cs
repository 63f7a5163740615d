namespace Dmt.Grains.Shards;

/// <summary>What the shard map's grain has begun, and is to undo.</summary>
[GenerateSerializer, Alias("dmt.shard-map-changes")]
internal sealed record ShardMapChanges
{
    /// <summary>The shard that is being merged; null where none is.</summary>
    [Id(0)]
    public uint? Merging { get; init; }

    /// <summary>The shard that is to absorb it.</summary>
    [Id(1)]
    public uint MergingInto { get; init; }

    /// <summary>What was carved because it was asked for much, and goes back when it is not any more.</summary>
    [Id(2)]
    public uint[] CarvedByLoad { get; init; } = [];
}
