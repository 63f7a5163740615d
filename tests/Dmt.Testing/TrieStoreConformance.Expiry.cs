using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <summary>Times to live.</summary>
public abstract partial class TrieStoreConformance
{
    private static readonly WriteOptions TenSeconds = new() { TimeToLive = TimeSpan.FromSeconds(10) };

    [Fact]
    public async Task An_entry_lives_to_the_last_millisecond_of_its_time_and_no_longer()
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        await store.PutAsync("k", "v", TenSeconds);
        await store.PutAsync("stays", "v");
        Assert.Equal(clock.GetUtcNow().AddSeconds(10), (await store.GetAsync("k"))!.Value.ExpiresAt);
        clock.Advance(TimeSpan.FromMilliseconds(9_999));
        Assert.Equal("v", await store.GetTextAsync("k"));
        Assert.Equal(2, await store.CountAsync(KeyRange.All));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(await store.GetAsync("k"));
        Assert.Equal(1, await store.CountAsync(KeyRange.All));
        Assert.Equal(["stays"], await TextsAsync(store, new ScanRequest()));
        Assert.Equal(["stays"], await TextsAsync(store, new ScanRequest { Reverse = true, KeysOnly = true }));
    }

    [Fact]
    public async Task An_expired_key_is_absent_to_conditions()
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        var version = await store.PutAsync("k", "v", TenSeconds);
        clock.Advance(TimeSpan.FromSeconds(10));
        foreach (var condition in new[] { WriteCondition.Present, WriteCondition.VersionIs(version) })
        {
            var options = new WriteOptions { Condition = condition };
            var e = await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.PutAsync("k", "2", options));
            Assert.Equal(0ul, e.CurrentVersion);
        }

        await store.PutAsync("k", "2", new WriteOptions { Condition = WriteCondition.Absent });
        Assert.Equal("2", await store.GetTextAsync("k"));
    }

    [Fact]
    public async Task A_new_put_sets_a_new_time_or_none()
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        await store.PutAsync("longer", "1", TenSeconds);
        await store.PutAsync("forever", "1", TenSeconds);
        clock.Advance(TimeSpan.FromSeconds(6));
        await store.PutAsync("longer", "2", TenSeconds);
        await store.PutAsync("forever", "2");
        clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("2", await store.GetTextAsync("longer"));
        Assert.Null((await store.GetAsync("forever"))!.Value.ExpiresAt);
        clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Null(await store.GetAsync("longer"));
        Assert.Equal("2", await store.GetTextAsync("forever"));
    }

    [Fact]
    public async Task What_an_expired_entry_has_replaced_does_not_come_back()
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        await store.PutAsync("k", "old");
        await store.PutAsync("k", "new", TenSeconds);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await store.GetAsync("k"));
        await store.PutAsync("k2", "old");
        await store.WriteAsync(new WriteBatch().Put(Bytes("k2"), Bytes("past"), clock.GetUtcNow().AddSeconds(-1)));
        Assert.Null(await store.GetAsync("k2"));
        Assert.Equal(0, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task Entries_of_a_batch_expire_each_at_its_time()
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        var now = clock.GetUtcNow();
        await store.WriteAsync(new WriteBatch()
            .Put(Bytes("a"), Bytes("v"), now.AddSeconds(1))
            .Put(Bytes("b"), Bytes("v"), now.AddSeconds(2))
            .Put(Bytes("c"), Bytes("v")));
        Assert.Equal(now.AddSeconds(2), (await store.GetAsync("b"))!.Value.ExpiresAt);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["b", "c"], await TextsAsync(store, new ScanRequest()));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["c"], await TextsAsync(store, new ScanRequest()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task A_time_to_live_that_is_over_already_is_refused(long ticks)
    {
        await using var store = await OpenAsync();
        var options = new WriteOptions { TimeToLive = TimeSpan.FromTicks(ticks) };
        await ThrowsAsync(DmtErrorKind.InvalidArgument, async () => await store.PutAsync("k", "v", options));
        Assert.Null(await store.GetAsync("k"));
    }

    [Fact]
    public async Task A_page_is_filled_past_expired_entries()
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        for (var i = 0; i < 100; i++)
        {
            await store.PutAsync($"k{i:D2}", "v", i % 10 == 0 ? default : TenSeconds);
        }

        clock.Advance(TimeSpan.FromSeconds(10));
        var expected = Enumerable.Range(0, 10).Select(i => $"k{i}0").ToList();
        Assert.Equal(expected, await TextsAsync(store, new ScanRequest { Limit = 3 }));
        expected.Reverse();
        Assert.Equal(expected, await TextsAsync(store, new ScanRequest { Limit = 3, Reverse = true }));
    }
}
