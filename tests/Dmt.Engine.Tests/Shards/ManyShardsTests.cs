using System.Globalization;
using System.Text;
using Dmt.Core.Keys;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tests.Log;
using Dmt.Engine.Tests.Torture;
using Xunit.Abstractions;

namespace Dmt.Engine.Tests.Shards;

/// <summary>
/// What an idle shard costs, open and closed; figures are in the output. Alone in the process: its memory is measured.
/// DMT_SHARDS_IDLE: how many shards, a multiple of 500 up to 100,000.
/// </summary>
[Collection(nameof(Alone))]
public sealed class ManyShardsTests(ITestOutputHelper output)
{
    private const int CarvedAtOnce = 500;
    private const long ShardBytesMax = 20_000;
    private static readonly int Shards = ShardSetting.Of("DMT_SHARDS_IDLE", 1000);
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Idle_shards_cost_no_requests_no_timers_and_under_20_KB_each()
    {
        await using var memory = new MemoryObjectStore(_time);
        var objects = new FailingObjectStore(memory);
        await using (var store = await OpenAsync(objects))
        {
            await store.PutAsync(Bytes(0), Bytes(0));
            await store.FlushAsync();
            var (heap, timers) = (Heap(store), _time.TimersArmed);
            for (var first = 0; first < Shards; first += CarvedAtOnce)
            {
                ReadOnlyMemory<byte>[] prefixes =
                    [.. Enumerable.Range(first, CarvedAtOnce).Select(static i => (ReadOnlyMemory<byte>)Bytes(i))];
                await store.Shards.CarveAsync(prefixes, default);
            }

            for (var i = 0; i < Shards; i++)
            {
                await store.PutAsync(Bytes(i), Bytes(i));
            }

            await store.FlushAsync();
            Assert.Equal(Shards + 1, store.Shards.Open.Count);
            await CallsOfAsync(objects, TimeSpan.FromMinutes(1)); // What the writes left to delete.
            var open = (Heap(store) - heap) / Shards;
            var calls = await CallsOfAsync(objects, TimeSpan.FromMinutes(3));
            Report("open", open, calls, 3, _time.TimersArmed - timers);
            Assert.InRange(open, 0, ShardBytesMax);
            Assert.Equal(0, calls);
            Assert.InRange(_time.TimersArmed - timers, int.MinValue, 1); // One looks for those that are idle.

            while (store.Shards.Open.Count > 1)
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                await Task.Yield();
            }

            await CallsOfAsync(objects, TimeSpan.FromMinutes(2)); // What the closing left to delete.
            var closed = (Heap(store) - heap) / Shards;
            calls = await CallsOfAsync(objects, TimeSpan.FromMinutes(60));
            Report("closed", closed, calls, 60, _time.TimersArmed - timers);
            Assert.InRange(closed, 0, ShardBytesMax);
            Assert.Equal(0, calls);
            Assert.InRange(_time.TimersArmed - timers, int.MinValue, 0); // Those that were due have gone.

            Assert.Equal(Bytes(77), (await store.GetAsync(Bytes(77)))!.Value.Value.ToArray());
            Assert.Equal(2, store.Shards.Open.Count);
        }

        await using var again = await OpenAsync(objects);
        Assert.Equal(Shards, await again.CountAsync(KeyRange.All));
        Assert.Equal(Shards + 1, again.Shards.Map.Count);
    }

    private ValueTask<TrieStore> OpenAsync(FailingObjectStore objects) => TrieStore.OpenAsync(
        objects,
        new ObjectLogStore(objects, new ObjectLogOptions(), _time, EngineScheduler.ThreadPool),
        new EngineOptions { GarbageAgeMin = TimeSpan.Zero, CollectsGarbage = false },
        _time,
        EngineScheduler.ThreadPool,
        null,
        default);

    private async Task<long> CallsOfAsync(FailingObjectStore objects, TimeSpan time)
    {
        var before = objects.Calls;
        for (var second = 0; second < time.TotalSeconds; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        return objects.Calls - before;
    }

    /// <summary>Everything that is not garbage, with what memtables have outside of the heap.</summary>
    private static long Heap(TrieStore store)
    {
        store.Host.Epochs.TryReclaim();
        return GC.GetTotalMemory(forceFullCollection: true) + store.Host.Budget.MemtableBytes;
    }

    private void Report(string state, long bytes, long calls, int minutes, int timers) =>
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Shards} shards, idle and {state}: {bytes} bytes each, {calls} requests in {minutes} minutes, "
            + $"{timers} timers, {Environment.WorkingSet >> 20} MiB resident"));

    private static byte[] Bytes(int i) => Encoding.ASCII.GetBytes(i.ToString("D5", CultureInfo.InvariantCulture));
}

/// <summary>Tests that no other test of the process may run beside.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public static class Alone;
