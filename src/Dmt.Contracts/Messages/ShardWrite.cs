using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>A write to one shard.</summary>
[GenerateSerializer, Immutable, Alias("dmt.shard-write")]
public readonly record struct ShardWrite
{
    [Id(0)]
    public ShardWriteKind Kind { get; init; }

    /// <summary>The key; for a batch nothing.</summary>
    [Id(1)]
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>For a put the value, for a batch its operations as <see cref="WriteBatch.Encoded"/>.</summary>
    [Id(2)]
    public ReadOnlyMemory<byte> Value { get; init; }

    [Id(3)]
    public ReadOnlyMemory<byte> Metadata { get; init; }

    [Id(4)]
    public TimeSpan? TimeToLive { get; init; }

    [Id(5)]
    public WriteCondition Condition { get; init; }

    /// <summary>When it is acknowledged; null means as the store is set.</summary>
    [Id(6)]
    public Durability? Durability { get; init; }

    /// <summary>Sent again with the same one, it is still applied once.</summary>
    [Id(7)]
    public RequestId? Request { get; init; }
}

/// <summary>What a write does.</summary>
[GenerateSerializer, Alias("dmt.shard-write-kind")]
public enum ShardWriteKind : byte
{
    Put,
    Delete,
    Batch,
}
