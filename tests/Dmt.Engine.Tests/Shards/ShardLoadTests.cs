using System.Globalization;
using System.Text;
using Dmt.Core.Sharding;
using Dmt.Engine.Objects;
using Dmt.Engine.Shards;
using Dmt.Engine.Tests.Log;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Shards;

public sealed class ShardLoadTests
{
    private const int LoadMax = 1000;
    private readonly ManualTime _time = new();
    private readonly Random _random = new(7);

    [Fact]
    public void The_rate_is_that_of_the_last_seconds_and_fades()
    {
        var load = new ShardLoad(_time, LoadMax);
        Ask(load, 30_000);
        Assert.False(load.IsHot); // The window has not ended.
        _time.Advance(ShardLoad.Window);
        Assert.InRange(load.PerSecond, 2950, 3050);
        Assert.True(load.IsHot);
        _time.Advance(ShardLoad.Window / 2);
        Assert.InRange(load.PerSecond, 1450, 1550);
        _time.Advance(ShardLoad.Window);
        Assert.Equal((0, false), (load.PerSecond, load.IsHot));
        Assert.Equal(ShardLoad.Window * 1.5, load.CoolFor);
    }

    [Fact]
    public async Task A_hot_shard_is_carved_once_and_merged_when_it_has_cooled_down()
    {
        await using var memory = new MemoryObjectStore(_time);
        await using var store = await OpenAsync(memory);
        await FillAsync(store);
        await AskAsync(store, 4 * LoadMax, windows: 8, _ => _random.Next(1000));
        var (carves, _, merges) = store.Host.Balancer!.Counts;
        var shards = store.Shards.Map.Count;
        Assert.True(shards > 3, $"{shards} shards");
        Assert.Equal(0, merges);
        Assert.All(store.Shards.Open, static shard => Assert.False(shard.Load.IsHot));
        var infos = await store.ListShardsAsync();
        Assert.InRange(infos.Sum(static info => info.Open!.OperationsPerSecond), 3.5 * LoadMax, 4.5 * LoadMax);

        // Half the load, for longer than what is cool is kept: nothing moves any more, though all shards are small.
        await AskAsync(store, 2 * LoadMax, windows: 65, _ => _random.Next(1000));
        Assert.Equal((carves, 0, shards), (
            store.Host.Balancer!.Counts.Carves, store.Host.Balancer!.Counts.Merges, store.Shards.Map.Count));

        await store.FlushAsync(); // Versions that were overwritten are no longer in memory.
        await AskAsync(store, 10, windows: 200, _ => _random.Next(1000));
        Assert.Equal(1, store.Shards.Map.Count);
        Assert.Equal(1000, await store.CountAsync(Dmt.Core.Keys.KeyRange.All));
    }

    [Fact]
    public async Task A_single_hot_key_is_never_carved()
    {
        await using var memory = new MemoryObjectStore(_time);
        await using var store = await OpenAsync(memory);
        await FillAsync(store);
        await AskAsync(store, 5 * LoadMax, windows: 10, static _ => 500);
        Assert.Equal(1, store.Shards.Map.Count);
    }

    [Fact]
    public async Task A_hot_key_among_others_is_not_carved_again_and_again()
    {
        await using var memory = new MemoryObjectStore(_time);
        await using var store = await OpenAsync(memory);
        await FillAsync(store);
        await AskAsync(store, 5 * LoadMax, windows: 12, i => i % 10 < 8 ? 500 : _random.Next(1000));
        var carves = store.Host.Balancer!.Counts.Carves;
        Assert.InRange(carves, 0, 4);
        await AskAsync(store, 5 * LoadMax, windows: 30, i => i % 10 < 8 ? 500 : _random.Next(1000));
        Assert.Equal((carves, 0), (store.Host.Balancer!.Counts.Carves, store.Host.Balancer!.Counts.Merges));
    }

    private ValueTask<TrieStore> OpenAsync(MemoryObjectStore memory) => TrieStore.OpenAsync(
        new FailingObjectStore(memory), new EngineOptions { ShardLoadMax = LoadMax, ShardBytesMax = 1 << 20 }, _time);

    private static async Task FillAsync(TrieStore store)
    {
        for (var i = 0; i < 1000; i++)
        {
            await store.PutAsync(Key(i), Key(i));
        }

        Assert.Equal(ShardMap.Initial.Count, store.Shards.Map.Count);
    }

    private static void Ask(ShardLoad load, int times)
    {
        for (var i = 0; i < times; i++)
        {
            if (ShardLoad.IsSample())
            {
                load.Add("k"u8);
            }
        }
    }

    /// <summary>Reads, and a write after every seventh, in windows of the shards' loads.</summary>
    private async Task AskAsync(TrieStore store, int perSecond, int windows, Func<int, int> key)
    {
        var operations = perSecond * (int)ShardLoad.Window.TotalSeconds;
        for (var window = 0; window < windows; window++)
        {
            for (var i = 0; i < operations; i++)
            {
                var asked = Key(key(i));
                if (i % 8 == 7)
                {
                    await store.PutAsync(asked, asked);
                }
                else
                {
                    Assert.NotNull(await store.GetAsync(asked));
                }
            }

            _time.Advance(ShardLoad.Window);
            await store.Host.Balancer!.SettleAsync(default);
        }
    }

    private static byte[] Key(int i) => Encoding.ASCII.GetBytes(i.ToString("D3", CultureInfo.InvariantCulture));
}
