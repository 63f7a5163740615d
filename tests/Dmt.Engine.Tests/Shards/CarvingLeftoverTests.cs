using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tests.Log;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Shards;

/// <summary>What nothing needs any more goes without waiting for the daily look through everything.</summary>
public sealed class CarvingLeftoverTests
{
    [Theory]
    [InlineData("shards/3/manifest/0000000000000001")]
    [InlineData("shards/3/manifest/0000000000000002")]
    public async Task A_carve_that_fails_leaves_no_object(string failsAt)
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var objects = new FailingObjectStore(memory);
        var logs = new ObjectLogStore(objects, new ObjectLogOptions(), TimeProvider.System, EngineScheduler.ThreadPool);
        var options = ShardWorld.Options with { CollectsGarbage = false };
        var store = await TrieStore.OpenAsync(
            objects, logs, options, TimeProvider.System, EngineScheduler.ThreadPool, null, default);
        await store.PutAsync(ShardWorld.Bytes("a1"), ShardWorld.Bytes("x"));
        objects.BeforeCreate = async name =>
        {
            if (name.StartsWith("shards/1/manifest/", StringComparison.Ordinal))
            {
                // It comes too late for the flush, and is left for the child.
                await store.PutAsync(ShardWorld.Bytes("a2"), ShardWorld.Bytes("y"));
                await store.PutAsync(ShardWorld.Bytes("b2"), ShardWorld.Bytes("y"));
            }

            if (name == failsAt)
            {
                throw DmtException.Unavailable($"injected: {name}");
            }
        };
        await Assert.ThrowsAsync<DmtException>(
            async () => await store.Shards.CarveAsync([ShardWorld.Bytes("a"), ShardWorld.Bytes("b")], default));
        objects.BeforeCreate = null;
        Assert.Equal(1, store.Shards.Map.Count);
        await store.DisposeAsync();
        Assert.Empty(await ListAsync(memory, "shards/2/"));
        Assert.Empty(await ListAsync(memory, "shards/3/"));
    }

    [Fact]
    public async Task What_a_reader_held_back_goes_soon_after_it_has_left()
    {
        var time = new ManualTime();
        await using var memory = new MemoryObjectStore(time);
        await using var store = await TrieStore.OpenAsync(new FailingObjectStore(memory), ShardWorld.Options, time);
        await store.PutAsync(ShardWorld.Bytes("a"), ShardWorld.Bytes("x"));
        await store.FlushAsync();
        var table = store.Shards.Root.Tables.Single().Id.ObjectName;
        await store.PutAsync(ShardWorld.Bytes("a"), ShardWorld.Bytes("y"));
        using (var reader = store.Host.Epochs.CreatePin())
        {
            reader.Enter();
            await store.CompactAsync();
            Assert.True(store.Host.IsInUse(table));
        }

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(store.Host.IsInUse(table));
        Assert.Equal(0, store.Host.Epochs.PendingCount);
    }

    private static async Task<List<string>> ListAsync(MemoryObjectStore memory, string prefix)
    {
        var names = new List<string>();
        await foreach (var info in memory.ListAsync(prefix))
        {
            names.Add(info.Name);
        }

        return names;
    }
}
