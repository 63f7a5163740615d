using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Shards;

/// <summary>
/// Each call to the object store during a carve and a merge fails once, before or after its effect; then the process
/// goes on, or it dies. Afterwards the map is the old one or the new one, and every key is there once.
/// </summary>
public sealed class CarvingFaultTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_failure_anywhere_in_a_carve_or_a_merge_neither_loses_nor_doubles_a_key(
        bool afterEffect, bool dies)
    {
        var calls = int.MaxValue;
        var failAt = 1;
        for (; failAt <= calls; failAt++)
        {
            try
            {
                calls = await RunAsync(failAt, afterEffect, dies);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"call {failAt} failed, after effect {afterEffect}, dies {dies}: {e}");
            }
        }

        Assert.True(failAt > 30, $"{failAt} calls are too few to mean much");
    }

    /// <returns>How many calls the scenario made.</returns>
    private static async Task<int> RunAsync(int failAt, bool afterEffect, bool dies)
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var world = new ShardWorld();
        var random = new Random(7);
        await using (var first = await ShardWorld.OpenAsync(new FailingObjectStore(memory)))
        {
            await FillAsync(world, first, random, Durability.Default);
            await first.Shards.CarveAsync([ShardWorld.Bytes("ab")], default);
            await FillAsync(world, first, random, Durability.Default);
            await first.CompactAsync();
        }

        var failing = new FailingObjectStore(memory) { AfterEffect = afterEffect };
        var store = await ShardWorld.OpenAsync(
            failing, ShardWorld.Options with { CollectsGarbage = false }, dies ? TimeSpan.FromMilliseconds(20) : null);
        await FillAsync(world, store, random, Durability.Strict);
        var before = failing.Calls;
        failing.FailAt = before + failAt;
        var ended = true;
        foreach (var change in Changes(store))
        {
            try
            {
                await change();
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
            {
                // What failed is told; nothing may be lost.
            }

            if (dies && failing.Calls >= failing.FailAt)
            {
                ended = false;
                break;
            }

            await RetriedFillAsync(world, store, random);
        }

        var calls = ended ? failing.Calls - before : int.MaxValue;
        if (dies)
        {
            failing.CutOff();
        }
        else
        {
            failing.FailAt = 0;
            await world.CheckAsync(store, "in the process that saw the failure");
        }

        try
        {
            await store.DisposeAsync();
        }
        catch (DmtException e) when (dies && e.Kind == DmtErrorKind.Unavailable)
        {
            // Dead.
        }

        await using var after = await ShardWorld.OpenAsync(new FailingObjectStore(memory));
        await world.CheckAsync(after, "opened again");
        await FillAsync(world, after, random, Durability.Strict);
        foreach (var entry in after.Shards.Map.Entries.Where(static e => e.Shard != ShardMap.Root).ToList())
        {
            await after.Shards.MergeAsync(entry.Shard, default);
        }

        await after.CompactAsync();
        await after.CollectGarbageAsync();
        await world.CheckAsync(after, "merged again");
        return calls;
    }

    private static IEnumerable<Func<Task>> Changes(TrieStore store)
    {
        yield return () => store.Shards.CarveAsync([ShardWorld.Bytes("a"), ShardWorld.Bytes("bc")], default).AsTask();
        yield return () => MergeAsync(store, "ab");
        yield return () => MergeAsync(store, "bc");
    }

    private static async Task MergeAsync(TrieStore store, string prefix)
    {
        var found = store.Shards.Map.Find(ShardWorld.Bytes(prefix));
        if (found.Prefix.Length == prefix.Length)
        {
            await store.Shards.MergeAsync(found.Shard, default);
        }
    }

    private static async Task FillAsync(ShardWorld world, TrieStore store, Random random, Durability durability)
    {
        for (var i = 0; i < 30; i++)
        {
            await world.PutAsync(store, ShardWorld.RandomKey(random), $"{random.Next()}", durability);
        }

        await world.DeletePrefixAsync(store, ShardWorld.RandomKey(random) + "a");
    }

    /// <summary>The failure may hit a write: then it is made again.</summary>
    private static async Task RetriedFillAsync(ShardWorld world, TrieStore store, Random random)
    {
        for (var i = 0; i < 10; i++)
        {
            var (key, value) = (ShardWorld.RandomKey(random), $"{random.Next()}");
            try
            {
                await world.PutAsync(store, key, value, Durability.Strict);
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
            {
                await world.PutAsync(store, key, value, Durability.Strict);
            }
        }
    }
}
