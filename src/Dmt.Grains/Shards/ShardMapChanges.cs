namespace Dmt.Grains.Shards;

/// <summary>What the shard map's grain has begun.</summary>
/// <remarks>
/// In Azure it is kept as JSON that names this type and its properties: what is renamed here cannot be read there.
/// </remarks>
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
