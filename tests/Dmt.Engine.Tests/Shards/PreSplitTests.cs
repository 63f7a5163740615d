using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Shards;

public sealed class PreSplitTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_new_store_is_cut_at_the_prefixes_of_its_k_factor_and_stays_so(int kFactor)
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var expected = PreSplitPrefixes.Of(kFactor).Select(static p => Convert.ToHexString(p.Span)).Prepend("");
        string[] keys = ["a", "aa", "zz9", "Zebra", "~", "\u0001", "é"];
        await using (var store = await OpenAsync(kFactor))
        {
            Assert.Equal(expected, Prefixes(store));
            foreach (var key in keys)
            {
                await store.PutAsync(key, key);
            }

            Assert.Equal(keys.Length, await store.CountAsync(KeyRange.All));
        }

        await using var again = await OpenAsync(0);
        Assert.Equal(expected, Prefixes(again));
        foreach (var key in keys)
        {
            Assert.Equal(key, await again.GetTextAsync(key));
        }

        foreach (var info in await again.ListShardsAsync())
        {
            var parent = info.Prefix.Length == 0 ? null
                : (uint?)again.Shards.Map.Find(info.Prefix.Span[..^1]).Shard;
            Assert.Equal(parent, info.Parent);
        }

        ValueTask<TrieStore> OpenAsync(int kFactor) => ShardWorld.OpenAsync(
            new Torture.FailingObjectStore(memory), ShardWorld.Options with { KFactor = kFactor });
    }

    [Fact]
    public async Task A_store_that_exists_is_left_as_it_is()
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        for (var i = 0; i < 2; i++)
        {
            var options = ShardWorld.Options with { KFactor = i };
            await using var store = await ShardWorld.OpenAsync(new Torture.FailingObjectStore(memory), options);
            Assert.Equal([""], Prefixes(store));
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public async Task A_k_factor_out_of_range_is_refused(int kFactor)
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var e = await Assert.ThrowsAsync<DmtException>(async () =>
            await TrieStore.OpenAsync(memory, new EngineOptions { KFactor = kFactor }));
        Assert.Equal((DmtErrorKind.InvalidArgument, $"KFactor is {kFactor}: expected 0 to 2"), (e.Kind, e.Message));
    }

    private static IEnumerable<string> Prefixes(TrieStore store) =>
        store.Shards.Map.Entries.Select(static entry => Convert.ToHexString(entry.Prefix.Span));
}
