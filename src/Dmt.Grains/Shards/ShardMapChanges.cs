namespace Dmt.Grains.Shards;

/// <summary>What the shard map's grain has begun, and is to undo.</summary>
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

    /// <summary>What was carved because it was asked for much, and goes back when it is not any more; null for none.
    /// </summary>
    [Id(2)]
    public uint[]? CarvedByLoad { get; init; }
}
