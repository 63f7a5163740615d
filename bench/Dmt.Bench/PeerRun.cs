using System.Diagnostics;
using Dmt.Bench.Peers;
using Dmt.Cli.Bench;

namespace Dmt.Bench;

/// <summary>
/// All workloads on one peer, in a process of their own: so each peer's memory is its own, and none warms the machine
/// for another. Every read is checked; a peer that answers wrongly ends the run. Before anything is timed the same code
/// runs over a scratch store, so that the driver (and DMT) are compiled as they stay.
/// </summary>
internal sealed class PeerRun(string name, long keys, int valueBytes)
{
    public const string DiskMegabytes = "disk MB";
    public const string ResidentMegabytes = "resident MB";

    private const int KeyBytes = 16;
    private const ulong Seed = 1;
    private const int ScanEntries = 100;
    private const int ScanAllRounds = 3;
    private const long ScratchKeys = 30_000;
    private const int ScratchRounds = 4;
    private const long SyncedMax = 5_000;

    private readonly BenchKeys _keys = new(KeyBytes, Seed);
    private readonly BenchValues _values = new(valueBytes, Seed);
    private readonly byte[] _key = new byte[KeyBytes];
    private readonly byte[] _value = new byte[valueBytes];
    private readonly Dictionary<string, double> _results = [];
    private ulong _round;

    /// <summary>The workloads, in the order in which they run and are shown.</summary>
    public static IReadOnlyList<string> Workloads { get; } =
    [
        "fillrandom", "readrandom", "readmissing", "scan100", "scanall", "compact", "readrandom, compacted",
        "scan100, compacted", "scanall, compacted", "fillsync",
    ];

    /// <summary>Operations per second by workload (scanall: records; compact: times), then megabytes.</summary>
    public IReadOnlyDictionary<string, double> Run()
    {
        for (var round = 0; round < ScratchRounds; round++)
        {
            In(scratch => RunIn(scratch, Math.Min(keys, ScratchKeys), isScratch: true));
        }

        _results.Clear();
        GC.Collect();
        In(folder => RunIn(folder, keys, isScratch: false));
        return _results;
    }

    private static void In(Action<string> run)
    {
        var folder = Directory.CreateTempSubdirectory("dmt-peer-").FullName;
        try
        {
            run(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void RunIn(string folder, long count, bool isScratch)
    {
        _round++;
        var random = new SplitMix64(Seed + 1);
        using (var peer = PeerCatalog.Open(name, folder, isScratch))
        {
            Time("fillrandom", count, () => Fill(peer, count));
            Settle(folder, isScratch);
            Time("readrandom", count, () => Read(peer, count, ref random));
            Time("readmissing", count, () => ReadMissing(peer, count, ref random));
            Time("scan100", count / 10, () => Scan(peer, count, ref random));
            Time("scanall", count * ScanAllRounds, () => ScanAll(peer, count));
            if (peer.Compacts)
            {
                Time("compact", 1, peer.Compact);
            }

            Settle(folder, isScratch);
            Time("readrandom, compacted", count, () => Read(peer, count, ref random));
            Time("scan100, compacted", count / 10, () => Scan(peer, count, ref random));
            Time("scanall, compacted", count * ScanAllRounds, () => ScanAll(peer, count));
            _results[ResidentMegabytes] = ProcessMemory.Read().Resident / 1e6;
            var synced = Math.Clamp(count / 100, 10, isScratch ? 100 : SyncedMax);
            Time("fillsync", synced, () => FillSync(peer, synced, count, ref random));
        }

        _results[DiskMegabytes] = Files(folder).Sum(static f => f.Length) / 1e6;
    }

    private void Time(string workload, long operations, Action run)
    {
        var started = Stopwatch.GetTimestamp();
        run();
        _results[workload] = operations / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private void Fill(Peer peer, long count)
    {
        for (long i = 0; i < count; i++)
        {
            Choose(i);
            peer.Put(_key, _value);
        }
    }

    private void FillSync(Peer peer, long operations, long count, ref SplitMix64 random)
    {
        for (long i = 0; i < operations; i++)
        {
            Choose(random.Below(count));
            peer.PutSync(_key, _value);
        }
    }

    private void Read(Peer peer, long count, ref SplitMix64 random)
    {
        for (long i = 0; i < count; i++)
        {
            var identity = _keys.Identity(random.Below(count));
            _keys.Format(identity, _key);
            if (!peer.Get(_key, new ValueCheck(_values, identity)))
            {
                throw new InvalidDataException($"{name}: a key that was put is missing");
            }
        }
    }

    private void ReadMissing(Peer peer, long count, ref SplitMix64 random)
    {
        for (long i = 0; i < count; i++)
        {
            var identity = _keys.MissingIdentity(random.Below(count));
            _keys.Format(identity, _key);
            if (peer.Get(_key, new ValueCheck(_values, identity)))
            {
                throw new InvalidDataException($"{name}: a key that was never put is there");
            }
        }
    }

    private void Scan(Peer peer, long count, ref SplitMix64 random)
    {
        for (long i = 0; i < count / 10; i++)
        {
            _keys.Format(_keys.Identity(random.Below(count)), _key);
            if (peer.Scan(_key, ScanEntries) == 0)
            {
                throw new InvalidDataException($"{name}: a scan from a key that is there found nothing");
            }
        }
    }

    private void ScanAll(Peer peer, long count)
    {
        for (var round = 0; round < ScanAllRounds; round++)
        {
            var seen = peer.Scan([], long.MaxValue);
            if (seen != count)
            {
                throw new InvalidDataException($"{name}: a scan of everything found {seen} of {count}");
            }
        }
    }

    private void Choose(long index)
    {
        var identity = _keys.Identity(index);
        _keys.Format(identity, _key);
        _values.Fill(identity, _round, _value);
    }

    /// <summary>Waits until background work has left the folder alone for a while.</summary>
    private static void Settle(string folder, bool isScratch)
    {
        var (last, quiet) = (string.Empty, 0);
        while (quiet < (isScratch ? 1 : 7))
        {
            var now = string.Join(';', Files(folder).Select(static f => (f.Name, f.Length)).Order());
            (last, quiet) = (now, now == last ? quiet + 1 : 0);
            Thread.Sleep(100);
        }
    }

    private static IEnumerable<FileInfo> Files(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var file = new FileInfo(path);
            if (file.Exists)
            {
                yield return file;
            }
        }
    }
}
