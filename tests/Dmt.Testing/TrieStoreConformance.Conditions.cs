using System.Globalization;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <summary>Compare-and-set and batches.</summary>
public abstract partial class TrieStoreConformance
{
    [Fact]
    public async Task Absent_lets_only_the_first_put_through()
    {
        await using var store = await OpenAsync();
        var options = new WriteOptions { Condition = WriteCondition.Absent };
        var version = await store.PutAsync("k", "1", options);
        var e = await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.PutAsync("k", "2", options));
        Assert.Equal(version, e.CurrentVersion);
        Assert.Equal("1", await store.GetTextAsync("k"));
        await store.DeleteAsync("k");
        await store.PutAsync("k", "3", options);
        Assert.Equal("3", await store.GetTextAsync("k"));
    }

    [Fact]
    public async Task Present_needs_a_key_that_exists()
    {
        await using var store = await OpenAsync();
        var options = new WriteOptions { Condition = WriteCondition.Present };
        var e = await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.PutAsync("k", "1", options));
        Assert.Equal(0ul, e.CurrentVersion);
        await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.DeleteAsync("k", options));
        Assert.Null(await store.GetAsync("k"));
        await store.PutAsync("k", "1");
        await store.PutAsync("k", "2", options);
        Assert.Equal("2", await store.GetTextAsync("k"));
        await store.DeleteAsync("k", options);
        Assert.Null(await store.GetAsync("k"));
    }

    [Fact]
    public async Task VersionIs_needs_exactly_that_version()
    {
        await using var store = await OpenAsync();
        var first = await store.PutAsync("k", "1");
        var atFirst = new WriteOptions { Condition = WriteCondition.VersionIs(first) };
        var second = await store.PutAsync("k", "2", atFirst);
        var e = await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.PutAsync("k", "3", atFirst));
        Assert.Equal(second, e.CurrentVersion);
        await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.DeleteAsync("k", atFirst));
        Assert.Equal("2", await store.GetTextAsync("k"));
        await store.DeleteAsync("k", new WriteOptions { Condition = WriteCondition.VersionIs(second) });
        Assert.Null(await store.GetAsync("k"));
    }

    [Fact]
    public async Task VersionIs_does_not_hold_for_a_key_that_was_deleted_or_range_deleted()
    {
        await using var store = await OpenAsync();
        foreach (var remove in new Func<Task>[]
        {
            async () => await store.DeleteAsync("k"),
            async () => await store.DeleteRangeAsync(KeyRange.Prefix(Bytes("k"))),
        })
        {
            var options = new WriteOptions { Condition = WriteCondition.VersionIs(await store.PutAsync("k", "1")) };
            await remove();
            var e = await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.PutAsync("k", "2", options));
            Assert.Equal(0ul, e.CurrentVersion);
            await store.PutAsync("k", "3", new WriteOptions { Condition = WriteCondition.Absent });
        }
    }

    [Fact]
    public async Task Of_many_that_create_a_key_exactly_one_wins()
    {
        await using var store = await OpenAsync();
        for (var round = 0; round < 20; round++)
        {
            var key = $"k{round}";
            var wins = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
            {
                try
                {
                    await store.PutAsync(key, $"{i}", new WriteOptions { Condition = WriteCondition.Absent });
                    return i;
                }
                catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
                {
                    return -1;
                }
            })));
            var winner = Assert.Single(wins, i => i >= 0);
            Assert.Equal($"{winner}", await store.GetTextAsync(key));
        }
    }

    [Fact]
    public async Task No_increment_is_lost_between_concurrent_writers()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("n", "0");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var done = 0; done < 50;)
            {
                var entry = (await store.GetAsync("n"))!.Value;
                var next = int.Parse(Text(entry.Value), CultureInfo.InvariantCulture) + 1;
                try
                {
                    var options = new WriteOptions { Condition = WriteCondition.VersionIs(entry.Version) };
                    await store.PutAsync("n", next.ToString(CultureInfo.InvariantCulture), options);
                    done++;
                }
                catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
                {
                    // Another writer was first: read again.
                }
            }
        })));
        Assert.Equal("200", await store.GetTextAsync("n"));
    }

    [Fact]
    public async Task A_batch_is_applied_in_order_with_rising_versions()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, "bra", "brb");
        var last = await store.WriteAsync(new WriteBatch()
            .Put(Bytes("ba"), Bytes("1"))
            .Put(Bytes("ba"), Bytes("2"), metadata: Bytes("m"))
            .Put(Bytes("bb"), Bytes("1"))
            .Delete(Bytes("bb"))
            .DeleteRange(KeyRange.Prefix(Bytes("br")))
            .Put(Bytes("brb"), Bytes("after")));
        var a = (await store.GetAsync("ba"))!.Value;
        Assert.Equal("2", Text(a.Value));
        Assert.Equal("m", Text(a.Metadata));
        Assert.Equal(last - 4, a.Version);
        Assert.Equal(last, (await store.GetAsync("brb"))!.Value.Version);
        Assert.Equal(["ba", "brb"], await TextsAsync(store, new ScanRequest()));
    }

    [Fact]
    public async Task A_batch_whose_condition_fails_changes_nothing()
    {
        await using var store = await OpenAsync();
        var version = await store.PutAsync("bk", "1");
        var batch = new WriteBatch()
            .Put(Bytes("ba"), Bytes("1"))
            .Delete(Bytes("bk"))
            .DeleteRange(KeyRange.Prefix(Bytes("b")))
            .Put(Bytes("bb"), Bytes("1"), condition: WriteCondition.Present);
        await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.WriteAsync(batch));
        Assert.Equal(["bk"], await TextsAsync(store, new ScanRequest()));
        Assert.Equal(version, (await store.GetAsync("bk"))!.Value.Version);
    }

    [Fact]
    public async Task Conditions_of_a_batch_are_about_the_state_before_it()
    {
        await using var store = await OpenAsync();
        await store.WriteAsync(new WriteBatch()
            .Put(Bytes("a"), Bytes("1"), condition: WriteCondition.Absent)
            .Put(Bytes("a"), Bytes("2"), condition: WriteCondition.Absent));
        Assert.Equal("2", await store.GetTextAsync("a"));
        await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.WriteAsync(new WriteBatch()
            .Put(Bytes("b"), Bytes("1"))
            .Put(Bytes("b"), Bytes("2"), condition: WriteCondition.Present)));
        Assert.Null(await store.GetAsync("b"));
    }

    [Fact]
    public async Task A_batch_can_be_cleared_and_used_again()
    {
        await using var store = await OpenAsync();
        var batch = new WriteBatch().Put(Bytes("a"), Bytes("1"));
        await store.WriteAsync(batch);
        batch.Clear();
        await store.WriteAsync(batch.Put(Bytes("b"), Bytes("2")));
        Assert.Equal("1", await store.GetTextAsync("a"));
        Assert.Equal("2", await store.GetTextAsync("b"));
    }

    [Fact]
    public async Task A_large_batch_is_seen_whole_or_not_at_all()
    {
        await using var store = await OpenAsync();
        using var done = new CancellationTokenSource();
        var reader = Task.Run(async () =>
        {
            var seen = 0L;
            while (!done.IsCancellationRequested)
            {
                var count = await store.CountAsync(KeyRange.Prefix(Bytes("b/")));
                Assert.True(count % 500 == 0 && count >= seen, $"{count} keys seen after {seen}");
                seen = count;
            }
        });
        var batch = new WriteBatch();
        for (var n = 0; n < 20; n++)
        {
            batch.Clear();
            for (var i = 0; i < 500; i++)
            {
                batch.Put(Bytes($"b/{i % 7}/{n}/{i}"), Bytes("v"));
            }

            await store.WriteAsync(batch);
        }

        await done.CancelAsync();
        await reader;
        Assert.Equal(10_000, await store.CountAsync(KeyRange.All));
    }
}
