using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Keyspaces;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Keyspaces;

public sealed class KeyspaceLifecycleTests
{
    private static readonly EngineOptions Plain = new() { GarbageAgeMin = TimeSpan.Zero };

    [Fact]
    public async Task A_keyspace_is_built_dropped_and_changed_as_it_is_declared()
    {
        var objects = new FailingObjectStore(new MemoryObjectStore(TimeProvider.System));
        await using (var store = await TrieStore.OpenAsync(objects, Plain))
        {
            await store.PutAsync("a/b/c", "1");
            await store.PutAsync("a/b/d", "1");
            await Assert.ThrowsAsync<DmtException>(async () => await SearchAsync(store, "*/b/*"));
        }

        await using (var store = await OpenAsync(objects, Keyspace.Separated("k", "", "/", 3)))
        {
            Assert.Equal(["a/b/c", "a/b/d"], await SearchAsync(store, "*/b/*"));
            Assert.Equal(6, await CountCopiesAsync(store));
        }

        await using (var store = await OpenAsync(objects, Keyspace.Separated("k", "a/", "/", 2)))
        {
            Assert.Equal(["a/b/d"], await SearchAsync(store, "*/d"));
            Assert.Equal(4, await CountCopiesAsync(store));
        }

        await using (var store = await OpenAsync(objects))
        {
            await store.Host.Feed!.WaitAsync(default);
            Assert.Equal(0, await CountCopiesAsync(store));
            Assert.Equal(2, await store.CountAsync(KeyRange.All));
        }
    }

    [Fact]
    public async Task What_was_written_without_the_declaration_is_found_with_it()
    {
        var objects = new FailingObjectStore(new MemoryObjectStore(TimeProvider.System));
        var keyspace = Keyspace.Separated("k", "", "/", 3);
        await using (var store = await OpenAsync(objects, keyspace))
        {
            await store.PutAsync("a/b/c", "1");
            await store.PutAsync("a/b/d", "1");
        }

        await using (var store = await TrieStore.OpenAsync(objects, Plain))
        {
            Assert.Equal(2, await store.CountAsync(KeyRange.All));
            await store.DeleteAsync("a/b/c");
            await store.PutAsync("x/b/e", "1");
        }

        await using (var store = await OpenAsync(objects, keyspace))
        {
            Assert.Equal(["a/b/d", "x/b/e"], await SearchAsync(store, "*/b/*"));
            Assert.Equal(6, await CountCopiesAsync(store));
        }
    }

    [Fact]
    public async Task After_a_clean_close_nothing_is_compared_or_written_again()
    {
        var objects = new FailingObjectStore(new MemoryObjectStore(TimeProvider.System));
        var keyspace = Keyspace.Separated("k", "", "/", 3);
        await using (var store = await OpenAsync(objects, keyspace))
        {
            await store.PutAsync("a/b/c", "1");
            await store.Shards.CarveAsync(["a"u8.ToArray()], default);
            await store.PutAsync("a/b/d", "1");
        }

        await using (var store = await OpenAsync(objects, keyspace))
        {
            var before = store.Host.Find(1)!.LastSequence;
            Assert.Equal(["a/b/c", "a/b/d"], await SearchAsync(store, "*/b/*"));
            Assert.Equal(before, store.Host.Find(1)!.LastSequence);
        }
    }

    [Fact]
    public async Task Copies_are_in_nobodys_sight_and_nobody_writes_reserved_keys()
    {
        await using var store = await OpenAsync(
            new FailingObjectStore(new MemoryObjectStore(TimeProvider.System)), Keyspace.Separated("k", "", "/", 3));
        await store.PutAsync("a/b/c", "1");
        Assert.Equal(["a/b/c"], await SearchAsync(store, "*/b/*"));
        var copy = CopyKeys.Prefix(1, 0, "a/b/c"u8);
        Assert.NotNull(await store.GetUncheckedAsync(copy, default));
        using var snapshot = store.OpenSnapshot();
        Assert.Null(await store.GetAsync(copy));
        Assert.Null(await snapshot.GetAsync(copy));
        Assert.Equal(1, await snapshot.CountAsync(KeyRange.All));
        Assert.Empty((await store.ScanAsync(new ScanRequest { Range = KeyRange.Prefix(copy) })).Entries);
        Assert.Single((await store.ScanAsync(new ScanRequest { Reverse = true })).Entries);
        await Refused(() => store.PutAsync(copy, default).AsTask());
        await Refused(() => store.DeleteAsync(copy).AsTask());
        await Refused(() => store.DeleteRangeAsync(KeyRange.Prefix(copy)).AsTask());
        await Refused(() => store.WriteAsync(new WriteBatch().Put("x"u8, default).Delete(copy)).AsTask());
        Assert.Null(await store.GetAsync("x"));
        await store.DeleteRangeAsync(KeyRange.All);
        await store.PutAsync("a/b/d", "1");
        Assert.Equal(["a/b/d"], await SearchAsync(store, "*/b/*"));

        static async Task Refused(Func<Task> write) => Assert.Equal(
            DmtErrorKind.InvalidArgument, (await Assert.ThrowsAsync<DmtException>(write)).Kind);
    }

    [Fact]
    public async Task A_key_whose_copies_would_be_too_long_is_refused_before_anything_changes()
    {
        await using var store = await OpenAsync(
            new FailingObjectStore(new MemoryObjectStore(TimeProvider.System)), Keyspace.Separated("k", "", "/", 3));
        var (fits, tooLong) = ($"a/b/{new string('x', 1005)}", $"a/b/{new string('x', 1006)}");
        await store.PutAsync(fits, "1");
        foreach (var write in (Func<Task>[])[
            () => store.PutAsync(tooLong, "1").AsTask(),
            () => store.WriteAsync(
                new WriteBatch().Put("other"u8, default).Put(Key.FromText(tooLong), default)).AsTask()])
        {
            var e = await Assert.ThrowsAsync<DmtException>(write);
            Assert.Equal(DmtErrorKind.TooLarge, e.Kind);
            Assert.Contains("1 too long for keyspace k", e.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, await store.CountAsync(KeyRange.All));
        Assert.Equal([fits], await SearchAsync(store, "*/b/*"));
    }

    [Fact]
    public async Task A_restored_store_has_the_copies_of_the_restored_keys()
    {
        var objects = new FailingObjectStore(new MemoryObjectStore(TimeProvider.System));
        var keyspace = Keyspace.Separated("k", "", "/", 3);
        await using (var store = await OpenAsync(objects, keyspace))
        {
            await store.PutAsync("a/b/c", "1");
            await store.Shards.CarveAsync(["a"u8.ToArray(), CopyKeys.Prefix(1, 1, [])], default);
            await store.CheckpointAsync("then");
            await store.PutAsync("a/b/d", "1");
            await store.DeleteAsync("a/b/c");
            Assert.Equal(["a/b/d"], await SearchAsync(store, "*/b/*"));
        }

        await using (var store = await TrieStore.OpenAsync(
            objects, Plain with { Keyspaces = [keyspace], RestoreFrom = "then" }))
        {
            Assert.Equal(["a/b/c"], await SearchAsync(store, "*/b/*"));
            Assert.Equal(3, await CountCopiesAsync(store));
        }
    }

    private static ValueTask<TrieStore> OpenAsync(FailingObjectStore objects, params Keyspace[] keyspaces) =>
        TrieStore.OpenAsync(objects, Plain with { Keyspaces = keyspaces });

    private static async Task<List<string>> SearchAsync(TrieStore store, string pattern)
    {
        var found = await KeyspaceWorld.SearchAsync(store, "k", pattern, 2);
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    private static async Task<int> CountCopiesAsync(TrieStore store)
    {
        var count = 0;
        for (uint generation = 1; generation < 10; generation++)
        {
            using var scan = new Scan(store.Shards, CopyKeys.OfGeneration(generation), reverse: false, null);
            while (await scan.MoveNextAsync())
            {
                count++;
            }
        }

        return count;
    }
}
