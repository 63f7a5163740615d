namespace Dmt.Core;

/// <summary>What a cache of tables on disk has done since the store was opened. A part is 16 KiB of a table.</summary>
public sealed record DiskCacheStatistics
{
    /// <summary>Parts read from the disk.</summary>
    public long Hits { get; init; }

    /// <summary>Parts fetched from the bucket.</summary>
    public long Misses { get; init; }

    /// <summary>Bytes of tables on the disk.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes that the cache may take of the disk.</summary>
    public long BytesMax { get; init; }

    /// <summary>Parts dropped for others.</summary>
    public long Evictions { get; init; }

    /// <summary>Parts found damaged, and writes that the disk refused.</summary>
    public long Failures { get; init; }
}
