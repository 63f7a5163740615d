using Dmt.Cli.Bench.Workers;
using Dmt.Core;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Bench;

/// <summary>The workloads, named as db_bench and YCSB name theirs.</summary>
internal static class WorkloadCatalog
{
    private static readonly MixShares YcsbA = new() { Read = 50, Update = 50 };
    private static readonly MixShares YcsbB = new() { Read = 95, Update = 5 };
    private static readonly MixShares YcsbC = new() { Read = 100 };
    private static readonly MixShares YcsbD = new() { Read = 95, Insert = 5, Latest = true };
    private static readonly MixShares YcsbE = new() { Scan = 95, Insert = 5 };
    private static readonly MixShares YcsbF = new() { Read = 50, ReadModifyWrite = 50 };

    /// <summary>
    /// Every workload, in the order of the default run: reads come before the full compaction, so that they get no help
    /// from it.
    /// </summary>
    public static IReadOnlyList<Workload> All { get; } =
    [
        new()
        {
            Name = "fillseq",
            Description = "put every key once, in order",
            Operations = keys => keys,
            Create = (context, share) => new FillWorker(context, share, inOrder: true),
            IsDefault = false,
        },
        new()
        {
            Name = "fillrandom",
            Description = "put every key once, in random order",
            Operations = keys => keys,
            Create = (context, share) => new FillWorker(context, share, inOrder: false),
        },
        new()
        {
            Name = "overwrite",
            Description = "put keys that are there, at random",
            Operations = keys => keys,
            Create = (context, share) => new OverwriteWorker(context, share, null),
            NeedsKeys = true,
            IsDefault = false,
        },
        new()
        {
            Name = "readrandom",
            Description = "get keys that are there, at random, and check every value",
            Operations = keys => keys,
            Create = (context, share) => new GetWorker(context, share),
            NeedsKeys = true,
            IsReadOnly = true,
        },
        new()
        {
            Name = "readmissing",
            Description = "get keys that are not there",
            Operations = keys => keys,
            Create = (context, share) => new GetMissingWorker(context, share),
            NeedsKeys = true,
            IsReadOnly = true,
        },
        new()
        {
            Name = "scan100",
            Description = "from a random key, 100 entries forward",
            Operations = keys => Part(keys, 10),
            Create = (context, share) => new ScanWorker(context, share, ScanWorker.EntriesOfScan100),
            NeedsKeys = true,
            IsReadOnly = true,
        },
        new()
        {
            Name = "scanall",
            Description = "three times every entry, forward; an operation is an entry",
            Operations = keys => 3 * keys,
            Create = (context, share) => new ScanAllWorker(context, share),
            NeedsKeys = true,
            IsReadOnly = true,
        },
        new()
        {
            Name = "prefix10",
            Description = "the first ten entries under a random prefix that has some",
            Operations = keys => Part(keys, 4),
            Create = (context, share) => new PrefixWorker(context, share),
            NeedsKeys = true,
            IsReadOnly = true,
        },
        new()
        {
            Name = "compact",
            Description = "flush, and merge all tables into the bottom level; one operation",
            Operations = _ => 1,
            Create = (context, share) => new CompactWorker(context, share),
            Threads = 1,
        },
        new()
        {
            Name = "fillsync",
            Description = "put with durability strict, 1 writer",
            Operations = keys => Math.Clamp(keys / 100, 100, 10_000),
            Create = (context, share) => new OverwriteWorker(context, share, Durability.Strict),
            Threads = 1,
        },
        new()
        {
            Name = "fillsync16",
            Description = "put with durability strict, 16 writers",
            Operations = keys => Math.Clamp(keys / 25, 320, 40_000),
            Create = (context, share) => new OverwriteWorker(context, share, Durability.Strict),
            Threads = 16,
        },
        Ycsb("ycsb-a", "50 % get, 50 % put; zipfian", YcsbA),
        Ycsb("ycsb-b", "95 % get, 5 % put; zipfian", YcsbB),
        Ycsb("ycsb-c", "100 % get; zipfian", YcsbC),
        Ycsb("ycsb-d", "95 % get of the latest, 5 % put of new keys", YcsbD),
        Ycsb("ycsb-e", "95 % scans of 1 to 100, 5 % put of new keys; zipfian", YcsbE, 10),
        Ycsb("ycsb-f", "50 % get, 50 % get and put; zipfian", YcsbF),
    ];

    /// <summary>What runs when no names are given.</summary>
    public static IReadOnlyList<Workload> Default { get; } = [.. All.Where(static w => w.IsDefault)];

    /// <summary>Every name, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(static w => w.Name));

    /// <exception cref="DmtException">InvalidArgument with the names that there are.</exception>
    public static Workload Find(string name) =>
        All.FirstOrDefault(w => w.Name == name)
        ?? throw DmtException.InvalidArgument(
            $"--workloads: there is no workload \"{name}\"{NearName.Hint(name, All.Select(static w => w.Name))}: "
            + $"expected some of {Names}");

    private static Workload Ycsb(string name, string description, MixShares shares, int part = 1) => new()
    {
        Name = name,
        Description = description,
        Operations = keys => Part(keys, part),
        Create = (context, share) => new MixWorker(context, share, shares),
        NeedsKeys = true,
        IsReadOnly = shares is { Update: 0, Insert: 0, ReadModifyWrite: 0 },
    };

    private static long Part(long keys, int part) => Math.Max(1, keys / part);
}
