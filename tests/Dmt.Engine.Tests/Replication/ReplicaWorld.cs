using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Objects;
using Dmt.Engine.Replication;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Replication;

/// <summary>Three processes' stores in this one: any may be the main; each ships to the other two when it is.</summary>
internal sealed class ReplicaWorld : IAsyncDisposable
{
    public const int Nodes = 3;

    private readonly bool _isBucket;
    private readonly Random _random;
    private readonly double _faults;
    private readonly int _acks;
    private readonly TemporaryDirectory _directory = new();
    private readonly MemoryObjectStore _bucket = new(TimeProvider.System);
    private FailingObjectStore? _mainsBucket; // of node 0
    private readonly RoleStore?[] _nodes = new RoleStore?[Nodes];
    private readonly List<RoleStore> _zombies = [];
    private readonly FaultyChannel[,] _channels = new FaultyChannel[Nodes, Nodes];

    public ReplicaWorld(bool isBucket, int seed, double faults = 0.02, int acks = 2)
    {
        (_isBucket, _random, _faults, _acks) = (isBucket, new Random(seed), faults, acks);
        for (var from = 0; from < Nodes; from++)
        {
            for (var to = 0; to < Nodes; to++)
            {
                var target = to;
                _channels[from, to] = new FaultyChannel(() => _nodes[target], new Random(_random.Next()), _faults);
            }
        }
    }

    /// <summary>Bytes of recent records that a main keeps.</summary>
    public long BufferBytes { get; init; } = 128 << 10;

    /// <summary>How long a strict write waits for replicas.</summary>
    public TimeSpan AckTimeout { get; init; } = TimeSpan.FromSeconds(20);

    public bool IsBucket => _isBucket;

    /// <summary>The first main's way to the bucket does not work.</summary>
    public bool IsMainsBucketDown
    {
        set => _mainsBucket!.IsDown = value;
    }

    public int MainNode { get; private set; } = -1;

    public RoleStore Main => _nodes[MainNode]!;

    public RoleStore this[int node] => _nodes[node]!;

    public IEnumerable<int> ReplicaNodes => Enumerable.Range(0, Nodes).Where(node => node != MainNode);

    public FaultyChannel Channel(int from, int to) => _channels[from, to];

    public async Task StartAsync(int node, bool isReplica)
    {
        var medium = _isBucket
            ? ReplicationMedium.Bucket((isMain, _) => ValueTask.FromResult<IObjectStore>(OpenBucket(node, isMain)))
            : ReplicationMedium.Folder(FolderOf(node));
        var roles = new RoleOptions
        {
            IsReplica = isReplica,
            Replicas = [.. Enumerable.Range(0, Nodes).Where(n => n != node).Select(n => $"{n}")],
            Connect = name => _channels[node, name[0] - '0'],
            Replication = new ReplicationOptions
            {
                Acks = _acks,
                BufferBytesMax = BufferBytes,
                BatchBytesMax = 16 << 10,
                TableChunkBytes = 8 << 10,
                Heartbeat = TimeSpan.FromMilliseconds(5),
                RetryDelayMin = TimeSpan.FromMilliseconds(1),
                RetryDelayMax = TimeSpan.FromMilliseconds(10),
                AckTimeout = AckTimeout,
                PollInterval = TimeSpan.FromMilliseconds(100),
            },
        };
        _nodes[node] = await RoleStore.OpenAsync(medium, roles, TinyOptions.Create());
        MainNode = isReplica ? MainNode : node;
    }

    public async Task StopAsync(int node)
    {
        var store = _nodes[node]!;
        _nodes[node] = null;
        await store.DisposeAsync();
    }

    /// <summary>A replica becomes the main; the old one stays as it is, cut off or not.</summary>
    public async Task PromoteAsync(int node, bool force = false)
    {
        await this[node].PromoteAsync(force);
        _zombies.Add(Main);
        MainNode = node;
    }

    /// <summary>The present main is one of the past, and its node may be started anew.</summary>
    public void Abandon(int node) => _nodes[node] = null;

    /// <summary>A main over folders takes no writes before a replica has answered.</summary>
    public async Task UntilWritableAsync()
    {
        while ((await Main.StatAsync()).WritesRefused is not null)
        {
            await Task.Delay(1);
        }
    }

    /// <summary>Returns when the replica has what the main has now.</summary>
    public async Task UntilEqualAsync(int node)
    {
        var expected = await ReadAsync(Main);
        while (this[node].AsReplica!.Root is null || !expected.SequenceEqual(await ReadAsync(this[node])))
        {
            await Task.Delay(1);
        }
    }

    /// <summary>Returns when all replicas have everything that the main has.</summary>
    public async Task SyncAsync()
    {
        try
        {
            await Main.SyncAsync();
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            Assert.Fail(
                $"{e.Message}; the main has {Main.Position}; "
                    + string.Join(
                        "; ", ReplicaNodes.Select(node => $"{node}: {this[node].AsReplica?.Position} "
                        + $"{this[node].AsReplica?.Problem}")));
        }
    }

    public string FolderOf(int node) => Path.Combine(_directory.Path, $"{node}");

    public static async Task<SortedDictionary<string, string>> ReadAsync(ITrieStore store)
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string? cursor = null;
        do
        {
            var page =
                await store.ScanAsync(new ScanRequest { Range = KeyRange.All, Limit = 100_000, Cursor = cursor });
            foreach (var (key, entry) in page.Entries)
            {
                all.Add(
                    Encoding.UTF8.GetString(key.Span), $"{entry.Version}:{Encoding.UTF8.GetString(entry.Value.Span)}");
            }

            cursor = page.Cursor;
        }
        while (cursor is not null);
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _nodes.OfType<RoleStore>().Concat(_zombies).Distinct())
        {
            try
            {
                await store.DisposeAsync();
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced && _zombies.Contains(store))
            {
                // What it had not uploaded is lost, as it should be.
            }
        }

        await _bucket.DisposeAsync();
        _directory.Dispose();
    }

    private FailingObjectStore OpenBucket(int node, bool isMain)
    {
        var bucket = new FailingObjectStore(_bucket); // It is not closed with one of its users.
        _mainsBucket = isMain && node == 0 ? bucket : _mainsBucket;
        return bucket;
    }
}
