using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Log;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Shards;

public sealed class IdleStoreTests
{
    [Fact]
    public async Task An_idle_store_in_a_bucket_makes_fewer_than_10_requests_a_minute()
    {
        const int Minutes = 10;
        var time = new ManualTime();
        await using var memory = new MemoryObjectStore(time);
        var objects = new FailingObjectStore(memory);
        await using var store = await TrieStore.OpenAsync(objects, new EngineOptions(), time);
        await store.PutAsync("a"u8.ToArray(), "1"u8.ToArray(), new WriteOptions { Durability = Durability.Strict });
        await store.FlushAsync();
        await store.CompactAsync();
        var before = objects.Calls;
        for (var second = 0; second < Minutes * 60; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.InRange(objects.Calls - before, 0, (Minutes * 10) - 1);
    }
}
