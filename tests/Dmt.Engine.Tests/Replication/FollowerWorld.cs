using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Objects;
using Dmt.Engine.Replication;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tests.Shards;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Replication;

/// <summary>A store in a bucket in memory, and a node that follows each of its shards.</summary>
internal sealed class FollowerWorld : IAsyncDisposable
{
    private readonly MemoryObjectStore _bucket = new(TimeProvider.System);
    private readonly Dictionary<uint, ShardFollower> _followers = [];
    private readonly List<(TrieStore Store, FailingObjectStore Objects)> _dead = [];
    private FailingObjectStore _mains = null!; // the main's way to the bucket

    private FollowerWorld() => Replicas = new FailingObjectStore(_bucket);

    public TrieStore Main { get; private set; } = null!;

    /// <summary>The node's way to the bucket.</summary>
    public FailingObjectStore Replicas { get; }

    public MemoryObjectStore Bucket => _bucket;

    public ReplicaNode Node { get; private set; } = null!;

    /// <summary>What the main opens with.</summary>
    public EngineOptions Options { get; init; } = ShardWorld.Options;

    public static async Task<FollowerWorld> StartAsync(
        TimeSpan? interval = null, TimeProvider? time = null, EngineOptions? options = null)
    {
        var world = new FollowerWorld { Options = options ?? ShardWorld.Options };
        await world.OpenMainAsync();
        world.Node = new ReplicaNode(
            world.Replicas, TinyOptions.Create(), interval ?? TimeSpan.FromDays(1), time ?? TimeProvider.System,
            EngineScheduler.ThreadPool);
        return world;
    }

    /// <summary>The owner closes cleanly, and another one opens.</summary>
    public async Task MoveMainAsync()
    {
        await Main.DisposeAsync();
        await OpenMainAsync();
    }

    /// <summary>The owner is cut off, and another one takes over.</summary>
    public async Task CrashMainAsync()
    {
        _mains.IsDown = true;
        _dead.Add((Main, _mains));
        await OpenMainAsync();
    }

    public async Task<ShardFollower> FollowAsync(uint shard)
    {
        if (!_followers.TryGetValue(shard, out var follower))
        {
            _followers.Add(shard, follower = await Node.FollowAsync(shard));
        }

        return follower;
    }

    /// <summary>What is followed and is no more.</summary>
    public IEnumerable<ShardFollower> Gone() => _followers.Values.Where(static follower => follower.IsGone);

    /// <summary>After a look, each shard's follower has what the main has of it, versions included.</summary>
    public async Task CheckAsync(string when)
    {
        await Main.SyncAsync();
        foreach (var segment in Main.Shards.Map.Segments(KeyRange.All))
        {
            var follower = await FollowAsync(segment.Shard);
            var before = follower.LastSequence;
            await follower.RefreshAsync();
            Assert.True(follower.LastSequence >= before, $"{when}: shard {segment.Shard} went back");
            var expected = await ReadAsync(Main, segment.Range);
            var found = await ReadAsync(follower, segment.Range);
            Assert.True(
                expected.SequenceEqual(found),
                $"{when}: shard {segment.Shard} lacks {string.Join(' ', expected.Except(found))}, "
                    + $"has {string.Join(' ', found.Except(expected))}");
            Assert.Equal(expected.Count, await follower.CountAsync(segment.Range));
            foreach (var (key, value) in expected.Take(5))
            {
                var entry = await follower.GetAsync(Bytes(key));
                Assert.Equal(value, entry is { } there ? Describe(there) : null);
            }
        }
    }

    public static async Task<SortedDictionary<string, string>> ReadAsync(ITrieStore store, KeyRange range)
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string? cursor = null;
        do
        {
            var page = await store.ScanAsync(new ScanRequest { Range = range, Limit = 50, Cursor = cursor });
            foreach (var (key, entry) in page.Entries)
            {
                all.Add(Encoding.ASCII.GetString(key.Span), Describe(entry));
            }

            cursor = page.Cursor;
        }
        while (cursor is not null);
        return all;
    }

    public static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await Main.DisposeAsync();
        foreach (var (dead, objects) in _dead)
        {
            objects.IsDown = false;
            try
            {
                await dead.DisposeAsync();
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced)
            {
                // What it had not uploaded is lost, as it should be.
            }
        }

        await _bucket.DisposeAsync();
    }

    private static string Describe(Entry entry) => $"{entry.Version}:{Encoding.ASCII.GetString(entry.Value.Span)}";

    private async Task OpenMainAsync()
    {
        _mains = new FailingObjectStore(_bucket);
        Main = await ShardWorld.OpenAsync(_mains, Options);
    }
}
