using System.Globalization;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Objects;
using Xunit.Abstractions;

namespace Dmt.Engine.Tests.Shards;

public sealed class CarvingModelTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task However_shards_are_carved_and_merged_the_store_equals_the_model(int seed)
    {
        var random = new Random(seed);
        var world = new ShardWorld();
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var store = await ShardWorld.OpenAsync(new Torture.FailingObjectStore(memory));
        var shardsMost = 0;
        try
        {
            for (var step = 0; step < 400; step++)
            {
                switch (random.Next(40))
                {
                    case < 20:
                        for (var i = random.Next(1, 40); i > 0; i--)
                        {
                            await world.PutAsync(store, ShardWorld.RandomKey(random), Value(random, step));
                        }

                        break;
                    case < 23:
                        await world.DeletePrefixAsync(store, ShardWorld.RandomKey(random));
                        break;
                    case < 26:
                        await BatchAsync(world, store, random, step);
                        break;
                    case < 31:
                        await CarveAsync(store, random);
                        break;
                    case < 34:
                        await MergeAsync(store, random);
                        break;
                    case < 36:
                        await store.FlushAsync();
                        break;
                    case < 37:
                        await store.CompactAsync();
                        break;
                    case < 38:
                        await store.CollectGarbageAsync();
                        break;
                    default:
                        await store.DisposeAsync();
                        store = await ShardWorld.OpenAsync(new Torture.FailingObjectStore(memory));
                        break;
                }

                shardsMost = Math.Max(shardsMost, store.Shards.Map.Count);
                if (step % 20 == 19)
                {
                    await world.CheckAsync(store, $"seed {seed}, step {step}");
                }
            }

            await store.CompactAsync();
            await world.CheckAsync(store, $"seed {seed}, compacted");
            foreach (var entry in store.Shards.Map.Entries.Where(static e => e.Shard != ShardMap.Root).ToList())
            {
                await store.Shards.MergeAsync(entry.Shard, default);
            }

            await world.CheckAsync(store, $"seed {seed}, merged");
            Assert.Equal(1, store.Shards.Map.Count);
            Assert.True(shardsMost >= 5, $"{shardsMost} shards at most are too few to mean much");
            output.WriteLine($"{shardsMost} shards at most, {world.Model.Count} keys at the end");
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"seed {seed} failed", e);
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    private static string Value(Random random, int step) =>
        string.Create(CultureInfo.InvariantCulture, $"{step}-{random.Next(1000)}")
            .PadRight(random.Next(10) == 0 ? 3000 : 20, '.');

    private static async Task BatchAsync(ShardWorld world, TrieStore store, Random random, int step)
    {
        var batch = new WriteBatch();
        var applied = new List<(string Key, string? Value)>();
        for (var i = random.Next(1, 12); i > 0; i--)
        {
            var (key, value) = (ShardWorld.RandomKey(random), Value(random, step));
            if (random.Next(4) == 0)
            {
                batch.Delete(ShardWorld.Bytes(key));
                applied.Add((key, null));
            }
            else
            {
                batch.Put(ShardWorld.Bytes(key), ShardWorld.Bytes(value));
                applied.Add((key, value));
            }
        }

        await store.WriteAsync(batch);
        foreach (var (key, value) in applied)
        {
            if (value is null)
            {
                world.Model.Remove(key);
            }
            else
            {
                world.Model[key] = value;
            }
        }
    }

    private static async Task CarveAsync(TrieStore store, Random random)
    {
        var prefix = ShardWorld.RandomKey(random);
        prefix = prefix[..Math.Min(prefix.Length, 3)];
        if (store.Shards.Map.Find(ShardWorld.Bytes(prefix)).Prefix.Length < prefix.Length)
        {
            await store.Shards.CarveAsync([ShardWorld.Bytes(prefix)], default);
        }
    }

    private static async Task MergeAsync(TrieStore store, Random random)
    {
        var children = store.Shards.Map.Entries.Where(static e => e.Shard != ShardMap.Root).ToList();
        if (children.Count > 0)
        {
            await store.Shards.MergeAsync(children[random.Next(children.Count)].Shard, default);
        }
    }
}
