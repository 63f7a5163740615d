using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <summary>Writes that are sent again.</summary>
public abstract partial class TrieStoreConformance
{
    [Fact]
    public async Task A_write_that_is_sent_again_is_applied_once_and_gets_the_same_version()
    {
        await using var store = await OpenAsync();
        var options = new WriteOptions { Request = new RequestId(9, 1, 1) };
        var first = await store.PutAsync("k", "1", options);
        Assert.Equal(first, (await store.GetAsync("k"))!.Value.Version);
        var second = await store.PutAsync("k", "2", new WriteOptions { Request = new RequestId(9, 2, 1) });
        Assert.Equal(first, await store.PutAsync("k", "1", options));
        Assert.Equal("2", await store.GetTextAsync("k"));
        Assert.Equal(second, (await store.GetAsync("k"))!.Value.Version);
        await store.PutAsync("k", "3", new WriteOptions { Request = new RequestId(10, 1, 1) });
        Assert.Equal("3", await store.GetTextAsync("k"));
    }

    [Fact]
    public async Task Removals_and_batches_that_are_sent_again_remove_nothing_that_came_later()
    {
        await using var store = await OpenAsync();
        var (delete, range) = (new RequestId(9, 1, 1), new RequestId(9, 2, 1));
        var batch = new WriteBatch { Request = new RequestId(9, 3, 1) }.Put("b"u8, "batch"u8).Delete("a"u8);
        var versions = new List<ulong>();
        for (var round = 0; round < 2; round++)
        {
            versions.Add(await store.DeleteAsync("a", new WriteOptions { Request = delete }));
            versions.Add(await store.DeleteRangeAsync(
                KeyRange.Prefix("b"u8.ToArray()), new WriteOptions { Request = range }));
            versions.Add(await store.WriteAsync(batch));
            Assert.Equal(round == 0 ? null : "later", await store.GetTextAsync("a"));
            Assert.Equal(round == 0 ? "batch" : "later", await store.GetTextAsync("b"));
            await store.PutAsync("a", "later");
            await store.PutAsync("b", "later");
        }

        Assert.Equal(versions[..3], versions[3..]);
    }

    [Fact]
    public async Task A_condition_is_not_asked_again_of_a_write_that_was_applied()
    {
        await using var store = await OpenAsync();
        var options = new WriteOptions { Condition = WriteCondition.Absent, Request = new RequestId(9, 1, 1) };
        var version = await store.PutAsync("k", "1", options);
        Assert.Equal(version, await store.PutAsync("k", "1", options));
        var other = options with { Request = new RequestId(9, 2, 1) };
        await ThrowsAsync(DmtErrorKind.Conflict, async () => await store.PutAsync("k", "2", other));
        await store.DeleteAsync("k");
        Assert.True(await store.PutAsync("k", "2", other) > version);
        Assert.Equal("2", await store.GetTextAsync("k"));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(5, 0)]
    [InlineData(5, 6)]
    public async Task Numbers_that_are_not_allowed_are_refused_and_change_nothing(ulong number, ulong pendingFrom)
    {
        await using var store = await OpenAsync();
        var options = new WriteOptions { Request = new RequestId(9, number, pendingFrom) };
        await ThrowsAsync(DmtErrorKind.InvalidArgument, async () => await store.PutAsync("k", "1", options));
        await ThrowsAsync(DmtErrorKind.InvalidArgument, async () => await store.DeleteAsync("k", options));
        await ThrowsAsync(
            DmtErrorKind.InvalidArgument, async () => await store.DeleteRangeAsync(KeyRange.All, options));
        Assert.Null(await store.GetAsync("k"));
    }
}
