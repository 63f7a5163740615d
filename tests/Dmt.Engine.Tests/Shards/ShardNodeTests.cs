using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Shards;

/// <summary>Several nodes over one bucket, each with some of the shards.</summary>
public sealed class ShardNodeTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly WriteOptions Strict = new() { Durability = Durability.Strict };

    private readonly MemoryObjectStore _bucket = new(TimeProvider.System);
    private readonly List<ShardNode> _nodes = [];

    Task IAsyncLifetime.InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        await _bucket.DisposeAsync();
    }

    [Fact]
    public async Task A_shard_that_was_closed_moves_without_fencing_its_node()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var root = await OpenAsync(a, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        var part = await OpenAsync(a, 2);
        await part.PutAsync(Bytes("a/1"), Bytes("one"));
        await part.DisposeAsync();

        var moved = await OpenAsync(b, 2);
        Assert.Equal("one", await GetAsync(moved, "a/1"));
        await moved.PutAsync(Bytes("a/2"), Bytes("two"), Strict);
        await root.PutAsync(Bytes("b"), Bytes("three"), Strict);
        Assert.False(a.IsFenced);
        await Assert.ThrowsAsync<DmtException>(() => part.GetAsync(Bytes("a/1")).AsTask());
    }

    [Fact]
    public async Task A_shard_that_is_taken_over_fences_its_node_which_goes_on_as_another_incarnation()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var root = await OpenAsync(a, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        var part = await OpenAsync(a, 2);
        await part.PutAsync(Bytes("a/1"), Bytes("one"), Strict);
        await root.PutAsync(Bytes("b"), Bytes("two"), Strict);
        var first = a.Incarnation;

        var stolen = await OpenAsync(b, 2);
        Assert.Equal("one", await GetAsync(stolen, "a/1"));
        await AssertKindAsync(DmtErrorKind.Fenced, () => root.PutAsync(Bytes("c"), Bytes("lost"), Strict).AsTask());
        await root.WhenFenced;
        await AssertKindAsync(DmtErrorKind.Fenced, () => root.GetAsync(Bytes("b")).AsTask());

        root = await OpenAsync(a, ShardMap.Root);
        Assert.NotEqual(first, a.Incarnation);
        Assert.Equal("two", await GetAsync(root, "b"));
        Assert.Null(await GetAsync(root, "c"));
        await root.PutAsync(Bytes("c"), Bytes("three"), Strict);
        await stolen.PutAsync(Bytes("a/2"), Bytes("four"), Strict);
    }

    [Fact]
    public async Task Shards_that_are_carved_are_opened_anywhere_and_fence_nobody()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var root = await OpenAsync(a, ShardMap.Root);
        foreach (var key in new[] { "a/1", "b/1", "c" })
        {
            await root.PutAsync(Bytes(key), Bytes(key));
        }

        var map = await root.CarveAsync([Bytes("a/"), Bytes("b/")]);
        Assert.Equal(3, map.Count);
        await AssertKindAsync(DmtErrorKind.NotOwner, () => root.GetAsync(Bytes("a/1")).AsTask());
        var part = await OpenAsync(b, map.Find("a/"u8).Shard);
        Assert.Equal("a/1", await GetAsync(part, "a/1"));
        await root.PutAsync(Bytes("d"), Bytes("d"), Strict);
        Assert.False(a.IsFenced);
        Assert.Equal(2, await root.CountAsync(new KeyRange(Bytes("c"), null)));
        await AssertKindAsync(DmtErrorKind.NotOwner, () => root.CountAsync(KeyRange.All).AsTask());
    }

    [Fact]
    public async Task A_merge_over_two_nodes_loses_nothing_wherever_it_stops()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var root = await OpenAsync(a, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        var part = await OpenAsync(b, 2);
        await part.PutAsync(Bytes("a/1"), Bytes("one"));
        await part.GiveUpAsync(ShardMap.Root);
        await AssertKindAsync(DmtErrorKind.NotOwner, () => part.GetAsync(Bytes("a/1")).AsTask());
        await part.DisposeAsync();

        // Whoever looks for it finds where it went.
        var opening = await b.OpenAsync(2);
        Assert.Null(opening.Shard);
        Assert.Equal(ShardMap.Root, opening.MergedInto);
        Assert.Null(await root.AbsorbAsync(2));
        Assert.Equal("one", await GetAsync(root, "a/1"));
        Assert.Equal(1, (await a.LoadMapAsync()).Count);
        Assert.Null(await root.AbsorbAsync(2));
        Assert.Equal("one", await GetAsync(root, "a/1"));
    }

    [Fact]
    public async Task A_shard_between_the_two_of_a_merge_takes_the_child()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var root = await OpenAsync(a, ShardMap.Root);
        await root.CarveAsync([Bytes("a/b/")]);
        var part = await OpenAsync(b, 2);
        await part.PutAsync(Bytes("a/b/1"), Bytes("one"));
        await part.GiveUpAsync(ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);

        Assert.Equal(3u, await root.AbsorbAsync(2));
        var between = await OpenAsync(b, 3);
        Assert.Null(await between.AbsorbAsync(2));
        Assert.Equal("one", await GetAsync(between, "a/b/1"));
        Assert.Equal(2, (await a.LoadMapAsync()).Count);
    }

    [Fact]
    public async Task A_shard_that_its_node_has_opens_anew_there_with_what_only_the_log_has()
    {
        var a = await StartAsync();
        var root = await OpenAsync(a, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        var part = await OpenAsync(a, 2);
        await part.PutAsync(Bytes("a/1"), Bytes("one"));
        var again = await OpenAsync(a, 2);
        Assert.Equal("one", await GetAsync(again, "a/1"));
        await again.PutAsync(Bytes("a/2"), Bytes("two"), Strict);
        await root.PutAsync(Bytes("b"), Bytes("three"), Strict);
        Assert.False(a.IsFenced);
    }

    [Fact]
    public async Task A_map_that_lacks_what_was_carved_is_mended_by_whoever_opens_the_parent()
    {
        var a = await StartAsync();
        var root = await OpenAsync(a, ShardMap.Root);
        await root.PutAsync(Bytes("a/1"), Bytes("one"));
        var map = await root.CarveAsync([Bytes("a/")]);
        await _bucket.OpenSibling("store").DeleteAsync([map.ObjectName]);

        var b = await StartAsync();
        Assert.Equal(1, (await b.LoadMapAsync()).Count);
        await root.DisposeAsync();
        await OpenAsync(b, ShardMap.Root);
        Assert.Equal(2, (await b.LoadMapAsync()).Count);
        Assert.Equal("one", await GetAsync(await OpenAsync(b, 2), "a/1"));
    }

    [Fact]
    public async Task A_merge_tells_the_map_of_what_was_carved_out_of_the_child_and_not_named()
    {
        var a = await StartAsync();
        var root = await OpenAsync(a, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        var part = await OpenAsync(a, 2);
        await part.PutAsync(Bytes("a/b/1"), Bytes("one"));
        var map = await part.CarveAsync([Bytes("a/b/")]);
        await _bucket.OpenSibling("store").DeleteAsync([map.ObjectName]);

        var b = await StartAsync();
        Assert.Equal(2, (await b.LoadMapAsync()).Count);
        await part.GiveUpAsync(ShardMap.Root);
        await part.DisposeAsync();
        await root.DisposeAsync();
        Assert.Null(await (await OpenAsync(b, ShardMap.Root)).AbsorbAsync(2));
        map = await b.LoadMapAsync();
        Assert.Equal(2, map.Count);
        Assert.Equal("one", await GetAsync(await OpenAsync(b, map.Find("a/b/1"u8).Shard), "a/b/1"));
    }

    [Fact]
    public async Task However_many_are_carved_together_the_map_skips_no_version()
    {
        var a = await StartAsync();
        var root = await OpenAsync(a, ShardMap.Root);
        var before = (await a.LoadMapAsync()).Version;
        var map = await root.CarveAsync([Bytes("a/"), Bytes("b/"), Bytes("c/")]);
        Assert.Equal(4, map.Count);
        Assert.Equal(before + 2, map.Version); // Numbers are reserved, then the shards are named.
    }

    [Fact]
    public async Task A_node_that_lost_a_shard_and_does_not_know_opens_it_again_as_another_incarnation()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var root = await OpenAsync(a, ShardMap.Root);
        await root.PutAsync(Bytes("a"), Bytes("one"), Strict);
        var first = a.Incarnation;
        await (await OpenAsync(b, ShardMap.Root)).PutAsync(Bytes("b"), Bytes("two"), Strict);

        // Its own log is sealed: a manifest that named it anew would have what lies behind the seal replayed.
        root = await OpenAsync(a, ShardMap.Root);
        Assert.NotEqual(first, a.Incarnation);
        Assert.Equal("two", await GetAsync(root, "b"));
        await root.PutAsync(Bytes("c"), Bytes("three"), Strict);
        Assert.Equal("three", await GetAsync(await OpenAsync(b, ShardMap.Root), "c"));
    }

    [Fact]
    public async Task An_owner_that_was_taken_over_leaves_the_map_as_it_is()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var old = await OpenAsync(a, ShardMap.Root);
        var root = await OpenAsync(b, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        await AssertKindAsync(DmtErrorKind.Fenced, () => old.AgreeAsync().AsTask());
        Assert.Equal(2, (await b.LoadMapAsync()).Count);
    }

    [Fact]
    public async Task An_owner_that_was_taken_over_does_not_say_that_a_merge_is_done()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var old = await OpenAsync(a, ShardMap.Root);
        var root = await OpenAsync(b, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        var part = await OpenAsync(b, 2);
        await part.PutAsync(Bytes("a/1"), Bytes("one"));
        await part.GiveUpAsync(ShardMap.Root);
        await AssertKindAsync(DmtErrorKind.Fenced, () => old.AbsorbAsync(2).AsTask());
        Assert.Equal(2, (await b.LoadMapAsync()).Count);
        Assert.Null(await root.AbsorbAsync(2));
        Assert.Equal("one", await GetAsync(root, "a/1"));
    }

    [Fact]
    public async Task A_number_that_no_shard_has_is_refused()
    {
        var a = await StartAsync();
        var error = await AssertKindAsync(DmtErrorKind.NotOwner, () => a.OpenAsync(7).AsTask());
        Assert.Contains("no shard 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Collecting_garbage_goes_on_when_shards_have_moved()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        var root = await OpenAsync(a, ShardMap.Root);
        await root.CarveAsync([Bytes("a/")]);
        var part = await OpenAsync(a, 2);
        await part.PutAsync(Bytes("a/1"), Bytes("one"));
        await part.DisposeAsync();
        var moved = await OpenAsync(b, 2);
        await a.Host!.Collector.SweepAsync(dryRun: false, TimeSpan.Zero, CancellationToken.None);
        await b.Host!.Collector.SweepAsync(dryRun: false, TimeSpan.Zero, CancellationToken.None);
        await moved.DisposeAsync();
        Assert.Equal("one", await GetAsync(await OpenAsync(a, 2), "a/1"));
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static async Task<string?> GetAsync(HostedShard shard, string key) =>
        await shard.GetAsync(Bytes(key)) is { } entry ? Encoding.ASCII.GetString(entry.Value.Span) : null;

    private static async Task<HostedShard> OpenAsync(ShardNode node, uint shard) =>
        (await node.OpenAsync(shard)).Shard ?? throw new InvalidOperationException($"shard {shard} was merged");

    private static async Task<DmtException> AssertKindAsync(DmtErrorKind kind, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<DmtException>(call);
        Assert.Equal(kind, error.Kind);
        return error;
    }

    private async Task<ShardNode> StartAsync()
    {
        var node = await ShardNode.StartAsync(_bucket.OpenSibling("store"));
        _nodes.Add(node);
        return node;
    }
}
