using System.Diagnostics;
using System.Globalization;
using Dmt.Cli.Bench;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;
using Dmt.Engine.Objects;

namespace Dmt.Bench.Bucket;

/// <summary>
/// DMT on a bucket of fixed delays. A store is filled once; what is cold is measured on newly opened stores, several
/// times, and the median taken. The figures of SlateDB are those of DESIGN, section 11, at the same delays.
/// </summary>
internal sealed class BucketRun(long keys, TextWriter trace)
{
    private const int KeyBytes = 16;
    private const int ValueBytes = 100;
    private const ulong Seed = 1;
    private const int Openings = 7;
    private const int ColdGets = 10;
    private const int CachedGets = 300;
    private const int Unflushed = 100_000;
    private const int UnflushedWriters = 256;
    private static readonly TimeSpan _putTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan _idleTime = TimeSpan.FromSeconds(60);
    private static readonly WriteOptions _strict = new() { Durability = Durability.Strict };

    private readonly BenchKeys _keys = new(KeyBytes, Seed);
    private readonly BenchValues _values = new(ValueBytes, Seed);
    private readonly List<BucketFigure> _figures = [];
    private readonly Random _random = new(1);

    public async Task<IReadOnlyList<BucketFigure>> RunAsync()
    {
        await WarmUpAsync();
        await PutDurablyAsync();
        var bucket = new MemoryObjectStore(TimeProvider.System);
        await FillAsync(bucket);
        await ReadColdAsync(bucket);
        await ReadCachedAsync(bucket);
        await RecoverAsync(bucket);
        await IdleAsync(bucket);
        return _figures;
    }

    private static double Median(IEnumerable<double> values) => Percentile(values, 0.5);

    private static double Percentile(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static long PutsOf(RequestTotals totals) => totals.Puts + totals.ConditionalPuts + totals.Multiparts;

    private static string Describe(RequestTotals totals)
    {
        var gets = totals.Gets + totals.RangedGets;
        return Text($"{totals.Requests} requests: {totals.Lists} lists, {gets} gets, {PutsOf(totals)} puts");
    }

    private void Add(string name, double dmt, double? peer, double? goal, string note)
    {
        _figures.Add(new BucketFigure(name, dmt, peer, goal, note));
        trace.WriteLine(Text($"{name}: {dmt:0.0} {note}"));
    }

    private void Trace(string title, IReadOnlyList<TracedRequest> requests, int linesMax = 40)
    {
        trace.WriteLine(title);
        foreach (var line in TracedRequest.Describe(
            requests.Take(linesMax), requests.Count > 0 ? requests[0].Start : default))
        {
            trace.WriteLine(line);
        }
    }

    /// <summary>Lets the runtime compile what is timed later.</summary>
    private async Task WarmUpAsync()
    {
        var bucket = new MemoryObjectStore(TimeProvider.System);
        await using (var store = await TrieStore.OpenAsync(new DelayingObjectStore(bucket)))
        {
            await PutAllAsync(store, 200_000);
            await PutForAsync(store, 64, TimeSpan.FromSeconds(1), 200_000);
        }

        for (var i = 0; i < 3; i++)
        {
            await using var store = await TrieStore.OpenAsync(new DelayingObjectStore(bucket));
            await GetAsync(store, i);
            await ScanAsync(store, i);
        }
    }

    private async Task PutDurablyAsync()
    {
        (int Writers, double? PeerP50, double? Goal)[] cases =
            [(1, 101, 32), (16, 101, 32), (64, null, null), (256, 101, 32)];
        foreach (var (writers, peer, goal) in cases)
        {
            var objects = new DelayingObjectStore(new MemoryObjectStore(TimeProvider.System));
            await using var store = await TrieStore.OpenAsync(objects);
            await PutForAsync(store, writers, TimeSpan.FromSeconds(1), 0);
            objects.TakeTrace();
            var before = objects.Totals;
            var watch = Stopwatch.StartNew();
            var latencies = await PutForAsync(store, writers, _putTime, 10_000_000);
            var seconds = watch.Elapsed.TotalSeconds;
            var uploads = objects.Totals.Since(before).ConditionalPuts;
            Trace(Text($"puts of {writers} writers"), objects.TakeTrace(), 24);
            var perUpload = (double)latencies.Count / uploads;
            if (writers == 64)
            {
                Add("acknowledged per upload, 64 writers", perUpload, null, 5,
                    Text($"{latencies.Count / seconds:0} puts/s, {uploads / seconds:0} uploads/s"));
                continue;
            }

            Add(Text($"durable put p50, {writers} writers, ms"), Median(latencies), peer, goal, Text(
                $"p99 {Percentile(latencies, 0.99):0.0}; {uploads / seconds:0} uploads/s, {perUpload:0.0} puts each"));
            if (writers == 256)
            {
                Add("durable puts/s, 256 writers", latencies.Count / seconds, 2530, 10_000, "SlateDB tuned: 6860");
            }
        }
    }

    private async Task FillAsync(MemoryObjectStore bucket)
    {
        var objects = new DelayingObjectStore(bucket);
        var watch = Stopwatch.StartNew();
        RequestTotals written;
        await using (var store = await TrieStore.OpenAsync(objects))
        {
            var before = objects.Totals;
            await PutAllAsync(store, keys);
            await store.SyncAsync();
            var seconds = watch.Elapsed.TotalSeconds;
            written = objects.Totals.Since(before);
            AddCost("PUTs per 1,000,000 default puts, at the last one's sync", written, seconds);
        }

        // Closing flushes the rest; compaction that is under way is given up.
        AddCost("PUTs per 1,000,000 default puts, closed", objects.Totals, watch.Elapsed.TotalSeconds);
        Trace("filling", objects.TakeTrace(), 400);
    }

    private void AddCost(string name, RequestTotals totals, double seconds)
    {
        var perMillion = 1e6 / keys;
        var dollars = (double)S3Cost.OfRequests(totals) * perMillion;

        // A log object each 100 ms of writing, at the fastest it was seen to put (16 writers); two level-0 tables of
        // 64 MiB with a manifest each. Parts, polling of manifests and compaction are left out: in its favour.
        const double rate = 71_000;
        var peer = (1e6 / rate / 0.1) + 4;
        var peerDollars = peer * (double)S3Cost.PutClassPer1000 / 1000;
        Add(name, PutsOf(totals) * perMillion, peer, null, Text(
            $"in {seconds:0.0} s, ${dollars:0.00000}; SlateDB at 71,000/s ${peerDollars:0.00000}"));
    }

    private async Task ReadColdAsync(MemoryObjectStore bucket)
    {
        List<double> openings = [], firstGets = [], coldGets = [], scans = [], scanRounds = [];
        var requests = default(RequestTotals);
        for (var i = 0; i < Openings; i++)
        {
            var objects = new DelayingObjectStore(bucket);
            var watch = Stopwatch.StartNew();
            await using var store = await TrieStore.OpenAsync(objects);
            openings.Add(watch.Elapsed.TotalMilliseconds);
            requests = objects.Totals;
            Trace("opening", objects.TakeTrace());
            firstGets.Add(await TimeAsync(() => GetAsync(store, _random.NextInt64(keys))));
            Trace("first get", objects.TakeTrace());
            for (var get = 0; get < ColdGets; get++)
            {
                coldGets.Add(await TimeAsync(() => GetAsync(store, _random.NextInt64(keys))));
            }

            objects.TakeTrace();
            scans.Add(await TimeAsync(() => ScanAsync(store, _random.NextInt64(keys))));
            var scanned = objects.TakeTrace();
            scanRounds.Add(TracedRequest.Rounds(scanned));
            Trace("cold scan", scanned);
        }

        Add(Text($"open, {keys} keys, closed cleanly, ms"), Median(openings), 480, 120,
            Describe(requests) + "; SlateDB: 28");
        Add("first get, ms", Median(firstGets), 91, 28, Text($"most {firstGets.Max():0.0}"));
        Add("later cold get, ms", Median(coldGets), 25, null, Text($"p90 {Percentile(coldGets, 0.9):0.0}"));
        Add("cold scan of 100, ms", Median(scans), 125, 28, Text(
            $"{Median(scanRounds):0} rounds of requests, most {scanRounds.Max():0}; SlateDB: 5"));
    }

    /// <summary>With a cache on disk, empty at first: a process reads, ends, and another reads the same.</summary>
    private async Task ReadCachedAsync(MemoryObjectStore bucket)
    {
        var folder = Directory.CreateTempSubdirectory("dmt-bench-");
        try
        {
            var options = new EngineOptions { DiskCacheDirectory = folder.FullName };
            foreach (var what in (string[])["cold", "restarted"])
            {
                var (objects, random) = (new DelayingObjectStore(bucket), new Random(2));
                List<double> gets = [];
                var watch = Stopwatch.StartNew();
                await using var store = await TrieStore.OpenAsync(objects, options);
                var opening = watch.Elapsed.TotalMilliseconds;
                var opened = objects.Totals;
                for (var get = 0; get < CachedGets; get++)
                {
                    gets.Add(await TimeAsync(() => GetAsync(store, random.NextInt64(keys))));
                }

                Add(Text($"get with a cache on disk, {what}, us"), Median(gets) * 1000, null, null, Text(
                    $"p99 {Percentile(gets, 0.99) * 1000:0}; {objects.Totals.Since(opened).RangedGets} requests for ")
                    + Text($"{CachedGets} gets; open {opening:0} ms, {Describe(opened)}"));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task RecoverAsync(MemoryObjectStore bucket)
    {
        var doomed = new DelayingObjectStore(bucket);
        var store = await TrieStore.OpenAsync(doomed);
        await PutCountAsync(store, Unflushed);
        doomed.CutOff();

        var objects = new DelayingObjectStore(bucket);
        var watch = Stopwatch.StartNew();
        var next = await TrieStore.OpenAsync(objects);
        var elapsed = watch.Elapsed.TotalMilliseconds;
        Trace("recovery", objects.TakeTrace());
        for (var i = 0; i < Unflushed; i += 997)
        {
            await GetAsync(next, keys + i);
        }

        Add(Text($"open after a kill, {Unflushed} unflushed strict writes, ms"), elapsed, null, 5000, Text(
            $"written by {UnflushedWriters} writers; {Describe(objects.Totals)}"));
        await next.DisposeAsync();
        try
        {
            await store.DisposeAsync();
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Unavailable or DmtErrorKind.Fenced)
        {
            trace.WriteLine("the killed store: " + e.Message);
        }
    }

    private async Task IdleAsync(MemoryObjectStore bucket)
    {
        var objects = new DelayingObjectStore(bucket);
        await using var store = await TrieStore.OpenAsync(objects);
        await store.PutAsync(Key(0), Value(0));
        await store.SyncAsync();
        await store.FlushAsync();
        await Task.Delay(TimeSpan.FromSeconds(3)); // what opening and flushing leave to background work
        var before = objects.Totals;
        await Task.Delay(_idleTime);
        var idle = objects.Totals.Since(before);
        Add("requests a minute, idle", idle.Requests / _idleTime.TotalMinutes, null, 10, Describe(idle));
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var watch = Stopwatch.StartNew();
        await work();
        return watch.Elapsed.TotalMilliseconds;
    }

    private byte[] Key(long index)
    {
        var key = new byte[KeyBytes];
        _keys.Format(_keys.Identity(index), key);
        return key;
    }

    private byte[] Value(long index)
    {
        var value = new byte[ValueBytes];
        _values.Fill(_keys.Identity(index), 0, value);
        return value;
    }

    private async Task PutAllAsync(TrieStore store, long count)
    {
        for (var i = 0L; i < count; i++)
        {
            await store.PutAsync(Key(i), Value(i));
        }
    }

    /// <summary>Strict puts of so many writers, each waiting for its own; latencies in milliseconds.</summary>
    private async Task<List<double>> PutForAsync(TrieStore store, int writers, TimeSpan time, long firstKey)
    {
        var watch = Stopwatch.StartNew();
        var lists = await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            var latencies = new List<double>();
            for (var i = firstKey + writer; watch.Elapsed < time; i += writers)
            {
                var start = Stopwatch.GetTimestamp();
                await store.PutAsync(Key(i), Value(i), _strict);
                latencies.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            return latencies;
        })));
        return [.. lists.SelectMany(static list => list)];
    }

    private async Task PutCountAsync(TrieStore store, int count)
    {
        var at = -1;
        await Task.WhenAll(Enumerable.Range(0, UnflushedWriters).Select(_ => Task.Run(async () =>
        {
            for (var i = Interlocked.Increment(ref at); i < count; i = Interlocked.Increment(ref at))
            {
                await store.PutAsync(Key(keys + i), Value(keys + i), _strict);
            }
        })));
    }

    private async Task GetAsync(TrieStore store, long index)
    {
        if (await store.GetAsync(Key(index)) is not { } entry || !entry.Value.Span.SequenceEqual(Value(index)))
        {
            throw new InvalidOperationException(Text($"key {index} was put and is not there as it was"));
        }
    }

    private async Task ScanAsync(TrieStore store, long index)
    {
        using var scan = store.OpenScan(new KeyRange(Key(index), null));
        for (var i = 0; i < 100 && await scan.MoveNextAsync(); i++)
        {
            if (scan.Value.Length != ValueBytes)
            {
                throw new InvalidOperationException("a value has the wrong length");
            }
        }
    }
}
