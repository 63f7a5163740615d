namespace Dmt.Contracts.Messages;

/// <summary>What a shard holds, as its owner sees it. Sizes in bytes.</summary>
[GenerateSerializer, Immutable, Alias("dmt.shard-description")]
public sealed record ShardDescription
{
    [Id(0)]
    public uint Shard { get; init; }

    /// <summary>Data in tables; of tables that it shares about its own part.</summary>
    [Id(1)]
    public long DataBytes { get; init; }

    /// <summary>The most that <see cref="DataBytes"/> was since it was opened.</summary>
    [Id(2)]
    public long DataBytesMost { get; init; }

    [Id(3)]
    public long MemtableBytes { get; init; }

    [Id(4)]
    public long TableBytes { get; init; }

    /// <summary>Entries, overwritten ones included.</summary>
    [Id(5)]
    public long EntriesMax { get; init; }

    [Id(6)]
    public ulong LastSequence { get; init; }

    [Id(7)]
    public ulong Epoch { get; init; }

    /// <summary>What keeps it from working as it should; null when all is well.</summary>
    [Id(8)]
    public string? Problem { get; init; }

    /// <summary>Reads, writes and scans a second, of late.</summary>
    [Id(9)]
    public long OperationsPerSecond { get; init; }

    /// <summary>For a whole while there were more of them than the shard is to have.</summary>
    [Id(10)]
    public bool IsHot { get; init; }

    /// <summary>For so long there were less than an eighth of that.</summary>
    [Id(11)]
    public TimeSpan CoolFor { get; init; }
}

/// <summary>How far a replica has followed its shard.</summary>
[GenerateSerializer, Immutable, Alias("dmt.replica-description")]
public sealed record ReplicaDescription
{
    [Id(0)]
    public uint Shard { get; init; }

    /// <summary>The last operation that it has.</summary>
    [Id(1)]
    public ulong LastSequence { get; init; }

    /// <summary>Milliseconds since it had everything that was in the store; null until it had once.</summary>
    [Id(2)]
    public long? LagMs { get; init; }

    /// <summary>What keeps it from following; null when all is well.</summary>
    [Id(3)]
    public string? Problem { get; init; }
}
