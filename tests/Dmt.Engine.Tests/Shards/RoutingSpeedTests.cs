using System.Diagnostics;
using System.Globalization;
using Dmt.Engine.Objects;
using Xunit.Abstractions;

namespace Dmt.Engine.Tests.Shards;

/// <summary>
/// What it costs to go through the map to a store's only shard. DMT_SHARD_OPERATIONS: how many of each kind a round
/// has; the times, and their ratio, are in the output.
/// </summary>
public sealed class RoutingSpeedTests(ITestOutputHelper output)
{
    private const int Rounds = 9;
    private static readonly int Operations = ShardSetting.Of("DMT_SHARD_OPERATIONS", 1000);
    private static readonly byte[] Value = new byte[100];
    private readonly byte[][] _keys = [.. Enumerable.Range(0, Operations).Select(Key)];

    [Fact]
    public async Task Writes_that_are_routed_allocate_no_more_than_the_shard_itself()
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        await using var store = await TrieStore.OpenAsync(memory);
        var shard = store.Shards.Root;
        List<(Cost Routed, Cost Direct)> puts = [], gets = [], deletes = [];
        for (var round = 0; round < Rounds; round++)
        {
            puts.Add((
                await MeasureAsync(key => store.PutAsync(key, Value)),
                await MeasureAsync(key => shard.PutAsync(key, Value, default, default))));
            gets.Add((
                await MeasureAsync(key => store.GetAsync(key)),
                await MeasureAsync(key => shard.GetAsync(key, null, default))));
            deletes.Add((
                await MeasureAsync(key => store.DeleteAsync(key)),
                await MeasureAsync(key => shard.DeleteAsync(key, default, default))));
        }

        output.WriteLine($"put {Text(puts)}\nget {Text(gets)}\ndelete {Text(deletes)}");

        // A memtable's memory and the log's buffers come in pieces; a closure would be seen in every call.
        Assert.All([puts, gets, deletes], static costs => Assert.InRange(
            Median(costs.Select(static pair => (double)pair.Routed.Allocated)),
            0,
            Median(costs.Select(static pair => (double)pair.Direct.Allocated)) + (24.0 * Operations)));
    }

    private async Task<Cost> MeasureAsync<T>(Func<byte[], ValueTask<T>> call)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        foreach (var key in _keys)
        {
            await call(key);
        }

        var took = Stopwatch.GetElapsedTime(began);
        return new Cost(took.TotalNanoseconds / Operations, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static byte[] Key(int i) =>
        System.Text.Encoding.ASCII.GetBytes(((uint)i * 2654435761u).ToString("x16", CultureInfo.InvariantCulture));

    private static string Text(List<(Cost Routed, Cost Direct)> times)
    {
        var routed = Median(times.Select(static t => t.Routed.Nanoseconds));
        var direct = Median(times.Select(static t => t.Direct.Nanoseconds));
        return string.Create(
            CultureInfo.InvariantCulture, $"routed {routed:F0} ns, direct {direct:F0} ns: {routed / direct:F3}");
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    /// <summary>Of one call the time, of all of a round the memory.</summary>
    private readonly record struct Cost(double Nanoseconds, long Allocated);
}
