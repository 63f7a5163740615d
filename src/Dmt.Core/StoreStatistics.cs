namespace Dmt.Core;

/// <summary>A picture of a store for people and tools. Sizes in bytes.</summary>
public sealed record StoreStatistics
{
    /// <summary>One line per level that holds tables, level 0 first.</summary>
    public required IReadOnlyList<LevelStatistics> Levels { get; init; }

    /// <summary>
    /// Entries in tables and memtables, overwritten versions and tombstones included: an upper bound of the number of
    /// keys.
    /// </summary>
    public long EntriesMax { get; init; }

    public long MemtableBytes { get; init; }

    public long BlockCacheBytes { get; init; }

    public long CacheBytesMax { get; init; }

    /// <summary>Bytes of log that are not yet in tables.</summary>
    public long LogBytes { get; init; }

    /// <summary>Bytes of all tables.</summary>
    public long TableBytes { get; init; }

    /// <summary>Bytes of those of them that belong to the store that this one was cloned from.</summary>
    public long BorrowedBytes { get; init; }

    /// <summary>Bytes of keys, values and metadata that writers handed in since the start.</summary>
    public long UserBytesWritten { get; init; }

    /// <summary>
    /// Bytes written to log and tables since the start; divided by <see cref="UserBytesWritten"/> it is the write
    /// amplification.
    /// </summary>
    public long MediumBytesWritten { get; init; }

    public ulong LastSequence { get; init; }

    public ulong Epoch { get; init; }

    /// <summary>How many shards the store has. Sizes and counts are those of the ones that are open.</summary>
    public int Shards { get; init; } = 1;

    public int ShardsOpen { get; init; } = 1;

    public required string Incarnation { get; init; }

    /// <summary>Why writes are refused now (a full disk, say); null while they are accepted.</summary>
    public string? WritesRefused { get; init; }

    /// <summary>Why flushes or compactions fail; null when all is well.</summary>
    public string? BackgroundProblem { get; init; }

    /// <summary>What says that another process has taken the store over; null while nothing does.</summary>
    public string? Fenced { get; init; }

    /// <summary>Requests made of an object store that charges for them; null for others.</summary>
    public RequestStatistics? Requests { get; init; }

    /// <summary>The cache of tables on disk; null where there is none.</summary>
    public DiskCacheStatistics? DiskCache { get; init; }

    /// <summary>The role among main and replicas; null for a store that stands alone.</summary>
    public ReplicationStatistics? Replication { get; init; }
}

/// <summary>One level of the tree of tables.</summary>
public sealed record LevelStatistics(int Level, int Tables, long Bytes, long Entries);
