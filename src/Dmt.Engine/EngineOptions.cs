using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Checkpoints;

namespace Dmt.Engine;

/// <summary>The settings of an embedded store. Immutable; checked when the store opens.</summary>
public sealed record EngineOptions
{
    /// <summary>The range of <see cref="ShardBytesMax"/>.</summary>
    public const long ShardBytesMaxLeast = 64 << 10, ShardBytesMaxMost = 1L << 40;

    /// <summary>The range of <see cref="ShardLoadMax"/>.</summary>
    public const long ShardLoadMaxLeast = 1000, ShardLoadMaxMost = 1_000_000_000;

    /// <summary>Bytes for memtables and cached blocks together. 8 MiB to 1 TiB; 256 MiB by default.</summary>
    public long CacheBytes { get; init; } = 256L << 20;

    /// <summary>When writes are acknowledged that do not say so themselves.</summary>
    public Durability Durability { get; init; } = Durability.Default;

    /// <summary>Largest value, in bytes. 1 to 64 MiB; 8 MiB by default.</summary>
    public int ValueBytesMax { get; init; } = Entry.ValueBytesMaxDefault;

    /// <summary>
    /// A memtable is flushed when it has this many bytes. 64 KiB to 1 GiB; by default an eighth of the cache, at most
    /// 64 MiB.
    /// </summary>
    public long? MemtableBytes { get; init; }

    /// <summary>Target size of a data block before compression, in bytes. 512 to 1 MiB; 4 KiB by default.</summary>
    public int BlockBytes { get; init; } = 4096;

    /// <summary>Target size of a table, in bytes. 64 KiB to 1 GiB; 32 MiB by default.</summary>
    public long TableBytes { get; init; } = 32L << 20;

    /// <summary>
    /// Target size of level 1, in bytes; each further level is ten times as large. 128 KiB to 1 TiB; 128 MiB by
    /// default.
    /// </summary>
    public long LevelBaseBytes { get; init; } = 128L << 20;

    /// <summary>Bits of filter for each key. 0 (no filter) to 32; 10 by default.</summary>
    public int FilterBitsPerKey { get; init; } = 10;

    /// <summary>How data blocks are compressed.</summary>
    public Compression Compression { get; init; } = Compression.None;

    /// <summary>Number of level-0 tables at which they are compacted. 1 to 64; 4 by default.</summary>
    public int Level0CompactionTables { get; init; } = 4;

    /// <summary>Writers are slowed from this many level-0 tables on. Default 12.</summary>
    public int Level0SlowdownTables { get; init; } = 12;

    /// <summary>Writers wait from this many level-0 tables on. Default 24.</summary>
    public int Level0StopTables { get; init; } = 24;

    /// <summary>Size of a log segment, in bytes. 64 KiB to 1 GiB; 64 MiB by default.</summary>
    public long LogSegmentBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Folder for a cache of tables on this machine's disk, for a store in a bucket; null, the default, for none. It
    /// belongs to one process; made when it is not there, refused when it holds anything but a cache, emptied when it
    /// holds one of another store.
    /// </summary>
    public string? DiskCacheDirectory { get; init; }

    /// <summary>Bytes on disk for the cache. 1 MiB to 4 TiB; 8 GiB by default.</summary>
    public long DiskCacheBytes { get; init; } = 8L << 30;

    /// <summary>
    /// Objects that nothing refers to are deleted at this age. 0 to 365 days; by default 1 hour in a bucket, where
    /// another process may be opening the store, and 0 in a folder, which only one process can have.
    /// </summary>
    public TimeSpan? GarbageAgeMin { get; init; }

    /// <summary>Looks for garbage that others left behind when it opens. True by default; off for a dry run.</summary>
    public bool CollectsGarbage { get; init; } = true;

    /// <summary>
    /// A shard whose tables hold more bytes of data is carved, and one that was carved out goes back when deletions
    /// leave it and its parent less than a quarter of this together. 64 KiB to 1 TiB; null, the default, for neither.
    /// </summary>
    public long? ShardBytesMax { get; init; }

    /// <summary>
    /// A shard that is asked for more operations a second, reads, writes and scans together, is carved where they are
    /// balanced best, and goes back when it and its parent have had less than an eighth of this each for 10 minutes.
    /// 1,000 to 1,000,000,000; null, the default, for neither. It is counted by samples, over 10 seconds. A single key
    /// that has most of the load is left where it is.
    /// </summary>
    public long? ShardLoadMax { get; init; }

    /// <summary>
    /// The checkpoint with which the store opens: its present state is given up. Null for the present state.
    /// </summary>
    public string? RestoreFrom { get; init; }

    /// <summary>
    /// Into how many shards a store is cut when it is made: at the prefixes of
    /// <see cref="PreSplitPrefixes.Of(int)"/>. 0, the default: it begins as one. A store that exists is left as it is.
    /// </summary>
    public int KFactor { get; init; }

    /// <summary>
    /// The keyspaces whose segments can be searched in any order, none within another; copies are built in the
    /// background where they are not there yet, and removed where their keyspace is not among these any more. Null, the
    /// default: none are kept or looked at; those that are there are brought up to date by the next opening that
    /// declares them. Needs a <see cref="ValueBytesMax"/> of 256 KiB at least.
    /// </summary>
    public IReadOnlyList<Keyspace>? Keyspaces { get; init; }

    /// <summary>Bytes at which a memtable is flushed.</summary>
    internal long MemtableBytesEffective => MemtableBytes ?? Math.Min(CacheBytes / 8, 64L << 20);

    /// <summary>
    /// A shard and its parent that have less than this together become one. A carve leaves each side more than that, or
    /// the parent alone, and what was merged must grow fourfold to be carved again.
    /// </summary>
    internal long ShardBytesMin => (ShardBytesMax ?? 0) / 4;

    /// <exception cref="DmtException">
    /// InvalidArgument naming the setting, what was given and what is allowed.
    /// </exception>
    public void Validate()
    {
        Check(nameof(CacheBytes), CacheBytes, 8L << 20, 1L << 40);
        Check(nameof(ValueBytesMax), ValueBytesMax, 1, Entry.ValueBytesMaxCeiling);
        Check(nameof(MemtableBytes), MemtableBytesEffective, 64 << 10, 1L << 30);
        Check(nameof(BlockBytes), BlockBytes, 512, 1 << 20);
        Check(nameof(TableBytes), TableBytes, 64 << 10, 1L << 30);
        Check(nameof(LevelBaseBytes), LevelBaseBytes, 128 << 10, 1L << 40);
        Check(nameof(FilterBitsPerKey), FilterBitsPerKey, 0, 32);
        Check(nameof(Level0CompactionTables), Level0CompactionTables, 1, 64);
        Check(nameof(Level0SlowdownTables), Level0SlowdownTables, Level0CompactionTables, 1000);
        Check(nameof(Level0StopTables), Level0StopTables, Level0SlowdownTables, 1000);
        Check(nameof(LogSegmentBytes), LogSegmentBytes, 64 << 10, 1L << 30);
        Check(nameof(KFactor), KFactor, 0, PreSplitPrefixes.KFactorMax);
        Check(nameof(DiskCacheBytes), DiskCacheBytes, 1 << 20, 4L << 40);
        Check(nameof(ShardBytesMax), ShardBytesMax ?? ShardBytesMaxLeast, ShardBytesMaxLeast, ShardBytesMaxMost);
        Check(nameof(ShardLoadMax), ShardLoadMax ?? ShardLoadMaxLeast, ShardLoadMaxLeast, ShardLoadMaxMost);
        if (DiskCacheDirectory is { Length: 0 })
        {
            throw DmtException.InvalidArgument($"{nameof(DiskCacheDirectory)} is empty: expected a folder, or null");
        }

        if (GarbageAgeMin is { } age && (age < TimeSpan.Zero || age > TimeSpan.FromDays(365)))
        {
            throw DmtException.InvalidArgument($"{nameof(GarbageAgeMin)} is {age}: expected 0 to 365 days");
        }

        if (Keyspaces is { Count: > 0 })
        {
            Keyspace.CheckTogether(Keyspaces);
            Check(nameof(ValueBytesMax), ValueBytesMax, 256 << 10, Entry.ValueBytesMaxCeiling);
        }

        if (RestoreFrom is not null)
        {
            Checkpoint.ValidateName(RestoreFrom);
        }
    }

    private static void Check(string setting, long given, long least, long most)
    {
        if (given < least || given > most)
        {
            throw DmtException.InvalidArgument($"{setting} is {given}: expected {least} to {most}");
        }
    }
}

/// <summary>How data blocks are compressed. A block that does not shrink is stored as it is.</summary>
public enum Compression : byte
{
    None = 0,

    /// <summary>Brotli at its fastest level.</summary>
    Brotli = 1,
}
