using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Shards;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>Checkpoints of a store whose shards are owned by several nodes.</summary>
public sealed class SpreadCheckpointTests : IAsyncLifetime, IAsyncDisposable
{
    /// <summary>Garbage goes at once: what keeps a checkpoint's tables is its order of steps alone.</summary>
    private static readonly EngineOptions Options = TinyOptions.Create() with { GarbageAgeMin = TimeSpan.Zero };

    private readonly MemoryObjectStore _bucket = new(TimeProvider.System);
    private readonly ConcurrentDictionary<uint, HostedShard> _shards = new();
    private readonly List<ShardNode> _nodes = [];
    private readonly List<WatchedObjectStore> _connections = [];

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
    public async Task It_has_what_was_acknowledged_before_in_every_shard_and_is_restored_by_one_process()
    {
        var (a, b) = (await StartAsync(), await StartAsync());
        await OpenAsync(a, 1);
        await _shards[1].CarveAsync([Bytes("a/"), Bytes("b/")]);
        await OpenAsync(b, 2);
        await OpenAsync(a, 3);
        await _shards[2].CarveAsync([Bytes("a/x/")]);
        await OpenAsync(a, 4);
        foreach (var (shard, key) in new[] { (1u, "z"), (2u, "a/1"), (3u, "b/1"), (4u, "a/x/1") })
        {
            await _shards[shard].PutAsync(Bytes(key), Bytes("before"));
        }

        var info = await MakeAsync("kept");
        Assert.Equal(("kept", 4), (info.Name, info.Tables));
        Assert.Equal(["kept"], (await _shards[1].ListCheckpointsAsync()).Select(static one => one.Name));
        foreach (var shard in _shards.Values)
        {
            await shard.DeleteAsync(Bytes(shard.Prefix.Length == 0 ? "z" : $"{Text(shard.Prefix)}1"));
            await shard.FlushAsync();
        }

        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        var restored = await ShardWorld.OpenAsync(_bucket.OpenSibling(""), Options with { RestoreFrom = "kept" });
        await using (restored.ConfigureAwait(false))
        {
            Assert.Equal(
                [new("a/1", "before"), new("a/x/1", "before"), new("b/1", "before"), new("z", "before")],
                await GarbageFixture.ReadAsync(restored));
        }

        _nodes.Clear();
        var again = await StartAsync();
        var map = await again.LoadMapAsync();
        Assert.Equal(4, map.Count);
        var shard4 = map.Find("a/x/1"u8).Shard;
        await OpenAsync(again, shard4);
        var entry = await _shards[shard4].GetAsync(Bytes("a/x/1"));
        Assert.Equal("before", Text(entry!.Value.Value));
    }

    [Fact]
    public async Task Only_the_root_is_asked_and_a_name_is_given_once()
    {
        await OpenAsync(await StartAsync(), 1);
        await _shards[1].CarveAsync([Bytes("a/")]);
        await OpenAsync(_nodes[0], 2);
        await MakeAsync("kept");
        await AssertKindAsync(DmtErrorKind.Conflict, () => MakeAsync("kept"));
        await AssertKindAsync(DmtErrorKind.InvalidArgument, () => MakeAsync("no/name"));
        await AssertKindAsync(
            DmtErrorKind.InvalidArgument, async () => await _shards[2].CheckpointAsync("other", FlushAsync));
        await AssertKindAsync(
            DmtErrorKind.InvalidArgument, async () => await _shards[2].CollectGarbageAsync(dryRun: true));
        Assert.Equal(["checkpoints/kept"], await NamesAsync(Checkpoint.Folder));
        Assert.True(await _shards[1].DeleteCheckpointAsync("kept"));
        Assert.False(await _shards[1].DeleteCheckpointAsync("kept"));
    }

    [Fact]
    public async Task A_shard_that_is_on_the_move_for_good_is_told_and_nothing_is_left_behind()
    {
        await OpenAsync(await StartAsync(), 1);
        var error = await AssertKindAsync(DmtErrorKind.NotOwner, async () => await _shards[1].CheckpointAsync(
            "kept", static (_, _) => ValueTask.FromResult(77UL)));
        Assert.Contains("shard 1 was moved", error.Message, StringComparison.Ordinal);
        Assert.Empty(await NamesAsync(Checkpoint.Folder));
    }

    /// <summary>
    /// It has read the checkpoints before there was this one, and the manifests when they did not name the tables any
    /// more.
    /// </summary>
    [Fact]
    public async Task A_collection_that_straddles_it_deletes_nothing_of_it()
    {
        var (first, second) = (await StartAsync(), await StartAsync());
        await OpenAsync(first, 1);
        await _shards[1].CarveAsync([Bytes("a/")]);
        await OpenAsync(first, 2);
        await _shards[2].PutAsync(Bytes("a/1"), Bytes("before"));
        await _shards[2].DisposeAsync();

        // Opened anew: what a sweep takes for garbage is of an earlier epoch.
        await OpenAsync(second, 2);
        var walked = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        _connections[0].BeforeList = async prefix =>
        {
            if (prefix.StartsWith(Manifest.Folder(2), StringComparison.Ordinal))
            {
                walked.TrySetResult();
                await goOn.Task;
            }
        };
        var sweeping = _shards[1].CollectGarbageAsync(ageMin: TimeSpan.Zero).AsTask();
        await walked.Task;
        await new SpreadCheckpoint(_bucket, TimeProvider.System, Scheduling.EngineScheduler.ThreadPool, FlushAsync)
            .MakeAsync("kept", "by-hand", default);
        var kept = TablesOf(await FindAsync("kept"));
        for (var i = 0; TablesOf((await NewestAsync(2))!).Intersect(kept).Any(); i++)
        {
            await _shards[2].PutAsync(Bytes("a/1"), Bytes($"after {i}"));
            await _shards[2].FlushAsync();
        }

        goOn.SetResult();
        await sweeping;
        Assert.NotEmpty(kept);
        Assert.Empty(kept.Except(await NamesAsync("shards/")));
    }

    /// <summary>Writers, compactions, carves, merges, collections and moves of shards, while checkpoints are made.
    /// </summary>
    [Fact]
    public async Task However_busy_the_nodes_are_each_checkpoint_is_whole()
    {
        const int Keys = 40;
        const int Checkpoints = 12;
        var (a, b) = (await StartAsync(), await StartAsync());
        await OpenAsync(a, 1);
        await _shards[1].CarveAsync([Bytes("1"), Bytes("2"), Bytes("3")]);
        await OpenAsync(b, 2);
        await OpenAsync(a, 3);
        await OpenAsync(b, 4);
        var (acknowledged, issued) = (new long[Keys], new long[Keys]);
        using var stop = new CancellationTokenSource();
        Task[] busy =
        [
            .. Enumerable.Range(0, 2).Select(writer => RunAsync(() => WriteAsync(writer))),
            RunAsync(CollectAsync),
            RunAsync(MoveAsync),
        ];
        var whole = new List<(string Name, long[] Acknowledged, long[] Issued)>();
        for (var i = 0; i < Checkpoints && !stop.IsCancellationRequested; i++)
        {
            var (name, before) = ($"c{i}", Snapshot(acknowledged));
            await MakeAsync(name);
            whole.Add((name, before, Snapshot(issued)));
            await Task.Delay(20);
        }

        await stop.CancelAsync();
        await Task.WhenAll(busy);
        foreach (var (name, before, after) in whole)
        {
            Assert.Empty(TablesOf(await FindAsync(name)).Except(await NamesAsync("shards/")));
            var restored = await ShardWorld.OpenAsync(await CopyAsync(), Options with { RestoreFrom = name });
            await using (restored.ConfigureAwait(false))
            {
                var read = await GarbageFixture.ReadAsync(restored);
                for (var key = 0; key < Keys; key++)
                {
                    var value = long.Parse(
                        read.GetValueOrDefault(KeyOf(key)) ?? "0", CultureInfo.InvariantCulture);
                    Assert.InRange(value, before[key], after[key]);
                }
            }
        }

        // One that fails ends the others.
        Task RunAsync(Func<Task> work) => Task.Run(async () =>
        {
            try
            {
                await work();
            }
            finally
            {
                await stop.CancelAsync();
            }
        });

        async Task WriteAsync(int writer)
        {
            for (var i = writer; !stop.IsCancellationRequested; i += 2)
            {
                var key = i % Keys;
                issued[key]++;
                if (await OnOwnerAsync(
                    KeyOf(key),
                    shard => shard.PutAsync(Bytes(KeyOf(key)), Bytes($"{issued[key]}".PadLeft(200, '0'))).AsTask(),
                    () => stop.IsCancellationRequested))
                {
                    Volatile.Write(ref acknowledged[key], issued[key]);
                }

                if (i % 50 == writer)
                {
                    await OnOwnerAsync(KeyOf(key), async shard =>
                    {
                        await shard.FlushAsync();
                        return 0UL;
                    }, () => stop.IsCancellationRequested);
                }
            }
        }

        async Task CollectAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                await OnOwnerAsync("", async shard =>
                {
                    await shard.CollectGarbageAsync(ageMin: TimeSpan.Zero);
                    return 0UL;
                }, () => stop.IsCancellationRequested);
                await Task.Delay(5);
            }
        }

        // Shard 4 goes from node to node; under 3 there is a shard now and then.
        async Task MoveAsync()
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                await _shards[4].DisposeAsync();
                await OpenAsync(i % 2 == 0 ? a : b, 4);
                await _shards[3].CarveAsync([Bytes("2/1")]);
                var child = (await a.LoadMapAsync()).Find("2/1"u8).Shard;
                await OpenAsync(b, child);
                await Task.Delay(30);
                await _shards[child].GiveUpAsync(3);
                await _shards[3].AbsorbAsync(child);
                await Task.Delay(30);
            }
        }
    }

    private static string KeyOf(int key) => string.Create(CultureInfo.InvariantCulture, $"{key % 4}/{key}");

    private static long[] Snapshot(long[] counters) => [.. counters.Select((_, i) => Volatile.Read(ref counters[i]))];

    /// <summary>As a client does it: looked for again until it is there.</summary>
    /// <returns>False where it was over before that.</returns>
    private async Task<bool> OnOwnerAsync(string key, Func<HostedShard, Task<ulong>> call, Func<bool> isOver)
    {
        while (!isOver())
        {
            var map = await _nodes[0].LoadMapAsync();
            try
            {
                if (_shards.TryGetValue(map.Find(Bytes(key).Span).Shard, out var shard))
                {
                    await call(shard);
                    return true;
                }
            }
            catch (DmtException e) when (e.Kind is DmtErrorKind.NotOwner or DmtErrorKind.Unavailable)
            {
                // On the move.
            }

            await Task.Delay(1);
        }

        return false;
    }

    private Task<CheckpointInfo> MakeAsync(string name) => _shards[1].CheckpointAsync(name, FlushAsync).AsTask();

    private async ValueTask<ulong> FlushAsync(uint shard, CancellationToken cancellationToken)
    {
        var owner = _shards.GetValueOrDefault(shard)
            ?? throw new DmtException(DmtErrorKind.NotOwner, $"shard {shard} is being opened");
        await owner.FlushAsync(cancellationToken);
        return owner.Epoch;
    }

    private async Task<ShardNode> StartAsync()
    {
        _connections.Add(new WatchedObjectStore(_bucket, new()));
        _nodes.Add(await ShardNode.StartAsync(_connections[^1], Options));
        return _nodes[^1];
    }

    private async Task OpenAsync(ShardNode node, uint shard) =>
        _shards[shard] = (await node.OpenAsync(shard)).Shard
            ?? throw new InvalidOperationException($"shard {shard} was merged");

    private async Task<Checkpoint> FindAsync(string name) =>
        (await new CheckpointStore(_bucket).FindAsync(name, default))!;

    private ValueTask<Manifest?> NewestAsync(uint shard) =>
        new ManifestStore(_bucket, shard).LoadLatestAsync(default);

    private static List<string> TablesOf(Checkpoint checkpoint) => [.. checkpoint.Manifests.SelectMany(TablesOf)];

    private static IEnumerable<string> TablesOf(Manifest manifest) =>
        manifest.Levels.SelectMany(static level => level).Select(static table => table.Id.ObjectName);

    private async Task<string[]> NamesAsync(string prefix)
    {
        var names = new List<string>();
        await foreach (var info in _bucket.ListAsync(prefix))
        {
            names.Add(info.Name);
        }

        return [.. names];
    }

    private async Task<MemoryObjectStore> CopyAsync()
    {
        var copy = new MemoryObjectStore(TimeProvider.System);
        foreach (var name in await NamesAsync(""))
        {
            await copy.PutAsync(name, (await _bucket.GetAsync(name))!);
        }

        return copy;
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.ASCII.GetString(bytes.Span);

    private static async Task<DmtException> AssertKindAsync(DmtErrorKind kind, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<DmtException>(call);
        Assert.Equal(kind, error.Kind);
        return error;
    }
}
