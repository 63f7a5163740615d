using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <summary>
/// What every <see cref="ITrieStore"/> must keep, whatever stands behind it. Derive from it and open an empty store.
/// Nothing is asked that the interface does not promise: versions only grow, cursors are opaque, pages may be short.
/// </summary>
public abstract partial class TrieStoreConformance
{
    /// <summary>Longest value that the store takes, in bytes.</summary>
    protected virtual int ValueBytesMax => Entry.ValueBytesMaxDefault;

    /// <summary>
    /// Its keys lie in several shards: batches are atomic within each, and those with conditions are for one alone.
    /// </summary>
    protected virtual bool HasManyShards => false;

    /// <summary>A new, empty store that reads the time from <paramref name="time"/>.</summary>
    protected abstract Task<ITrieStore> OpenAsync(TimeProvider time);

    [Fact]
    public async Task A_put_value_is_got()
    {
        await using var store = await OpenAsync();
        var version = await store.PutAsync("tree", "oak");
        var entry = await store.GetAsync("tree");
        Assert.NotNull(entry);
        Assert.Equal("oak", Text(entry.Value.Value));
        Assert.Equal(version, entry.Value.Version);
        Assert.Null(entry.Value.ExpiresAt);
        Assert.True(entry.Value.Metadata.IsEmpty);
    }

    [Fact]
    public async Task An_absent_key_holds_nothing()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("tree", "oak");
        Assert.Null(await store.GetAsync("tre"));
        Assert.Null(await store.GetAsync("trees"));
        Assert.Null(await store.GetAsync("zoo"));
    }

    [Fact]
    public async Task The_last_put_wins_and_its_version_is_higher()
    {
        await using var store = await OpenAsync();
        var first = await store.PutAsync("k", "1");
        var second = await store.PutAsync("k", "2");
        Assert.True(first > 0);
        Assert.True(second > first);
        Assert.Equal("2", await store.GetTextAsync("k"));
    }

    [Fact]
    public async Task A_put_replaces_metadata_too()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("k", "1", new WriteOptions { Metadata = new byte[] { 7, 0, 255 } });
        Assert.Equal([7, 0, 255], (await store.GetAsync("k"))!.Value.Metadata.ToArray());
        await store.PutAsync("k", "2");
        Assert.True((await store.GetAsync("k"))!.Value.Metadata.IsEmpty);
    }

    [Fact]
    public async Task An_empty_value_is_a_value()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("k", "");
        Assert.Equal(0, (await store.GetAsync("k"))!.Value.Value.Length);
        Assert.Equal(1, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task Keys_and_values_hold_any_bytes()
    {
        await using var store = await OpenAsync();
        byte[][] keys = [[0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0], [255, 255]];
        foreach (var key in keys)
        {
            await store.PutAsync(key, key);
        }

        foreach (var key in keys)
        {
            Assert.Equal(key, (await store.GetAsync(key))!.Value.Value.ToArray());
        }

        Assert.Equal(keys, await KeysAsync(store, new ScanRequest()));
    }

    [Fact]
    public async Task Every_key_length_up_to_the_longest_works()
    {
        await using var store = await OpenAsync();
        var key = new byte[Key.BytesMax];
        Array.Fill(key, (byte)'k');
        for (var length = 1; length <= Key.BytesMax; length += 31)
        {
            await store.PutAsync(key.AsMemory(0, length), BitConverter.GetBytes(length));
        }

        for (var length = 1; length <= Key.BytesMax; length += 31)
        {
            var entry = await store.GetAsync(key.AsMemory(0, length));
            Assert.Equal(length, BitConverter.ToInt32(entry!.Value.Value.Span));
        }
    }

    [Fact]
    public async Task The_longest_value_is_taken_and_one_byte_more_is_refused()
    {
        await using var store = await OpenAsync();
        var value = new byte[ValueBytesMax + 1];
        new Random(1).NextBytes(value);
        await store.PutAsync(Bytes("k"), value.AsMemory(0, ValueBytesMax));
        Assert.True((await store.GetAsync("k"))!.Value.Value.Span.SequenceEqual(value.AsSpan(0, ValueBytesMax)));
        await ThrowsAsync(DmtErrorKind.TooLarge, async () => await store.PutAsync(Bytes("k2"), value));
        await ThrowsAsync(
            DmtErrorKind.TooLarge, async () => await store.WriteAsync(new WriteBatch().Put(Bytes("k2"), value)));
        Assert.Null(await store.GetAsync("k2"));
    }

    [Fact]
    public async Task A_bad_key_is_refused_and_changes_nothing()
    {
        await using var store = await OpenAsync();
        var tooLong = new byte[Key.BytesMax + 1];
        foreach (
            var (
                key,
                kind) in new[] { (Array.Empty<byte>(), DmtErrorKind.InvalidArgument),
                (tooLong, DmtErrorKind.TooLarge) })
        {
            await ThrowsAsync(kind, async () => await store.GetAsync(key));
            await ThrowsAsync(kind, async () => await store.PutAsync(key, Bytes("v")));
            await ThrowsAsync(kind, async () => await store.DeleteAsync(key));
        }

        Assert.Equal(0, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task Too_much_metadata_is_refused()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("k", "v", new WriteOptions { Metadata = new byte[Entry.MetadataBytesMax] });
        await ThrowsAsync(
            DmtErrorKind.TooLarge,
            async () =>
                await store.PutAsync("k2", "v", new WriteOptions { Metadata = new byte[Entry.MetadataBytesMax + 1] }));
        Assert.Null(await store.GetAsync("k2"));
    }

    [Fact]
    public async Task A_deleted_key_is_gone_and_can_come_back()
    {
        await using var store = await OpenAsync();
        var put = await store.PutAsync("k", "1");
        var deleted = await store.DeleteAsync("k");
        Assert.True(deleted > put);
        Assert.Null(await store.GetAsync("k"));
        Assert.Equal(0, await store.CountAsync(KeyRange.All));
        Assert.True(await store.PutAsync("k", "2") > deleted);
        Assert.Equal("2", await store.GetTextAsync("k"));
    }

    [Fact]
    public async Task Deleting_an_absent_key_is_no_error()
    {
        await using var store = await OpenAsync();
        await store.DeleteAsync("nothing");
        Assert.Equal(0, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task A_range_delete_removes_exactly_the_range()
    {
        await using var store = await OpenAsync();
        await PutAllAsync(store, "a", "b", "ba", "bz", "c", "ca", "d");
        await store.DeleteRangeAsync(new KeyRange(Bytes("b"), Bytes("c")));
        Assert.Equal(["a", "c", "ca", "d"], await TextsAsync(store, new ScanRequest()));
        await store.DeleteRangeAsync(KeyRange.Prefix(Bytes("c")));
        Assert.Equal(["a", "d"], await TextsAsync(store, new ScanRequest()));
        await store.PutAsync("ca", "new");
        Assert.Equal("new", await store.GetTextAsync("ca"));
        await store.DeleteRangeAsync(new KeyRange(Bytes("ca"), null));
        Assert.Equal(["a"], await TextsAsync(store, new ScanRequest()));
        await store.DeleteRangeAsync(KeyRange.All);
        Assert.Equal(0, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task An_empty_range_delete_is_refused()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("b", "v");
        await ThrowsAsync(
            DmtErrorKind.InvalidArgument, async () =>
                await store.DeleteRangeAsync(new KeyRange(Bytes("c"), Bytes("a"))));
        Assert.Equal(1, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task Buffers_may_be_used_again_once_a_call_is_complete()
    {
        await using var store = await OpenAsync();
        byte[] key = [1, 2], value = [3, 4], metadata = [5];
        await store.PutAsync(key, value, new WriteOptions { Metadata = metadata });
        Array.Clear(key);
        Array.Clear(value);
        Array.Clear(metadata);
        var entry = await store.GetAsync(new byte[] { 1, 2 });
        Assert.Equal([3, 4], entry!.Value.Value.ToArray());
        Assert.Equal([5], entry.Value.Metadata.ToArray());
    }

    [Fact]
    public async Task What_was_got_does_not_change_when_the_key_does()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("k", "before");
        var entry = await store.GetAsync("k");
        var page = await store.ScanAsync(new ScanRequest());
        await store.PutAsync("k", "behind");
        await store.DeleteAsync("k");
        Assert.Equal("before", Text(entry!.Value.Value));
        Assert.Equal("before", Text(page.Entries[0].Entry.Value));
    }

    [Theory]
    [InlineData("default")]
    [InlineData("strict")]
    [InlineData("every 10 operations")]
    [InlineData("every 5ms")]
    public async Task Every_durability_level_is_read_back_at_once(string level)
    {
        await using var store = await OpenAsync();
        var durability = Durability.Parse(level);
        await store.PutAsync("k", "v", new WriteOptions { Durability = durability });
        Assert.Equal("v", await store.GetTextAsync("k"));
        await store.WriteAsync(new WriteBatch().Delete(Bytes("k")), durability);
        Assert.Null(await store.GetAsync("k"));
        await store.SyncAsync();
    }

    [Fact]
    public async Task Statistics_follow_what_is_written()
    {
        await using var store = await OpenAsync();
        var before = await store.StatAsync();
        await PutAllAsync(store, "a", "b", "c");
        var after = await store.StatAsync();
        Assert.True(after.EntriesMax >= 3);
        Assert.True(after.LastSequence > before.LastSequence);
        Assert.True(after.UserBytesWritten >= before.UserBytesWritten + 3);
        Assert.Null(after.WritesRefused);
        Assert.NotEmpty(after.Incarnation);
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        var store = await OpenAsync();
        await store.PutAsync("k", "v");
        await store.DisposeAsync();
        await store.DisposeAsync();
        await ThrowsAsync(DmtErrorKind.Closed, async () => await store.GetAsync("k"));
        await ThrowsAsync(DmtErrorKind.Closed, async () => await store.PutAsync("k", "v"));
        await ThrowsAsync(DmtErrorKind.Closed, async () => await store.ScanAsync(new ScanRequest()));
    }

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    protected static async Task<DmtException> ThrowsAsync(DmtErrorKind kind, Func<Task> action)
    {
        var e = await Assert.ThrowsAsync<DmtException>(action);
        Assert.True(kind == e.Kind, $"expected {kind}, got {e.Kind}: {e.Message}");
        return e;
    }

    private Task<ITrieStore> OpenAsync() => OpenAsync(new ManualClock());

    private static async Task PutAllAsync(ITrieStore store, params string[] keys)
    {
        foreach (var key in keys)
        {
            await store.PutAsync(key, "v:" + key);
        }
    }

    private static async Task<List<byte[]>> KeysAsync(ITrieStore store, ScanRequest request)
    {
        var keys = new List<byte[]>();
        await foreach (var (key, _) in store.EnumerateAsync(request))
        {
            keys.Add(key.ToArray());
        }

        return keys;
    }

    private static async Task<List<string>> TextsAsync(ITrieStore store, ScanRequest request) =>
        (await KeysAsync(store, request)).ConvertAll(key => Encoding.UTF8.GetString(key));
}
