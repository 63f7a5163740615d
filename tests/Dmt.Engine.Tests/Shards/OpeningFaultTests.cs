using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Shards;

/// <summary>
/// Each call to the object store while a shard is opened beside another that is busy fails once, before or after its
/// effect; the other goes on, and what nobody open needs of the log goes. Then the shard is opened all the same, or it
/// is not, and the process dies, or it closes. What was acknowledged is there.
/// </summary>
public sealed class OpeningFaultTests
{
    private enum End
    {
        Dies,
        DiesWithoutOpening,
        ClosesWithoutOpening,
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task An_opening_that_fails_leaves_nothing_behind_that_loses_a_write(
        bool afterEffect, bool logsInFolder)
    {
        foreach (var end in Enum.GetValues<End>())
        {
            var failAt = 0;
            var calls = 0;
            while (calls >= failAt)
            {
                failAt++;
                try
                {
                    calls = await RunAsync(failAt, afterEffect, logsInFolder, end);
                }
                catch (Exception e)
                {
                    Assert.Fail($"{end}: call {failAt} failed, after effect {afterEffect}: {e}");
                }
            }

            Assert.True(failAt > 3, $"{end}: {failAt} calls are too few to mean much");
        }
    }

    /// <returns>How many calls the opening made.</returns>
    private static async Task<int> RunAsync(int failAt, bool afterEffect, bool logsInFolder, End end)
    {
        using var folder = new TemporaryDirectory();
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var world = new ShardWorld();
        await using (var first = await OpenAsync(new FailingObjectStore(memory)))
        {
            await first.Shards.CarveAsync([ShardWorld.Bytes("b")], default);
            await WriteAsync(first, "a", 1);
            await WriteAsync(first, "b", 1);
        }

        var failing = new FailingObjectStore(memory) { AfterEffect = afterEffect };
        var store = await OpenAsync(failing);
        await WriteAsync(store, "a", 2);
        var before = failing.Calls;
        failing.FailAt = before + failAt;
        try
        {
            await store.GetAsync(ShardWorld.Bytes("b"));
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            // The caller is told.
        }

        var calls = failing.Calls - before;
        failing.FailAt = 0;
        await WriteAsync(store, "a", 500);
        await store.Shards.Root.FlushAsync(default);
        await store.CollectGarbageAsync();
        if (end == End.Dies)
        {
            await WriteAsync(store, "b", 2);
        }

        if (end != End.ClosesWithoutOpening)
        {
            failing.CutOff();
        }

        try
        {
            await store.DisposeAsync();
        }
        catch (DmtException e) when (end != End.ClosesWithoutOpening && e.Kind == DmtErrorKind.Unavailable)
        {
            // Dead.
        }

        await using var after = await OpenAsync(new FailingObjectStore(memory));
        await world.CheckAsync(after, "opened again");
        await WriteAsync(after, "b", 1);
        await world.CheckAsync(after, "written again");
        return calls;

        ValueTask<TrieStore> OpenAsync(FailingObjectStore objects)
        {
            ILogStore logs = logsInFolder
                ? new FileLogStore(folder.Path, new FileLogOptions { SegmentBytes = 64 << 10 }, TimeProvider.System)
                : new ObjectLogStore(
                    objects, new ObjectLogOptions { CloseTimeout = TimeSpan.FromMilliseconds(20) },
                    TimeProvider.System, EngineScheduler.ThreadPool);
            return TrieStore.OpenAsync(
                objects, logs, ShardWorld.Options, TimeProvider.System, EngineScheduler.ThreadPool, null, default);
        }

        async Task WriteAsync(TrieStore to, string prefix, int times)
        {
            for (var i = 0; i < times; i++)
            {
                await world.PutAsync(to, $"{prefix}{i % 7}", $"{i}".PadLeft(500), Durability.Strict);
            }
        }
    }
}
