namespace Dmt.Grains.Shards;

/// <summary>What the shard map's grain has begun.</summary>
[GenerateSerializer, Alias("dmt.shard-map-changes")]
internal sealed record ShardMapChanges
{
    /// <summary>The shard that is being merged; null where none is.</summary>
    [Id(0)]
    public uint? Merging { get; init; }

    /// <summary>The shard that is to absorb it.</summary>
    [Id(1)]
    public uint MergingInto { get; init; }
}
