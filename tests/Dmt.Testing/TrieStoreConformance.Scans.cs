using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <summary>Scans, counts and cursors.</summary>
public abstract partial class TrieStoreConformance
{
    private static readonly string[] Sorted =
        ["", "a", "ab", "abc", "abd", "b", "ba", "bb", "c/1", "c/10", "c/2", "d", "é", "ﬀ", "😀"];

    [Fact]
    public async Task A_scan_gives_keys_in_bytewise_order_with_what_they_hold()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, Sorted[1..].Reverse().ToArray());
        await store.PutAsync("ab", "x", new WriteOptions { Metadata = Bytes("meta") });
        var page = await store.ScanAsync(new ScanRequest());
        Assert.Equal(Sorted[1..], page.Entries.Select(entry => Text(entry.Key)));
        Assert.Null(page.Cursor);
        foreach (var (key, entry) in page.Entries)
        {
            var got = (await store.GetAsync(key))!.Value;
            Assert.Equal(got.Version, entry.Version);
            Assert.Equal(got.Value.ToArray(), entry.Value.ToArray());
            Assert.Equal(got.Metadata.ToArray(), entry.Metadata.ToArray());
        }
    }

    [Fact]
    public async Task A_reverse_scan_is_the_scan_backwards()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, Sorted[1..]);
        Assert.Equal(Sorted[1..].Reverse(), await TextsAsync(store, new ScanRequest { Reverse = true }));
    }

    [Fact]
    public async Task Keys_only_leaves_out_values_and_nothing_else()
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        var options = new WriteOptions { Metadata = Bytes("meta"), TimeToLive = TimeSpan.FromSeconds(5) };
        var version = await store.PutAsync("k", "value", options);
        var page = await store.ScanAsync(new ScanRequest { KeysOnly = true });
        var (key, entry) = Assert.Single(page.Entries);
        Assert.Equal("k", Text(key));
        Assert.True(entry.Value.IsEmpty);
        Assert.Equal("meta", Text(entry.Metadata));
        Assert.Equal(version, entry.Version);
        Assert.Equal(clock.GetUtcNow().AddSeconds(5), entry.ExpiresAt);
    }

    [Fact]
    public async Task Every_range_gives_and_counts_exactly_its_keys()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, Sorted[1..]);
        foreach (var start in Sorted)
        {
            foreach (var end in Sorted.Skip(1).Append(null))
            {
                var range = new KeyRange(Bytes(start), end is null ? (ReadOnlyMemory<byte>?)null : Bytes(end));
                var expected = Sorted[1..].Where(key => range.Contains(Bytes(key))).ToList();
                Assert.Equal(expected, await TextsAsync(store, new ScanRequest { Range = range }));
                Assert.Equal(expected.Count, await store.CountAsync(range));
                expected.Reverse();
                Assert.Equal(expected, await TextsAsync(store, new ScanRequest { Range = range, Reverse = true }));
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("c/")]
    [InlineData("c/1")]
    [InlineData("none")]
    [InlineData("😀")]
    public async Task A_prefix_scan_gives_exactly_the_keys_that_begin_so(string prefix)
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, Sorted[1..]);
        var expected = Sorted[1..].Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).ToList();
        var range = KeyRange.Prefix(Bytes(prefix));
        Assert.Equal(expected, await TextsAsync(store, new ScanRequest { Range = range }));
        Assert.Equal(expected.Count, await store.CountAsync(range));
    }

    [Fact]
    public async Task A_prefix_that_ends_in_the_highest_byte_works()
    {
        await using var store = await OpenAsync();
        byte[][] keys = [[1, 255], [1, 255, 0], [1, 255, 255], [2], [255], [255, 255], [255, 255, 1]];
        foreach (var key in keys)
        {
            await store.PutAsync(key, Bytes("v"));
        }

        Assert.Equal(keys[..3], await KeysAsync(store, new ScanRequest { Range = KeyRange.Prefix(keys[0]) }));
        Assert.Equal(keys[5..], await KeysAsync(store, new ScanRequest { Range = KeyRange.Prefix(keys[5]) }));
        Assert.Equal(
            keys[5..].Reverse(),
            await KeysAsync(store, new ScanRequest { Range = KeyRange.Prefix(keys[5]), Reverse = true }));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(7, false)]
    [InlineData(100, false)]
    [InlineData(101, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    [InlineData(100, true)]
    public async Task Page_after_page_gives_the_whole_range_once(int limit, bool reverse)
    {
        await using var store = await OpenAsync();
        var keys = Enumerable.Range(0, 100).Select(i => $"k{i:D3}").ToList();
        await PutAllAsync(store, [.. keys]);
        await PutAllAsync(store, "j", "l");
        var request = new ScanRequest { Range = KeyRange.Prefix(Bytes("k")), Limit = limit, Reverse = reverse };
        var got = new List<string>();
        for (var pages = 0; ; pages++)
        {
            Assert.True(pages <= 100, "the pages do not end");
            var page = await store.ScanAsync(request);
            Assert.True(page.Entries.Count <= limit);
            got.AddRange(page.Entries.Select(entry => Text(entry.Key)));
            if (page.Cursor is null)
            {
                break;
            }

            request = request with { Cursor = page.Cursor };
        }

        if (reverse)
        {
            keys.Reverse();
        }

        Assert.Equal(keys, got);
    }

    [Fact]
    public async Task A_page_over_its_bytes_ends_early_but_never_empty()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, "a", "b", "c");
        var page = await store.ScanAsync(new ScanRequest { BytesMax = 1 });
        Assert.Equal("a", Text(Assert.Single(page.Entries).Key));
        Assert.NotNull(page.Cursor);
        Assert.Equal(["a", "b", "c"], await TextsAsync(store, new ScanRequest { BytesMax = 1 }));
        Assert.Equal(["c", "b", "a"], await TextsAsync(store, new ScanRequest { BytesMax = 1, Reverse = true }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cursor_goes_on_behind_its_place_while_keys_come_and_go(bool reverse)
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, "a", "c", "e", "g", "i");
        var request = new ScanRequest { Limit = 3, Reverse = reverse };
        var page = await store.ScanAsync(request);
        Assert.NotNull(page.Cursor);

        // The page ended at e in both directions.
        await store.DeleteAsync("e");
        await store.DeleteAsync(reverse ? "c" : "g");
        await PutAllAsync(store, "d", "f");
        var rest = await TextsAsync(store, request with { Cursor = page.Cursor });
        Assert.Equal(reverse ? ["d", "a"] : ["f", "i"], rest);
    }

    [Theory]
    [InlineData("")]
    [InlineData("!")]
    [InlineData("not a cursor")]
    [InlineData("ÿ")]
    public async Task A_cursor_that_was_never_given_is_refused(string cursor)
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, "a", "b");
        await ThrowsAsync(
            DmtErrorKind.InvalidArgument, async () => await store.ScanAsync(new ScanRequest { Cursor = cursor }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(ScanRequest.LimitMax + 1)]
    public async Task A_limit_out_of_range_is_refused(int limit)
    {
        await using var store = await OpenAsync();
        await ThrowsAsync(
            DmtErrorKind.InvalidArgument, async () => await store.ScanAsync(new ScanRequest { Limit = limit }));
    }

    [Fact]
    public async Task An_empty_range_scans_and_counts_to_nothing()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, "a", "b", "c");
        foreach (var range in new[] { new KeyRange(Bytes("b"), Bytes("b")), new KeyRange(Bytes("c"), Bytes("a")) })
        {
            Assert.Empty((await store.ScanAsync(new ScanRequest { Range = range })).Entries);
            Assert.Empty((await store.ScanAsync(new ScanRequest { Range = range, Reverse = true })).Entries);
            Assert.Equal(0, await store.CountAsync(range));
        }
    }

    [Fact]
    public async Task A_scan_sees_every_write_acknowledged_before_it()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < 200; i++)
        {
            await store.PutAsync($"k{i:D3}", "v");
            Assert.Equal(i + 1, await store.CountAsync(KeyRange.All));
        }
    }

    [Fact]
    public async Task Text_extensions_enumerate_a_prefix()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, "ab", "abc", "b");
        var found = new List<KeyValuePair<string, string>>();
        await foreach (var pair in store.PrefixAsync("ab"))
        {
            found.Add(pair);
        }

        Assert.Equal([new("ab", "v:ab"), new("abc", "v:abc")], found);
    }
}
