using System.Globalization;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Keyspaces;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Torture;
using Xunit.Abstractions;

namespace Dmt.Engine.Tests.Keyspaces;

public sealed class KeyspaceModelTests(ITestOutputHelper output)
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
    public async Task Whatever_happens_to_the_keys_a_strong_search_finds_those_that_there_are(int seed)
    {
        var random = new Random(seed);
        var world = new KeyspaceWorld();
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var objects = new FailingObjectStore(memory);
        var store = await world.OpenAsync(objects);
        var (shardsMost, crashes) = (0, 0);
        try
        {
            for (var step = 0; step < 300; step++)
            {
                switch (random.Next(40))
                {
                    case < 27:
                        await WriteAsync(world, store, random, step);
                        break;
                    case < 30:
                        await CarveAsync(store, random);
                        break;
                    case < 32:
                        await MergeAsync(store, random);
                        break;
                    case < 34:
                        await store.FlushAsync();
                        break;
                    case < 35:
                        await store.CompactAsync();
                        break;
                    case < 36:
                        await store.RebuildKeyspaceAsync(random.Next(2) == 0 ? "paths" : "pairs");
                        break;
                    case < 38:
                        await store.DisposeAsync();
                        store = await world.OpenAsync(objects);
                        break;
                    default:
                        crashes++;
                        (store, objects) = await CrashAsync(world, store, objects, memory, random);
                        break;
                }

                shardsMost = Math.Max(shardsMost, store.Shards.Map.Count);
                if (step % 10 == 9)
                {
                    await world.CheckAsync(store, random, $"seed {seed}, step {step}");
                }
            }

            Assert.True(shardsMost >= 4 && crashes >= 5, $"{shardsMost} shards, {crashes} crashes are too few");
            output.WriteLine($"{shardsMost} shards at most, {crashes} crashes, {world.Model.Count} keys at the end");
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

    private static async Task WriteAsync(KeyspaceWorld world, TrieStore store, Random random, int step)
    {
        switch (random.Next(8))
        {
            case < 4:
                for (var i = random.Next(1, 30); i > 0; i--)
                {
                    TimeSpan? timeToLive = random.Next(5) == 0 ? TimeSpan.FromHours(random.Next(1, 5)) : null;
                    await world.PutAsync(store, KeyspaceWorld.RandomKey(random), Value(random, step), timeToLive);
                }

                break;
            case < 5:
                await world.DeletePrefixAsync(
                    store, KeyspaceWorld.RandomKey(random) is var key ? key[..random.Next(1, key.Length)] : "");
                break;
            case < 6:
                world.Time.Advance(TimeSpan.FromMinutes(random.Next(1, 100)));
                break;
            default:
                await BatchAsync(world, store, random, step);
                break;
        }
    }

    private static async Task BatchAsync(KeyspaceWorld world, TrieStore store, Random random, int step)
    {
        var batch = new WriteBatch();
        var changes = new List<Action>();
        for (var i = random.Next(1, 12); i > 0; i--)
        {
            var (key, value) = (KeyspaceWorld.RandomKey(random), Value(random, step));
            if (random.Next(3) == 0)
            {
                batch.Delete(KeyspaceWorld.Bytes(key));
                changes.Add(() => world.Model.Remove(key));
            }
            else
            {
                batch.Put(KeyspaceWorld.Bytes(key), KeyspaceWorld.Bytes(value));
                changes.Add(() => world.Model[key] = (value, null));
            }
        }

        if (random.Next(20) == 0)
        {
            batch.DeleteRange(KeyRange.All);
            changes.Add(world.Model.Clear);
        }

        await store.WriteAsync(batch);
        changes.ForEach(static change => change());
    }

    /// <summary>Nothing gets through any more; what was in the log's buffer is lost.</summary>
    private static async Task<(TrieStore Store, FailingObjectStore Objects)> CrashAsync(
        KeyspaceWorld world, TrieStore store, FailingObjectStore objects, MemoryObjectStore memory, Random random)
    {
        if (random.Next(2) == 0)
        {
            await store.SyncAsync();
        }

        objects.CutOff();
        try
        {
            await store.DisposeAsync();
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            // Dead.
        }

        objects = new FailingObjectStore(memory);
        store = await world.OpenAsync(objects, null, TimeSpan.FromMilliseconds(20));
        await world.AdoptAsync(store);
        return (store, objects);
    }

    private static string Value(Random random, int step) =>
        string.Create(CultureInfo.InvariantCulture, $"{step}-{random.Next(1000)}")
            .PadRight(random.Next(10) == 0 ? 3000 : 20, '.');

    /// <summary>Parts of the keys, and parts of the copies.</summary>
    private static async Task CarveAsync(TrieStore store, Random random)
    {
        var copies = store.Host.Feed!.Describe().Count > 0
            ? CopyKeys.Prefix((uint)random.Next(1, 4), random.Next(3), KeyspaceWorld.Bytes("ab"))
            : [];
        var key = KeyspaceWorld.Bytes(KeyspaceWorld.RandomKey(random));
        var prefix = random.Next(2) == 0 ? copies[..random.Next(8, copies.Length)]
            : key[..random.Next(1, Math.Min(5, key.Length))];
        if (store.Shards.Map.Find(prefix).Prefix.Length < prefix.Length)
        {
            await store.Shards.CarveAsync([prefix], default);
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
