using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Objects.Caching;

namespace Dmt.Engine.Tests.Objects.Caching;

/// <summary>A whole store with a cache on disk.</summary>
public sealed class CachedStoreTests : IDisposable
{
    private const int Keys = 20_000;

    private static readonly string _padding = new('x', 84);

    private readonly CacheFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    private EngineOptions Cached => new() { DiskCacheDirectory = _fixture.Folder, DiskCacheBytes = 64 << 20 };

    [Fact]
    public async Task What_a_process_wrote_another_reads_from_the_cache_alone()
    {
        await FillAsync(Cached);
        _fixture.Far.TakeReads();
        await using var store = await TrieStore.OpenAsync(_fixture.Far, Cached);
        Assert.Equal(Keys, await store.CountAsync(KeyRange.All));
        Assert.Equal(Value(4711), await store.GetTextAsync(Key(4711)));
        Assert.Empty(_fixture.Far.TakeReads());
    }

    [Fact]
    public async Task What_a_process_fetched_another_reads_from_the_cache_alone()
    {
        await FillAsync(new EngineOptions());
        for (var round = 0; round < 2; round++)
        {
            _fixture.Far.TakeReads();
            await using var store = await TrieStore.OpenAsync(_fixture.Far, Cached);
            Assert.Equal(Keys, await store.CountAsync(KeyRange.All));
            Assert.Equal(round == 0, _fixture.Far.TakeReads().Count > 0);
        }
    }

    [Fact]
    public async Task A_cold_get_is_one_request_of_two_parts_at_most()
    {
        await FillAsync(new EngineOptions());
        await using var store = await TrieStore.OpenAsync(_fixture.Far, Cached);
        foreach (var key in (int[])[3, 4_567, 9_999, 12_345, Keys - 2_000])
        {
            _fixture.Far.TakeReads();
            Assert.Equal(Value(key), await store.GetTextAsync(Key(key)));
            Assert.InRange(Assert.Single(_fixture.Far.TakeReads()).Length, 1, 2 * DiskCacheFormat.PartBytes);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_scan_of_a_partly_cached_table_reads_ahead_for_the_rest(bool reverse)
    {
        await FillAsync(new EngineOptions());
        await using (var store = await TrieStore.OpenAsync(_fixture.Far, Cached))
        {
            // Its tail is cached by now, and some of its blocks.
            for (var key = 0; key < Keys; key += Keys / 4)
            {
                Assert.Equal(Value(key), await store.GetTextAsync(Key(key)));
            }
        }

        _fixture.Far.TakeReads();
        await using var again = await TrieStore.OpenAsync(
            _fixture.Far, Cached with { CacheBytes = 8 << 20 });
        Assert.Empty(_fixture.Far.TakeReads());
        using var scan = again.OpenScan(KeyRange.All, reverse);
        for (var i = 0; i < Keys; i++)
        {
            Assert.True(await scan.MoveNextAsync());
            Assert.Equal(Key(reverse ? Keys - 1 - i : i), Encoding.UTF8.GetString(scan.Key));
        }

        Assert.InRange(_fixture.Far.TakeReads().Count, 1, 12); // of some 500 blocks
    }

    [Fact]
    public async Task A_cold_scan_of_100_is_one_request()
    {
        await FillAsync(new EngineOptions());
        await using var store = await TrieStore.OpenAsync(_fixture.Far, Cached);
        foreach (var from in (int[])[0, 4_567, 12_345])
        {
            _fixture.Far.TakeReads();
            using var scan = store.OpenScan(new KeyRange(Encoding.UTF8.GetBytes(Key(from)), null));
            for (var i = from; i < from + 100; i++)
            {
                Assert.True(await scan.MoveNextAsync());
            }

            Assert.Single(_fixture.Far.TakeReads());
        }
    }

    [Fact]
    public async Task What_was_damaged_on_its_way_is_an_error_and_fetched_anew_the_next_time()
    {
        await FillAsync(new EngineOptions());
        _fixture.Far.Damages = true;
        await AssertDamagedAsync(async () => await TrieStore.OpenAsync(_fixture.Far, Cached));
        _fixture.Far.Damages = false;
        await using var store = await TrieStore.OpenAsync(_fixture.Far, Cached);
        _fixture.Far.Damages = true;
        await AssertDamagedAsync(async () => await store.GetTextAsync(Key(4711)));
        await AssertDamagedAsync(async () => await store.CountAsync(KeyRange.All));
        _fixture.Far.Damages = false;
        Assert.Equal(Value(4711), await store.GetTextAsync(Key(4711)));
        Assert.Equal(Keys, await store.CountAsync(KeyRange.All));

        static async Task AssertDamagedAsync(Func<Task> call) =>
            Assert.Equal(DmtErrorKind.Corruption, (await Assert.ThrowsAsync<DmtException>(call)).Kind);
    }

    [Fact]
    public async Task A_store_made_anew_at_the_same_place_is_another_store()
    {
        await FillAsync(Cached);
        List<string> names = [];
        await foreach (var info in _fixture.Memory.ListAsync(""))
        {
            names.Add(info.Name);
        }

        Assert.Contains(CachingObjectStore.IdObject, names);
        await _fixture.Memory.DeleteAsync(names);
        await using var store = await TrieStore.OpenAsync(_fixture.Far, Cached);
        Assert.Equal(0, (await store.StatAsync()).DiskCache!.Bytes);
        Assert.Equal(0, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task Compaction_leaves_only_the_tables_that_are_in_use()
    {
        await using var store = await TrieStore.OpenAsync(_fixture.Far, Cached with { MemtableBytes = 256 << 10 });
        for (var i = 0; i < Keys; i++)
        {
            await store.PutAsync(Key(i), Value(i));
        }

        await store.CompactAsync();
        var statistics = await store.StatAsync();
        Assert.Equal(Keys, await store.CountAsync(KeyRange.All));
        Assert.Equal(0, statistics.DiskCache!.Failures);

        // Deleting is background work: what is deleted last is gone when the store is closed.
        await store.DisposeAsync();
        await using var again = await TrieStore.OpenAsync(_fixture.Far, Cached);
        statistics = await again.StatAsync();
        Assert.Equal(statistics.TableBytes, statistics.DiskCache!.Bytes);
    }

    [Fact]
    public async Task A_store_in_a_folder_takes_no_cache()
    {
        using var folder = new TemporaryDirectory();
        var error = await Assert.ThrowsAsync<DmtException>(
            async () => await TrieStore.OpenAsync(folder.Path, Cached));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.Contains("DiskCacheDirectory", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData((1 << 20) - 1)]
    [InlineData((4L << 40) + 1)]
    public void A_size_out_of_range_is_refused(long bytes)
    {
        var error = Assert.Throws<DmtException>(() => new EngineOptions { DiskCacheBytes = bytes }.Validate());
        Assert.Contains("DiskCacheBytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Needs", "small-disk")]
    public async Task A_full_disk_fails_no_read_and_no_write()
    {
        using var disk = new SmallDisk(2 << 20);
        var options = Cached with { DiskCacheDirectory = Path.Combine(disk.Path, "cache") };
        await (await TrieStore.OpenAsync(_fixture.Far, options)).DisposeAsync();
        disk.FillUp(100_000);
        await FillAsync(options);
        await using var store = await TrieStore.OpenAsync(_fixture.Far, options);
        Assert.Equal(Value(4711), await store.GetTextAsync(Key(4711)));
        Assert.Equal(Keys, await store.CountAsync(KeyRange.All));
        var cache = (await store.StatAsync()).DiskCache!;
        Assert.NotEqual(0, cache.Failures);
        Assert.InRange(cache.Bytes, 1, 100_000);
    }

    private async Task FillAsync(EngineOptions options)
    {
        await using var store = await TrieStore.OpenAsync(_fixture.Far, options);
        for (var i = 0; i < Keys; i++)
        {
            await store.PutAsync(Key(i), Value(i));
        }
    }

    private static string Key(int index) => $"key{index:D13}";

    private static string Value(int index) => $"{index:D16}{_padding}";
}
