// A run: warm up on a scratch store, open the store, then the workloads one after the other.
//
// Warm-up. The runtime first compiles quickly, counts, and compiles again with what it has learned. A comparison with
// programs that were compiled once must not measure that, so every workload of the run is first driven for a third of a
// second (less for a run of few keys) over a scratch store whose memtables and tables are so small that flushing,
// compaction and reading blocks are warmed as well. It is closed and deleted before anything is measured.
//
// A workload is timed from the moment all its workers are let go to the moment the last one is done. Background work
// that it leaves behind is not part of its time (db_bench does the same), but the run waits for it to end before it
// looks at sizes and before the next workload begins.
using System.Diagnostics;
using System.Globalization;
using Dmt.Cli.Bench.Workers;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Cli.Bench;

/// <summary>Runs workloads on one store.</summary>
internal sealed class BenchRun(BenchSettings settings, CommandIo io)
{
    private const int WarmUpMsMax = 330;
    private const long WarmUpKeysPerMs = 100;
    private const long WarmUpKeysMax = 30_000;
    private const long WarmUpBytes = 8 << 20;
    private const long DriverOperationsMax = 1_000_000;

    private static readonly TimeSpan SettlePoll = TimeSpan.FromMilliseconds(100);

    private readonly List<BenchResult> _results = [];
    private double _driverNs;
    private long _anonymousBefore;

    /// <summary>Runs all workloads.</summary>
    /// <returns>Their results in order.</returns>
    /// <exception cref="DmtException">What the store throws.</exception>
    /// <exception cref="InvalidDataException">The store gave a wrong result.</exception>
    public async Task<IReadOnlyList<BenchResult>> RunAsync(CancellationToken cancellationToken)
    {
        settings.ValidateFolder();
        await WarmUpAsync(cancellationToken);
        CollectGarbage();
        _anonymousBefore = ProcessMemory.Read().Anonymous;
        if (settings.Folder is { } folder)
        {
            await RunInAsync(folder, cancellationToken);
        }
        else
        {
            await InTemporaryFolderAsync(temporary => RunInAsync(temporary, cancellationToken));
        }

        return _results;
    }

    private static async Task InTemporaryFolderAsync(Func<string, Task> run)
    {
        var folder = Directory.CreateTempSubdirectory("dmt-bench-").FullName;
        try
        {
            await run(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task RunInAsync(string folder, CancellationToken cancellationToken)
    {
        await using var store = await TrieStore.OpenAsync(folder, settings.EngineOptions(), io.Time, cancellationToken);
        var context = new BenchContext(settings, store);
        if (settings.UseExisting)
        {
            await CheckExistingAsync(context, folder, cancellationToken);
        }

        foreach (var workload in settings.Workloads)
        {
            await LoadAsync(context, workload, cancellationToken);
            var result = await MeasureAsync(context, workload, folder, cancellationToken);
            _results.Add(result);
            await io.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"dmt: {result.Name}: {result.OperationsPerSecond:N0} ops/s in {result.Seconds:0.00} s"));
        }
    }

    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        var keys = Math.Clamp(WarmUpBytes / (settings.KeyBytes + settings.ValueBytes), 16, WarmUpKeysMax);
        var warmUpMs = Math.Min(WarmUpMsMax, settings.Keys / WarmUpKeysPerMs);
        var scratch = settings with { Keys = Math.Min(keys, settings.Keys), Folder = null, UseExisting = false };
        await InTemporaryFolderAsync(async folder =>
        {
            var options = scratch.EngineOptions() with
            {
                MemtableBytes = 256 << 10, TableBytes = 256 << 10, LevelBaseBytes = 1 << 20, LogSegmentBytes = 4 << 20,
            };
            await using var store = await TrieStore.OpenAsync(folder, options, io.Time, cancellationToken);
            var context = new BenchContext(scratch, store);
            foreach (var workload in settings.Workloads)
            {
                await LoadAsync(context, workload, cancellationToken);
                var started = Stopwatch.GetTimestamp();
                do
                {
                    await DriveAsync(context, workload, scratch.Keys, cancellationToken);
                }
                while (Stopwatch.GetElapsedTime(started).TotalMilliseconds < warmUpMs);
            }

            MeasureDriver(context, cancellationToken);
        });
    }

    private void MeasureDriver(BenchContext context, CancellationToken cancellationToken)
    {
        var operations = Math.Min(DriverOperationsMax, 10 * settings.Keys);

        // The first round warms up.
        for (var round = 0; round < 2; round++)
        {
            context.Begin(operations);
            var worker = new IdleWorker(context, new WorkerShare(0, 1, operations));
            var started = Stopwatch.GetTimestamp();
            worker.Run(cancellationToken);
            _driverNs = Stopwatch.GetElapsedTime(started).TotalNanoseconds / operations;
        }
    }

    /// <summary>Puts, untimed, what the workload expects to find.</summary>
    private async Task LoadAsync(BenchContext context, Workload workload, CancellationToken cancellationToken)
    {
        if (!workload.NeedsKeys || context.Inserts.Present >= context.Settings.Keys)
        {
            return;
        }

        if (context.Settings == settings)
        {
            await io.Error.WriteLineAsync($"dmt: {workload.Name} needs keys: loading them (not timed)");
        }

        await DriveAsync(context, WorkloadCatalog.Find("fillrandom"), context.Settings.Keys, cancellationToken);
        await SettleAsync(context.Store, cancellationToken);
    }

    private static async Task<(Worker[] Workers, double Seconds)> DriveAsync(
        BenchContext context, Workload workload, long keys, CancellationToken cancellationToken)
    {
        var operations = workload.Operations(keys);
        context.Begin(operations);
        var threads = workload.Threads ?? context.Settings.Threads;
        var workers = Enumerable.Range(0, threads)
            .Select(i => workload.Create(context, new WorkerShare(i, threads, operations)))
            .ToArray();
        using var ready = new CountdownEvent(threads);
        using var go = new ManualResetEventSlim();
        var tasks = workers.Select(worker => Task.Factory.StartNew(
            () =>
            {
                ready.Signal();
                go.Wait(cancellationToken);
                worker.Run(cancellationToken);
            },
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        ready.Wait(cancellationToken);
        var started = Stopwatch.GetTimestamp();
        go.Set();
        await Task.WhenAll(tasks);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (workers[0] is FillWorker)
        {
            context.Inserts = new InsertCounter(Math.Max(keys, context.Inserts.Present));
        }

        return (workers, seconds);
    }

    private async Task<BenchResult> MeasureAsync(
        BenchContext context, Workload workload, string folder, CancellationToken cancellationToken)
    {
        CollectGarbage();
        var cpuBefore = Environment.CpuUsage.TotalTime;
        var drive = DriveAsync(context, workload, settings.Keys, cancellationToken);
        await ProgressDisplay.ShowAsync(io, workload.Name, context.Progress, drive);
        var (workers, seconds) = await drive;
        var cpu = Environment.CpuUsage.TotalTime - cpuBefore;
        var latencies = new LatencyHistogram();
        foreach (var worker in workers)
        {
            latencies.Add(worker.Latencies);
        }

        if (!workload.IsReadOnly)
        {
            await SettleAsync(context.Store, cancellationToken);
        }

        var statistics = await context.Store.StatAsync(cancellationToken);
        var memory = ProcessMemory.Read();
        var userBytes = settings.UserBytes(context.Inserts.Present);
        return new BenchResult
        {
            Name = workload.Name,
            Threads = workers.Length,
            Operations = workers.Sum(static w => w.Operations),
            Records = workers.Sum(static w => w.Records),
            Seconds = seconds,
            CpuSeconds = cpu.TotalSeconds,
            Latencies = latencies,
            WriteAmplification = Ratio(statistics.MediumBytesWritten, statistics.UserBytesWritten),
            SpaceAmplification = Ratio(statistics.TableBytes + statistics.LogBytes, userBytes),
            DiskBytes = DiskBytes(folder),
            MemoryBytesPerKey = Ratio(memory.Anonymous - _anonymousBefore, context.Inserts.Present),
            ResidentBytes = memory.Resident,
            ResidentPeakBytes = memory.Peak,
            DriverNs = _driverNs,
        };
    }

    /// <summary>Waits until flushes and compactions have written nothing more for half a second.</summary>
    private async Task SettleAsync(TrieStore store, CancellationToken cancellationToken)
    {
        const int QuietPolls = 5;
        var (last, quiet) = ((Written: -1L, Tables: -1L, Log: -1L), 0);
        while (quiet < QuietPolls)
        {
            var s = await store.StatAsync(cancellationToken);
            var now = (s.MediumBytesWritten, s.TableBytes, s.LogBytes);
            var level0 = s.Levels.Where(static l => l.Level == 0).Sum(static l => l.Tables);
            var isBusy = now != last || level0 >= settings.EngineOptions().Level0CompactionTables;
            (last, quiet) = (now, isBusy ? 0 : quiet + 1);
            await Task.Delay(SettlePoll, io.Time, cancellationToken);
        }
    }

    private static async Task CheckExistingAsync(
        BenchContext context, string folder, CancellationToken cancellationToken)
    {
        var keys = context.Settings.Keys;
        var key = new byte[context.Settings.KeyBytes];
        foreach (var index in new[] { 0, keys / 2, keys - 1 })
        {
            var identity = context.Keys.Identity(index);
            context.Keys.Format(identity, key);
            if (await context.Store.GetAsync(key, cancellationToken) is not { } entry
                || !context.Values.IsValue(identity, entry.Value.Span))
            {
                throw DmtException.InvalidArgument(
                    $"--use-existing: the store at {folder} does not hold the {keys} keys of this run: "
                    + "fill it with the same --keys, --key-bytes, --value-bytes and --seed");
            }
        }

        context.Inserts = new InsertCounter(keys);
    }

    private static long DiskBytes(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(static file => file.Length);

    private static double? Ratio(long a, long b) => b == 0 ? null : (double)a / b;

    private static void CollectGarbage()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }
}
