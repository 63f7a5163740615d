using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Objects.Conformance;

/// <summary>What every object store promises. Derive, say how to open an empty one, and run.</summary>
public abstract class ObjectStoreConformance
{
    /// <summary>A new, empty store. Called once or several times a test; each gets its own.</summary>
    protected abstract IObjectStore Open();

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("a b")]
    [InlineData("a\\b")]
    [InlineData("ä")]
    [InlineData("a\0")]
    [InlineData("901")]
    public async Task Bad_names_are_refused_by_every_call(string name)
    {
        name = name == "901" ? new string('a', 901) : name;
        await using var store = Open();
        await Refused(async () => await store.GetAsync(name));
        await Refused(async () => await store.PutAsync(name, new byte[1]));
        await Refused(async () => await store.TryCreateAsync(name, new byte[1]));
        await Refused(async () => await store.DeleteAsync([name]));
        await Refused(() => Task.FromResult(store.OpenRead(name, 1)));
        await Refused(() => Task.FromResult(store.OpenWrite(name)));
        Assert.Empty(await NamesAsync(store, ""));

        static async Task Refused(Func<Task> call) =>
            Assert.Equal(DmtErrorKind.InvalidArgument, (await Assert.ThrowsAsync<DmtException>(call)).Kind);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("..a/b..c/...")]
    [InlineData("shards/0/manifest/0000000000000001")]
    [InlineData("AZaz09-_.")]
    public async Task Good_names_are_taken(string name)
    {
        await using var store = Open();
        await store.PutAsync(name, new byte[] { 1 });
        await HoldsAsync(store, name, [1]);
        Assert.Equal([name], await NamesAsync(store, ""));
    }

    [Fact]
    public async Task A_name_of_900_bytes_is_taken()
    {
        await using var store = Open();
        var name = string.Join('/', Enumerable.Repeat(new string('n', 99), 9));
        await store.PutAsync(name, new byte[] { 1 });
        await HoldsAsync(store, name, [1]);
    }

    [Fact]
    public async Task What_is_put_is_got_and_put_over()
    {
        await using var store = Open();
        Assert.Null(await store.GetAsync("x/y"));
        await store.PutAsync("x/y", new byte[] { 1, 2, 3 });
        await HoldsAsync(store, "x/y", [1, 2, 3]);
        await store.PutAsync("x/y", new byte[] { 4 });
        await HoldsAsync(store, "x/y", [4]);
        await store.PutAsync("x/y", default);
        await HoldsAsync(store, "x/y", []);
    }

    [Fact]
    public async Task A_buffer_that_was_put_may_be_reused()
    {
        await using var store = Open();
        var buffer = new byte[] { 1, 2, 3 };
        await store.PutAsync("a", buffer);
        await store.TryCreateAsync("b", buffer);
        await using (var writer = store.OpenWrite("c"))
        {
            await writer.WriteAsync(buffer);
            buffer.AsSpan().Clear();
            await writer.CompleteAsync();
        }

        foreach (var name in new[] { "a", "b", "c" })
        {
            await HoldsAsync(store, name, [1, 2, 3]);
        }
    }

    [Fact]
    public async Task Create_if_absent_does_not_put_over()
    {
        await using var store = Open();
        Assert.True(await store.TryCreateAsync("m/1", new byte[] { 1 }));
        Assert.False(await store.TryCreateAsync("m/1", new byte[] { 2 }));
        await HoldsAsync(store, "m/1", [1]);
        await store.DeleteAsync(["m/1"]);
        Assert.True(await store.TryCreateAsync("m/1", new byte[] { 3 }));
        await HoldsAsync(store, "m/1", [3]);
    }

    [Fact]
    public async Task Of_fifty_racing_creators_one_wins_each_round()
    {
        await using var store = Open();
        for (var round = 0; round < 40; round++)
        {
            var name = $"race/{round:D16}";
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var racers = Enumerable.Range(0, 50).Select(async i =>
            {
                await start.Task.ConfigureAwait(false);
                return await store.TryCreateAsync(name, new[] { (byte)i }).ConfigureAwait(false);
            }).ToArray();
            start.SetResult();
            var won = await Task.WhenAll(racers);
            Assert.Single(won, true);
            await HoldsAsync(store, name, [(byte)Array.IndexOf(won, true)]);
        }
    }

    [Fact]
    public async Task Ranges_are_read_where_they_lie()
    {
        await using var store = Open();
        var content = Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7 / 3)).ToArray();
        await store.PutAsync("t", content);
        await using var reader = store.OpenRead("t", content.Length);
        Assert.Equal("t", reader.Name);
        Assert.Equal(content.Length, reader.Length);
        foreach (var (offset, length) in new[] { (0, 0), (0, 1), (99_999, 1), (100_000, 0), (4095, 4098), (0,
            100_000) })
        {
            var buffer = new byte[length];
            await reader.ReadAsync(offset, buffer);
            Assert.True(content.AsSpan(offset, length).SequenceEqual(buffer));
        }
    }

    [Fact]
    public async Task A_read_past_the_end_is_corruption_that_names_object_and_offset()
    {
        await using var store = Open();
        await store.PutAsync("t/short", new byte[10]);
        await using var honest = store.OpenRead("t/short", 10);
        await using var wrong = store.OpenRead("t/short", 20);
        foreach (var (reader, offset, length) in new[] { (honest, 8, 3), (honest, 11, 1), (wrong, 8, 3), (wrong, 11,
            1) })
        {
            var error = await Assert.ThrowsAsync<DmtException>(
                async () => await reader.ReadAsync(offset, new byte[length]));
            Assert.Equal(DmtErrorKind.Corruption, error.Kind);
            Assert.Contains("t/short", error.Message, StringComparison.Ordinal);
        }

        var named = await Assert.ThrowsAsync<DmtException>(async () => await honest.ReadAsync(8, new byte[3]));
        Assert.Contains("offset 8", named.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_object_shows_at_the_first_read()
    {
        await using var store = Open();
        await using var reader = store.OpenRead("no/such", 100);
        var error = await Assert.ThrowsAsync<DmtException>(async () => await reader.ReadAsync(17, new byte[1]));
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Contains("no/such", error.Message, StringComparison.Ordinal);
        Assert.Contains("offset 17", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_serves_many_callers_at_once()
    {
        await using var store = Open();
        var content = Enumerable.Range(0, 1 << 16).Select(i => (byte)(i ^ (i >> 8))).ToArray();
        await store.PutAsync("t", content);
        await using var reader = store.OpenRead("t", content.Length);
        await Parallel.ForAsync(0, 500, async (i, _) =>
        {
            var buffer = new byte[100];
            await reader.ReadAsync(i * 100, buffer, CancellationToken.None);
            Assert.True(content.AsSpan(i * 100, 100).SequenceEqual(buffer));
        });
    }

    [Fact]
    public async Task A_writer_appears_whole_when_it_completes()
    {
        await using var store = Open();
        await using (var writer = store.OpenWrite("w/x"))
        {
            await writer.WriteAsync(new byte[] { 1, 2 });
            Assert.Null(await store.GetAsync("w/x"));
            await writer.WriteAsync(default);
            await writer.WriteAsync(new byte[] { 3 });
            Assert.Empty(await NamesAsync(store, ""));
            await writer.CompleteAsync();
            await HoldsAsync(store, "w/x", [1, 2, 3]);
        }

        await HoldsAsync(store, "w/x", [1, 2, 3]);
    }

    [Fact]
    public async Task A_writer_that_does_not_complete_leaves_nothing()
    {
        await using var store = Open();
        await store.PutAsync("w/old", new byte[] { 9 });
        foreach (var name in new[] { "w/old", "w/new" })
        {
            await using var writer = store.OpenWrite(name);
            await writer.WriteAsync(new byte[10_000]);
        }

        Assert.Equal(["w/old"], await NamesAsync(store, ""));
        await HoldsAsync(store, "w/old", [9]);
    }

    [Fact]
    public async Task Deleting_takes_the_named_and_minds_no_missing()
    {
        await using var store = Open();
        foreach (var name in new[] { "a", "b/c", "b/d" })
        {
            await store.PutAsync(name, new byte[] { 1 });
        }

        await store.DeleteAsync(["b/c", "nothing", "no/such/folder", "a"]);
        Assert.Equal(["b/d"], await NamesAsync(store, ""));
        Assert.Null(await store.GetAsync("a"));
        await store.DeleteAsync([]);
    }

    [Fact]
    public async Task Listings_are_in_bytewise_order()
    {
        await using var store = Open();
        string[] names = ["b/a", "a-b", "a/b", "a.b", "a0", "a/b-c", "a/b.c/d", "a/b0", "A", "a/B", "_", "a_"];
        foreach (var name in names.Where(n => n != "a/b"))
        {
            await store.PutAsync(name, new byte[name.Length]);
        }

        var expected = names.Where(n => n != "a/b").Order(StringComparer.Ordinal);
        Assert.Equal(expected, await NamesAsync(store, ""));
        await foreach (var info in store.ListAsync(""))
        {
            Assert.Equal(info.Name.Length, info.Length);
        }
    }

    [Fact]
    public async Task Listings_keep_to_prefix_and_start()
    {
        await using var store = Open();
        var random = new Random(12345);
        var names = Enumerable.Range(0, 200)
            .Select(_ => string.Join(
                '/', Enumerable.Range(0, 3).Select(d => $"{"ab-."[random.Next(4)]}{d}{random.Next(3)}")))
            .Distinct().Order(StringComparer.Ordinal).ToArray();
        foreach (var name in names)
        {
            await store.PutAsync(name, default);
        }

        string[] cuts = ["", "a", "a0", "a00", "a00/", "a00/b", "a00/b1", "a01/a10/", "-", ".0", "b02/.11/a2", "zz",
            "a00/zz/"];
        foreach (var prefix in cuts.Concat(names.Take(3)))
        {
            foreach (var startAfter in cuts.Concat(names.Skip(50).Take(5)).Append(null))
            {
                var expected = names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)
                    && string.CompareOrdinal(n, startAfter) > 0);
                Assert.Equal(expected, await NamesAsync(store, prefix, startAfter));
            }
        }
    }

    [Theory]
    [InlineData("../")]
    [InlineData("a/../")]
    [InlineData("/")]
    [InlineData("a b")]
    public async Task A_listing_of_a_bad_prefix_is_refused(string prefix)
    {
        await using var store = Open();
        var error = await Assert.ThrowsAsync<DmtException>(async () => await NamesAsync(store, prefix));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        var store = Open();
        await store.PutAsync("a", new byte[1]);
        await store.DisposeAsync();
        var error = await Assert.ThrowsAsync<DmtException>(async () => await store.GetAsync("a"));
        Assert.Equal(DmtErrorKind.Closed, error.Kind);
        error = await Assert.ThrowsAsync<DmtException>(async () => await store.PutAsync("a", new byte[1]));
        Assert.Equal(DmtErrorKind.Closed, error.Kind);
    }

    [Fact]
    public async Task Racing_puts_leave_one_whole_object()
    {
        await using var store = Open();
        await Parallel.ForAsync(0, 64, async (i, ct) =>
            await store.PutAsync("same", Enumerable.Repeat((byte)i, 5000).ToArray(), ct));
        var content = await store.GetAsync("same");
        Assert.NotNull(content);
        Assert.Equal(5000, content.Length);
        Assert.Single(content.Distinct());
    }

    [Fact]
    public async Task A_sibling_has_names_of_its_own_in_the_same_space()
    {
        await using var store = Open();
        if (store.Root is not { } root)
        {
            Assert.Null(store.OpenSibling("other"));
            return;
        }

        await store.PutAsync("a", new byte[] { 1 });
        var place = (root.Length == 0 ? "" : root + "-") + "sibling";
        await using (var sibling = store.OpenSibling(place)!)
        {
            Assert.Equal(place, sibling.Root);
            Assert.NotEqual(store.Description, sibling.Description);
            Assert.Null(await sibling.GetAsync("a"));
            await sibling.PutAsync("a", new byte[] { 2, 2 });
            Assert.True(await sibling.TryCreateAsync("b", new byte[] { 3 }));
            Assert.Equal(["a", "b"], await NamesAsync(sibling, ""));
            Assert.Equal(["b"], await NamesAsync(sibling, "", "a"));
            await sibling.DeleteAsync(["b"]);
            await using var back = sibling.OpenSibling(root)!;
            await HoldsAsync(back, "a", [1]);
            await HoldsAsync(sibling, "a", [2, 2]);
        }

        // Closing a sibling leaves the store open; closing the store closes its siblings.
        await using var space = store.OpenSibling("")!;
        await HoldsAsync(space, place + "/a", [2, 2]);
        await HoldsAsync(store, "a", [1]);
        await store.DisposeAsync();
        await Assert.ThrowsAsync<DmtException>(async () => await space.GetAsync("a"));
    }

    private static async Task HoldsAsync(IObjectStore store, string name, byte[] expected) =>
        Assert.Equal<byte[]?>(expected, await store.GetAsync(name));

    /// <summary>The names of a listing, in the order in which they came.</summary>
    protected static async Task<List<string>> NamesAsync(IObjectStore store, string prefix, string? startAfter = null)
    {
        List<string> names = [];
        await foreach (var info in store.ListAsync(prefix, startAfter))
        {
            names.Add(info.Name);
        }

        return names;
    }
}
