using System.Diagnostics;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;
using Dmt.Engine.Tests.Torture;
using Xunit.Abstractions;

namespace Dmt.Engine.Tests.Shards;

/// <summary>
/// DMT_SHARD_KEYS: how many keys, beside the word list where a test has it; DMT_SHARD_BYTES: ShardBytesMax;
/// DMT_SHARD_FOLDER=1: on disk rather than in memory; DMT_SHARDS: how many shards must result at least.
/// </summary>
public sealed class ShardBalancerTests(ITestOutputHelper output)
{
    private const int Writers = 4;
    private static readonly int KeyCount = ShardSetting.Of("DMT_SHARD_KEYS", 50_000);
    private static readonly int BytesMax = ShardSetting.Of("DMT_SHARD_BYTES", 64 << 10);
    private static readonly int ShardsMin = ShardSetting.Of("DMT_SHARDS", 50);
    private string[] _keys = ShardKeys.Create(KeyCount, seed: 7);
    private readonly LaterTime _time = new();

    [Fact]
    public Task Under_load_shards_are_carved_by_size_and_merged_when_keys_go() => CarveAndMergeAsync();

    /// <summary>At full size with DMT_SHARD_KEYS=2000000 DMT_SHARD_BYTES=262144 DMT_SHARDS=500.</summary>
    [Fact]
    [Trait("Needs", "wamerican-huge")]
    public Task The_dictionary_and_URLs_are_the_same_in_shards_as_in_a_sorted_list()
    {
        _keys = ShardKeys.WordsAndUrls(KeyCount, seed: 7);
        return CarveAndMergeAsync();
    }

    private async Task CarveAndMergeAsync()
    {
        using var folder = new TemporaryDirectory();
        await using var memory = new MemoryObjectStore(_time);
        var store = await OpenAsync(memory, folder.Path);
        try
        {
            await LoadAsync(store);
            string[] sorted = [.. _keys.Order(StringComparer.Ordinal)];
            await CheckAsync(store, sorted, "loaded");
            await SettledAsync(store);
            var loaded = store.Shards.Map.Count;
            Assert.True(loaded > ShardsMin, $"{loaded} shards");
            Report(store, "loaded");
            Assert.All(store.Shards.Open, shard => Assert.True(
                shard.DataBytes <= 2 * BytesMax, $"shard {shard.Id} has {shard.DataBytes} bytes"));

            await store.DisposeAsync();
            store = await OpenAsync(memory, folder.Path);
            await CheckAsync(store, sorted, "reopened");

            string[] left = [.. sorted.Where((_, i) => i % (sorted.Length / 40) == 0)];
            await KeepOnlyAsync(store, left);
            await CheckAsync(store, left, "deleted");
            _time.Skip(ShardBalancer.QuietTime);
            await store.CompactAsync();
            await SettledAsync(store);
            Report(store, "merged");
            Assert.True(store.Shards.Map.Count < 20, $"{store.Shards.Map.Count} shards are left of {loaded}");
            await CheckAsync(store, left, "merged");
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task Shards_carved_by_command_while_empty_are_not_merged_by_size()
    {
        await using var memory = new MemoryObjectStore(_time);
        await using var store = await OpenAsync(memory, "");
        await store.Shards.CarveAsync([Bytes("a"), Bytes("b")], default);
        _time.Skip(ShardBalancer.QuietTime);
        foreach (var key in new[] { "a1", "b1", "c1" })
        {
            await store.PutAsync(Bytes(key), Bytes("x"));
        }

        await store.FlushAsync();
        await SettledAsync(store);
        Assert.Equal(3, store.Shards.Map.Count);
    }

    [Fact]
    public async Task While_a_snapshot_is_open_nothing_is_carved_and_afterwards_it_is()
    {
        await using var memory = new MemoryObjectStore(_time);
        await using var store = await OpenAsync(memory, "");
        var snapshot = store.OpenSnapshot();
        foreach (var key in _keys.Take(4000))
        {
            await store.PutAsync(Bytes(key), Bytes(key));
        }

        await store.FlushAsync();
        await SettledAsync(store);
        Assert.Equal(1, store.Shards.Map.Count);
        snapshot.Dispose();
        await SettledAsync(store);
        Assert.True(store.Shards.Map.Count > 1);
        await CheckAsync(store, [.. _keys.Take(4000).Order(StringComparer.Ordinal)], "after the snapshot");
    }

    [Fact]
    public async Task Compaction_of_everything_goes_on_while_shards_come_and_go()
    {
        await using var memory = new MemoryObjectStore(_time);
        await using var store = await OpenAsync(memory, "", bytesMax: null);
        for (var round = 0; round < 200; round++)
        {
            var made = await store.Shards.CarveAsync([Bytes("a"), Bytes("b")], default);
            foreach (var key in new[] { "a1", "b1", "c1" })
            {
                await store.PutAsync(Bytes(key), Bytes($"{round}"));
            }

            await Task.WhenAll(
                Task.Run(async () => await store.CompactAsync()),
                Task.Run(async () => await store.CompactAsync()),
                Task.Run(async () => await store.Shards.MergeAsync(made[0], default)));
            await store.Shards.MergeAsync(made[1], default);
        }

        Assert.Equal(3, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task A_carve_that_fails_keeps_no_table_open_and_can_be_tried_again()
    {
        await using var memory = new MemoryObjectStore(_time);
        var failures = 2;
        var failing = new FailingObjectStore(memory)
        {
            BeforeCreate = name => name.StartsWith("shards/", StringComparison.Ordinal)
                && !name.StartsWith("shards/1/", StringComparison.Ordinal) && Interlocked.Decrement(ref failures) >= 0
                ? throw DmtException.Unavailable($"injected: {name}") : Task.CompletedTask,
        };
        var logs = new ObjectLogStore(failing, new ObjectLogOptions(), _time, EngineScheduler.ThreadPool);
        await using var store = await TrieStore.OpenAsync(
            failing, logs, Options(null), _time, EngineScheduler.ThreadPool, null, default);
        await store.PutAsync(Bytes("a1"), Bytes("x"));
        await store.PutAsync(Bytes("b1"), Bytes("x"));
        await store.FlushAsync();
        var table = store.Shards.Root.Tables.Single().Id.ObjectName;
        var error = await Assert.ThrowsAsync<DmtException>(
            async () => await store.Shards.CarveAsync([Bytes("a"), Bytes("b")], default));
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        await store.PutAsync(Bytes("a1"), Bytes("y"));
        await store.CompactAsync();
        Assert.False(store.Host.IsInUse(table));
        await store.Shards.CarveAsync([Bytes("a"), Bytes("b")], default);
        Assert.Equal(2, await store.CountAsync(KeyRange.All));
    }

    private static EngineOptions Options(long? bytesMax) => TinyOptions.Create() with
    {
        CacheBytes = 64 << 20,
        LogSegmentBytes = 64 << 20,
        GarbageAgeMin = TimeSpan.Zero,
        ShardBytesMax = bytesMax,
    };

    private ValueTask<TrieStore> OpenAsync(MemoryObjectStore memory, string folder) =>
        OpenAsync(memory, folder, BytesMax);

    private ValueTask<TrieStore> OpenAsync(MemoryObjectStore memory, string folder, long? bytesMax)
    {
        var options = Options(bytesMax);
        return ShardSetting.Of("DMT_SHARD_FOLDER", 0) == 1 && folder.Length > 0
            ? TrieStore.OpenAsync(folder, options, _time)
            : TrieStore.OpenAsync(
                new FailingObjectStore(memory),
                new ObjectLogStore(
                    new FailingObjectStore(memory), new ObjectLogOptions(), _time, EngineScheduler.ThreadPool),
                options, _time, EngineScheduler.ThreadPool, null, default);
    }

    private async Task LoadAsync(TrieStore store)
    {
        using var loaded = new CancellationTokenSource();
        var reading = Task.Run(() => ReadWhileLoadingAsync(store, loaded.Token));
        var started = Stopwatch.GetTimestamp();
        var pauses = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer =>
            Task.Run(() => WriteAsync(store, writer))));
        var took = Stopwatch.GetElapsedTime(started);
        await loaded.CancelAsync();
        output.WriteLine(
            $"{_keys.Length} keys in {took.TotalSeconds:F1} s, {await reading} reads meanwhile; longest writes "
            + string.Join(", ", pauses.Select(static pause => $"{pause.TotalMilliseconds:F1} ms")));
    }

    /// <returns>The longest that one write took.</returns>
    private async Task<TimeSpan> WriteAsync(TrieStore store, int writer)
    {
        var longest = TimeSpan.Zero;
        for (var i = writer; i < _keys.Length; i += Writers)
        {
            var began = Stopwatch.GetTimestamp();
            await store.PutAsync(Bytes(_keys[i]), Bytes(_keys[i]));
            var took = Stopwatch.GetElapsedTime(began);
            longest = took > longest ? took : longest;
        }

        return longest;
    }

    /// <summary>Every scan is in order, without doubles, and has all that the one before had.</summary>
    private static async Task<int> ReadWhileLoadingAsync(TrieStore store, CancellationToken loaded)
    {
        var before = new Dictionary<string, int>();
        var reads = 0;
        while (!loaded.IsCancellationRequested)
        {
            foreach (var prefix in new[] { "", "h", "ht", "a", "an", "re", "zz" })
            {
                var found = 0;
                await foreach (var _ in ReadAsync(store, prefix))
                {
                    found++;
                }

                Assert.True(found >= before.GetValueOrDefault(prefix), $"under \"{prefix}\" keys were lost");
                before[prefix] = found;
                reads++;
            }
        }

        return reads;
    }

    /// <summary>In order and without doubles, or it fails.</summary>
    private static async IAsyncEnumerable<(string Key, string Value)> ReadAsync(TrieStore store, string prefix)
    {
        string? last = null;
        string? cursor = null;
        do
        {
            var page = await store.ScanAsync(new ScanRequest
            {
                Range = KeyRange.Prefix(Bytes(prefix)),
                Limit = 1000,
                Cursor = cursor,
            });
            foreach (var entry in page.Entries)
            {
                var key = Text(entry.Key);
                Assert.True(
                    string.CompareOrdinal(last, key) < 0 && key.StartsWith(prefix, StringComparison.Ordinal),
                    $"{key} follows {last} under \"{prefix}\"");
                last = key;
                yield return (key, Text(entry.Entry.Value));
            }

            cursor = page.Cursor;
        }
        while (cursor is not null);
    }

    private static async Task KeepOnlyAsync(TrieStore store, string[] left)
    {
        await store.DeleteRangeAsync(new KeyRange(Array.Empty<byte>(), Bytes(left[0])));
        for (var i = 0; i < left.Length; i++)
        {
            var end = i + 1 < left.Length ? Bytes(left[i + 1]) : default(ReadOnlyMemory<byte>?);
            await store.DeleteRangeAsync(new KeyRange(Bytes(left[i] + "\0"), end));
        }
    }

    /// <summary>What is in memory is in tables, and nothing is left to carve or to merge.</summary>
    private static async Task SettledAsync(TrieStore store)
    {
        await store.FlushAsync();
        await store.Host.Balancer!.SettleAsync(default);
    }

    /// <summary>All prefixes of up to two characters, some longer ones, and ranges both ways.</summary>
    private static async Task CheckAsync(TrieStore store, string[] sorted, string when)
    {
        var random = new Random(sorted.Length);
        var prefixes = Enumerable.Range(0, 3).SelectMany(length => sorted.Select(key =>
            key[..Math.Min(length, key.Length)])).ToHashSet();
        for (var i = 0; i < 200; i++)
        {
            var key = sorted[random.Next(sorted.Length)];
            prefixes.Add(key[..Math.Min(key.Length, random.Next(3, 40))]);
        }

        foreach (var prefix in prefixes.Concat(["zz", "~"]))
        {
            var first = Find(sorted, prefix);
            var found = 0;
            await foreach (var (key, value) in ReadAsync(store, prefix))
            {
                Assert.True(
                    first + found < sorted.Length && key == sorted[first + found] && value == key,
                    $"{when}: number {found} under \"{prefix}\" is {key}, with the value {value}");
                found++;
            }

            var next = first + found < sorted.Length ? sorted[first + found] : null;
            Assert.False(
                next is not null && next.StartsWith(prefix, StringComparison.Ordinal),
                $"{when}: {next} is missing under \"{prefix}\"");
            Assert.Equal(found, await store.CountAsync(KeyRange.Prefix(Bytes(prefix))));
        }

        for (var i = 0; i < 100; i++)
        {
            var first = random.Next(sorted.Length);
            var count = random.Next(1, Math.Min(3000, sorted.Length - first + 1));
            var range = new KeyRange(
                Bytes(sorted[first]),
                first + count < sorted.Length ? Bytes(sorted[first + count]) : default(ReadOnlyMemory<byte>?));
            var page = await store.ScanAsync(
                new ScanRequest { Range = range, Limit = ScanRequest.LimitMax, Reverse = i % 2 == 1 });
            var found = page.Entries.Select(static entry => Text(entry.Key));
            Assert.Equal(sorted[first..(first + count)], i % 2 == 1 ? found.Reverse() : found);
        }
    }

    /// <summary>Where the first key is that is not below.</summary>
    private static int Find(string[] sorted, string prefix) =>
        Array.BinarySearch(sorted, prefix, StringComparer.Ordinal) is >= 0 and var at ? at
            : ~Array.BinarySearch(sorted, prefix, StringComparer.Ordinal);

    private void Report(TrieStore store, string when) => output.WriteLine(
        $"{when}: {store.Shards.Map.Count} shards; {store.Host.Balancer!.Counts}; largest "
        + $"{store.Shards.Open.Max(static shard => shard.DataBytes)} bytes; longest pause of writers "
        + $"{store.Host.Metrics.ShardPauseLongest.TotalMilliseconds:F1} ms; prefixes of up to "
        + $"{store.Shards.Map.Entries.Max(static entry => entry.Prefix.Length)} bytes");

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>The system's clock, put forward.</summary>
    private sealed class LaterTime : TimeProvider
    {
        private long _skippedTicks;

        public void Skip(TimeSpan time) => Interlocked.Add(ref _skippedTicks, time.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref _skippedTicks));

        public override long GetTimestamp() => base.GetTimestamp()
            + (long)(TimeSpan.FromTicks(Volatile.Read(ref _skippedTicks)).TotalSeconds * TimestampFrequency);
    }
}
