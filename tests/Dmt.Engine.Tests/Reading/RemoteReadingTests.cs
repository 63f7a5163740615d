using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Reading;

/// <summary>Far away, a request costs more than the bytes that it brings.</summary>
public sealed class RemoteReadingTests
{
    private const int Keys = 20_000;

    private static readonly string _padding = new('x', 84);

    [Fact]
    public async Task A_cold_scan_of_100_takes_one_read()
    {
        await using var bucket = await FilledAsync();
        foreach (var from in (int[])[0, 1, 33, 34, 4_567, 12_345, Keys - 100])
        {
            var objects = new RemoteObjectStore(bucket);
            await using var store = await TrieStore.OpenAsync(objects);
            objects.TakeReads();
            using var scan = store.OpenScan(new KeyRange(Encoding.UTF8.GetBytes(Key(from)), null));
            for (var i = from; i < from + 100; i++)
            {
                Assert.True(await scan.MoveNextAsync());
                Assert.Equal(Key(i), Encoding.UTF8.GetString(scan.Key));
                Assert.Equal(Value(i), Encoding.UTF8.GetString(scan.Value));
            }

            Assert.Equal(1, objects.TakeReads());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_scan_of_everything_reads_many_blocks_at_a_time(bool reverse)
    {
        await using var bucket = await FilledAsync();
        var objects = new RemoteObjectStore(bucket);

        // The least cache there can be: what is read ahead does not get lost in it.
        await using var store = await TrieStore.OpenAsync(objects, new EngineOptions { CacheBytes = 8 << 20 });
        objects.TakeReads();
        using var scan = store.OpenScan(KeyRange.All, reverse);
        for (var i = 0; i < Keys; i++)
        {
            Assert.True(await scan.MoveNextAsync());
            var expected = reverse ? Keys - 1 - i : i;
            Assert.Equal(Key(expected), Encoding.UTF8.GetString(scan.Key));
            Assert.Equal(Value(expected), Encoding.UTF8.GetString(scan.Value));
        }

        Assert.False(await scan.MoveNextAsync());
        Assert.InRange(objects.TakeReads(), 1, 10); // of some 500 blocks
    }

    [Fact]
    public async Task A_scan_reads_ahead_only_to_what_is_cached()
    {
        await using var bucket = await FilledAsync();
        var objects = new RemoteObjectStore(bucket);
        await using var store = await TrieStore.OpenAsync(objects);
        for (var round = 0; round < 2; round++)
        {
            objects.TakeReads();
            Assert.Equal(Keys, await store.CountAsync(KeyRange.All));
            Assert.Equal(round == 0, objects.TakeReads() > 0);
        }
    }

    [Fact]
    public async Task Opening_does_not_wait_for_the_search_for_garbage()
    {
        await using var bucket = await FilledAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var objects = new RemoteObjectStore(bucket) { HeldListing = ("/tables/", release.Task) };
        var store = await TrieStore.OpenAsync(objects);
        Assert.Equal(Value(7), await store.GetTextAsync(Key(7)));
        release.SetResult();
        await store.DisposeAsync();
    }

    [Fact]
    public async Task A_late_search_for_garbage_spares_what_a_successor_wrote()
    {
        await using var bucket = await FilledAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = await TrieStore.OpenAsync(
            new RemoteObjectStore(bucket) { HeldListing = ("/tables/", release.Task) });
        await using (var second = await TrieStore.OpenAsync(new RemoteObjectStore(bucket)))
        {
            await second.PutAsync("new", "kept");
            await second.FlushAsync();
            await second.CompactAsync();
        }

        release.SetResult();
        await first.DisposeAsync();
        await using var third = await TrieStore.OpenAsync(new RemoteObjectStore(bucket));
        Assert.Equal("kept", await third.GetTextAsync("new"));
        Assert.Equal(Keys + 1, await third.CountAsync(KeyRange.All));
    }

    private static string Key(int index) => $"key{index:D13}";

    private static string Value(int index) => $"{index:D16}{_padding}";

    private static async Task<MemoryObjectStore> FilledAsync()
    {
        var bucket = new MemoryObjectStore(TimeProvider.System);
        await using var store = await TrieStore.OpenAsync(new RemoteObjectStore(bucket));
        for (var i = 0; i < Keys; i++)
        {
            await store.PutAsync(Key(i), Value(i));
        }

        return bucket;
    }
}
