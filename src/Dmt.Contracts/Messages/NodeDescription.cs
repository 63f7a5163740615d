using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>What a silo has open, all its shards together. Sizes in bytes, as in <see
/// cref="StoreStatistics"/>.</summary>
[GenerateSerializer, Immutable, Alias("dmt.node-description")]
public sealed record NodeDescription
{
    /// <summary>The silo's name.</summary>
    [Id(0)]
    public required string Node { get; init; }

    /// <summary>Null before the first shard is opened.</summary>
    [Id(1)]
    public string? Incarnation { get; init; }

    [Id(2)]
    public ShardDescription[] Shards { get; init; } = [];

    [Id(3)]
    public long MemtableBytes { get; init; }

    [Id(4)]
    public long BlockCacheBytes { get; init; }

    [Id(5)]
    public long CacheBytesMax { get; init; }

    [Id(6)]
    public long LogBytes { get; init; }

    [Id(7)]
    public long TableBytes { get; init; }

    [Id(8)]
    public long EntriesMax { get; init; }

    [Id(9)]
    public long UserBytesWritten { get; init; }

    [Id(10)]
    public long MediumBytesWritten { get; init; }

    [Id(11)]
    public ulong LastSequence { get; init; }

    [Id(12)]
    public string? WritesRefused { get; init; }

    [Id(13)]
    public string? BackgroundProblem { get; init; }

    /// <summary>Tables by level: number, bytes and entries.</summary>
    [Id(14)]
    public LevelDescription[] Levels { get; init; } = [];
}

/// <summary>One level of the tables of all shards of a silo.</summary>
[GenerateSerializer, Immutable, Alias("dmt.level-description")]
public readonly record struct LevelDescription(
    [property: Id(0)] int Level,
    [property: Id(1)] int Tables,
    [property: Id(2)] long Bytes,
    [property: Id(3)] long Entries);
