using Dmt.Core;
using Dmt.Engine.Keyspaces;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Keyspaces;

/// <summary>
/// Each call to the object store from the opening on, while keys are written, fed and flushed, fails once, before or
/// after its effect; then the process goes on, or it dies. Afterwards searches find every key once.
/// </summary>
public sealed class KeyspaceFaultTests
{
    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(false, true, 1)]
    [InlineData(true, false, 1)]
    [InlineData(true, true, 1)]
    [InlineData(false, false, 5)]
    [InlineData(false, true, 5)]
    [InlineData(true, false, 5)]
    [InlineData(true, true, 5)]
    public async Task A_failure_anywhere_while_copies_are_fed_neither_loses_nor_doubles_one(
        bool afterEffect, bool dies, int shards)
    {
        var calls = int.MaxValue;
        var failAt = 1;
        for (; failAt <= calls; failAt++)
        {
            try
            {
                calls = await RunAsync(failAt, afterEffect, dies, shards);
            }
            catch (Exception e)
            {
                Assert.Fail($"call {failAt} failed, after effect {afterEffect}, dies {dies}, {shards} shards: {e}");
            }
        }

        Assert.True(failAt > 10, $"{failAt} calls are too few to mean much");
    }

    [Fact]
    public async Task A_store_closes_while_a_flush_waits_for_a_log_that_takes_nothing()
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var takesLog = true;
        var refused = new TaskCompletionSource();
        var failing = new FailingObjectStore(memory)
        {
            BeforeCreate = name =>
            {
                if (takesLog || !name.StartsWith("log/", StringComparison.Ordinal))
                {
                    return Task.CompletedTask;
                }

                refused.TrySetResult();
                throw DmtException.Unavailable("injected: no log is taken");
            },
        };
        var world = new KeyspaceWorld();
        var store = await world.OpenAsync(failing);
        takesLog = false;
        await world.PutAsync(store, KeyspaceWorld.RandomKey(new Random(3)), "x");
        var flushing = store.FlushAsync().AsTask();
        await refused.Task;
        await FailsAsync(() => store.DisposeAsync().AsTask());
        await Assert.ThrowsAsync<DmtException>(() => flushing);
        await Assert.ThrowsAsync<DmtException>(async () => await store.GetAsync(KeyspaceWorld.Bytes("s/a")));
    }

    /// <returns>How many calls the scenario made.</returns>
    private static async Task<int> RunAsync(int failAt, bool afterEffect, bool dies, int shards)
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var world = new KeyspaceWorld();
        var random = new Random(11);
        await using (var first = await world.OpenAsync(new FailingObjectStore(memory)))
        {
            await FillAsync(world, first, random);
            await CarveAsync(first, shards);
            await FillAsync(world, first, random);
        }

        var failing = new FailingObjectStore(memory) { AfterEffect = afterEffect, ThenCutOff = dies };
        var store = await world.OpenAsync(
            failing, static options => options with { CollectsGarbage = false }, TimeSpan.FromMilliseconds(20));
        var before = failing.Calls;
        failing.FailAt = before + failAt;
        var changes = new List<Func<Task>>
        {
            () => FillAsync(world, store, random),
            () => store.FlushAsync().AsTask(),
            () => store.RebuildKeyspaceAsync("paths").AsTask(),
            () => FillAsync(world, store, random),
            () => store.FlushAsync().AsTask(),
            () => store.Host.Feed!.WaitAsync(default).AsTask(),
            () => store.SyncAsync().AsTask(),
        };
        var wasCut = false;
        foreach (var change in changes)
        {
            // What still waits then, for the dead log, say, fails when the store is disposed.
            var done = FailsAsync(change);
            wasCut = await Task.WhenAny(done, failing.WhenCutOff) != done || failing.WhenCutOff.IsCompleted;
            if (wasCut)
            {
                break;
            }
        }

        var calls = failing.Calls - before;
        if (!dies)
        {
            failing.FailAt = 0;
            await world.AdoptAsync(store);
            await world.CheckAsync(store, random, "in the process that saw the failure");
        }

        failing.CutOff();
        await FailsAsync(() => store.DisposeAsync().AsTask());
        await using var after = await world.OpenAsync(new FailingObjectStore(memory));
        await world.AdoptAsync(after);
        await world.CheckAsync(after, random, "opened again");
        await FillAsync(world, after, random);
        await world.CheckAsync(after, random, "written again");
        return wasCut ? int.MaxValue : calls;
    }

    private static async Task<bool> FailsAsync(Func<Task> change)
    {
        try
        {
            await change();
            return false;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            return true; // What failed is told; what was done is compared below.
        }
    }

    private static async Task FillAsync(KeyspaceWorld world, TrieStore store, Random random)
    {
        for (var i = 0; i < 25; i++)
        {
            await world.PutAsync(store, KeyspaceWorld.RandomKey(random), $"{random.Next()}");
        }

        await world.DeletePrefixAsync(store, $"s/{"abc"[random.Next(3)]}/");
        for (var i = 0; i < 5; i++)
        {
            await world.PutAsync(
                store, KeyspaceWorld.RandomKey(random), $"{random.Next()}", null, Durability.Strict);
        }
    }

    private static async Task CarveAsync(TrieStore store, int shards)
    {
        byte[][] prefixes =
        [
            KeyspaceWorld.Bytes("s/a"),
            CopyKeys.Prefix(1, 0, []),
            CopyKeys.Prefix(1, 1, KeyspaceWorld.Bytes("a")),
            CopyKeys.Prefix(2, 0, []),
        ];
        foreach (var prefix in prefixes.Take(shards - 1))
        {
            await store.Shards.CarveAsync([prefix], default);
        }
    }
}
