using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Core.Trie;
using Dmt.Engine.Garbage;
using Dmt.Engine.Keyspaces;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Objects;
using Dmt.Engine.Replication;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <summary>
/// What all shards of a node share: one log, one memory budget, one queue each for flushes and compactions, one object
/// store.
/// </summary>
internal sealed partial class ShardHost : IAsyncDisposable
{
    private readonly Lock _lock = new(); // guards _shards, _followed, _oldLogs and the release of logs
    private readonly Dictionary<uint, Shard> _shards = [];

    /// <summary>Of one shard there may be two, while what replaces the other is being read.</summary>
    private readonly HashSet<Shard> _followed = [];
    private readonly HashSet<string> _oldLogs;

    /// <summary>From where the log is kept for shards whose opening has not come to its end.</summary>
    private readonly Dictionary<uint, long> _claimed = [];
    private readonly Dictionary<string, IObjectStore> _origins = []; // by root; guarded by itself

    /// <summary>What open tables are held by, and how many by each; guarded by itself.</summary>
    private readonly Dictionary<string, int> _inUse = [];
    private int _opening; // shards that are being recovered: what they need of logs is not known yet; guarded by _lock

    private ShardHost(
        IObjectStore objects,
        ILogStore logs,
        INodeLog log,
        IEnumerable<string> oldLogs,
        EngineOptions options,
        TimeProvider time,
        EngineScheduler scheduler)
    {
        (Objects, Logs, Log, Options, Time, Scheduler) = (objects, logs, log, options, time, scheduler);
        _oldLogs = [.. oldLogs];
        _startedAt = time.GetTimestamp();
        Budget = new MemoryBudget(options.CacheBytes);
        Cache = new BlockCache(Budget);
        Collector = new GarbageCollector(
            objects,
            options.GarbageAgeMin ?? (logs.IsExclusive ? TimeSpan.Zero : TimeSpan.FromHours(1)),
            !logs.IsExclusive,
            ListOwned,
            IsInUse,
            log.Fence.Note,
            time,
            scheduler);
        Flushes = new WorkQueue(
            BackgroundWork.Flush, static (shard, stop) => shard.FlushOldestAsync(stop), time, scheduler);
        Compactions = new WorkQueue(
            BackgroundWork.Compaction, static (shard, stop) => shard.CompactOnceAsync(stop), time, scheduler);
    }

    public IObjectStore Objects { get; }

    public ILogStore Logs { get; }

    public INodeLog Log { get; }

    public EngineScheduler Scheduler { get; }

    public EngineOptions Options { get; }

    public TimeProvider Time { get; }

    public ReaderEpochs Epochs { get; } = new();

    public MemoryBudget Budget { get; }

    public BlockCache Cache { get; }

    public EngineMetrics Metrics { get; } = new();

    public WorkQueue Flushes { get; }

    public WorkQueue Compactions { get; }

    public GarbageCollector Collector { get; }

    /// <summary>There are logs of earlier incarnations that are this node's to clean up.</summary>
    public bool HasOldLogs
    {
        get
        {
            lock (_lock)
            {
                return _oldLogs.Count > 0;
            }
        }
    }

    /// <summary>Told of every manifest, once all is open; null where shards change by command only.</summary>
    public ShardBalancer? Balancer { get; set; }

    /// <summary>Told of every key that is written; null where no keyspaces are declared.</summary>
    public KeyspaceFeed? Feed { get; set; }

    /// <summary>The store is being closed: nothing that fails is tried again.</summary>
    public CancellationTokenSource Closing { get; } = new();

    /// <summary>What was written to shards that are closed since.</summary>
    public long UserBytesOfReleased { get; private set; }

    /// <summary>
    /// A manifest that names this incarnation's log was tried: the log must stay until a manifest says otherwise.
    /// </summary>
    public bool LogIsNamed { get; set; }

    /// <summary>Called with the shard after each manifest that it writes; must not block.</summary>
    public Action<uint>? ManifestWritten { get; set; }

    /// <summary>Starts a new incarnation of the node, with a log of its own.</summary>
    /// <param name="objects">Tables and manifests; the host disposes it.</param>
    /// <param name="logs">The logs of all incarnations.</param>
    /// <param name="options">Valid settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Names the incarnation.</param>
    /// <param name="scheduler">Runs background loops.</param>
    public static ShardHost Start(
        IObjectStore objects,
        ILogStore logs,
        EngineOptions options,
        TimeProvider time,
        Random random,
        EngineScheduler scheduler)
    {
        var oldLogs = logs.ListOwnIncarnations();
        var incarnation = Ulid.Create(time, random, oldLogs.Count > 0 ? oldLogs[^1] : null);
        var log = logs.Create(incarnation);
        var host = new ShardHost(objects, logs, log, oldLogs, options, time, scheduler);
        host.Flushes.Start();
        host.Compactions.Start();
        host.Collector.Start();
        return host;
    }

    /// <summary>A host whose shards follow another process: nothing is flushed, compacted or collected.</summary>
    /// <param name="objects">Tables and manifests; the host disposes it.</param>
    /// <param name="log">Refuses appends.</param>
    /// <param name="options">Valid settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Completes waiters.</param>
    public static ShardHost Follow(
        IObjectStore objects, FollowerLog log, EngineOptions options, TimeProvider time, EngineScheduler scheduler) =>
        new(objects, log, log, [], options, time, scheduler);

    /// <summary>
    /// Whether this node may answer for its shards, where others may take them over by themselves; null where whoever
    /// starts a process sees to it that there is one only.
    /// </summary>
    public OwnerLease? Lease { get; set; }

    /// <summary>An open shard; null where there is none of that number.</summary>
    public Shard? Find(uint id)
    {
        lock (_lock)
        {
            return _shards.GetValueOrDefault(id);
        }
    }

    /// <summary>Follows a shard from a manifest on.</summary>
    public async ValueTask<Shard> FollowShardAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        var shard = await Shard.FollowAsync(this, manifest, cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            _followed.Add(shard);
        }

        return shard;
    }

    /// <summary>Gives up a followed shard; who reads it ends first, who comes later is told to look again.</summary>
    public async ValueTask StopFollowingAsync(Shard shard)
    {
        shard.IsRetired = true;
        await shard.DisposeAsync().ConfigureAwait(false);
        lock (_lock)
        {
            _followed.Remove(shard);
        }
    }

    /// <summary>
    /// A manifest of the shard that names this node's log is about to be tried: it may be there though its writing, or
    /// what follows, fails. A log that is checked for being complete is kept until the shard is open.
    /// </summary>
    public void Claim(uint id, LogRange named)
    {
        lock (_lock)
        {
            if (Logs.IsExclusive)
            {
                _claimed[id] = Math.Min(named.From, _claimed.GetValueOrDefault(id, long.MaxValue));
            }
        }
    }

    /// <summary>Whether the log is kept from where the shard's manifest names it.</summary>
    public bool KeepsLogOf(uint id)
    {
        lock (_lock)
        {
            return _shards.ContainsKey(id) || _claimed.ContainsKey(id);
        }
    }

    public async ValueTask<Shard> OpenShardAsync(
        uint id, Manifest? restored, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _opening++;
        }

        Shard? shard = null;
        try
        {
            shard = await Shard.OpenAsync(this, id, restored, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                _opening--;
                if (shard is not null)
                {
                    _shards[id] = shard;
                    _claimed.Remove(id);
                }
            }
        }

        Collector.Add(ManifestStore.Superseded(id, shard.Owned.Manifest.Number));
        if (Options.CollectsGarbage && id == ShardMap.Root)
        {
            Collector.RequestSweep();
        }

        ReleaseLogs();
        return shard;
    }

    /// <summary>
    /// Reads the logs of earlier incarnations once, where that helps. Until <see cref="EndRecovery"/> none is given up.
    /// </summary>
    /// <returns>The shards that have records in them.</returns>
    public IReadOnlyCollection<uint> BeginRecovery()
    {
        lock (_lock)
        {
            _opening++;
            return Logs.BeginRecovery([.. _oldLogs.Order(StringComparer.Ordinal)]);
        }
    }

    public void EndRecovery()
    {
        Logs.EndRecovery();
        lock (_lock)
        {
            _opening--;
        }

        ReleaseLogs();
    }

    /// <summary>A shard that was opened or carved here.</summary>
    public void Adopt(Shard shard)
    {
        lock (_lock)
        {
            _shards.Add(shard.Id, shard);
        }
    }

    /// <summary>Closes a shard that nobody will ask for any more, or not soon.</summary>
    public async ValueTask ReleaseAsync(Shard shard)
    {
        shard.IsRetired = true;
        await shard.DisposeAsync().ConfigureAwait(false);
        lock (_lock)
        {
            UserBytesOfReleased += shard.UserBytesWritten;

            // One that could not be closed cleanly needs its log until it is opened again.
            if (shard.IsClosedCleanly && _shards.GetValueOrDefault(shard.Id) == shard)
            {
                _shards.Remove(shard.Id);
            }
        }

        ReleaseLogs();
    }

    /// <summary>
    /// Closes the shards cleanly, then everything they stood on. What could not be flushed stays in the log.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        List<Shard> shards;
        lock (_lock)
        {
            shards = [.. _shards.Values, .. _followed];
        }

        try
        {
            await Compactions.DisposeAsync().ConfigureAwait(false);
            await Flushes.DisposeAsync().ConfigureAwait(false);
            foreach (var shard in shards)
            {
                await shard.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await DisposeRestAsync(shards).ConfigureAwait(false);
        }
    }

    /// <summary>Whatever goes wrong, the object store is let go of: it holds the lock on the folder.</summary>
    private async ValueTask DisposeRestAsync(List<Shard> shards)
    {
        try
        {
            await StopReclaimingAsync().ConfigureAwait(false);
            await Collector.DisposeAsync().ConfigureAwait(false);
            await Log.DisposeAsync().ConfigureAwait(false);
            if (shards.TrueForAll(static shard => shard.LogRanges.Count == 0) && (shards.Count > 0 || !LogIsNamed)
                && _claimed.Count == 0)
            {
                Logs.Delete(Log.Incarnation);
            }
        }
        finally
        {
            await Objects.DisposeAsync().ConfigureAwait(false);
            Metrics.Dispose();
            Closing.Dispose();
        }
    }

    /// <summary>What must be replayed of this node's log once everything before the position is in tables.</summary>
    public LogRange LogRangeFrom(long position) => new(Log.Incarnation, Log.ReplayFrom(position));

    /// <summary>Lets go of the parts of logs that no shard needs any more.</summary>
    public void ReleaseLogs()
    {
        lock (_lock)
        {
            if (_opening > 0)
            {
                return; // Comes again when the opening is over.
            }

            // Once for each flush, over all shards: nothing is allocated for a shard.
            var from = long.MaxValue;
            HashSet<string>? needed = null;
            var end = Log.End;
            foreach (var shard in _shards.Values)
            {
                var ranges = shard.LogRanges;
                for (var i = 0; i < ranges.Count; i++)
                {
                    var range = ranges[i];
                    if (range.Incarnation == Log.Incarnation)
                    {
                        from = Math.Min(from, range.From);
                    }
                    else
                    {
                        (needed ??= []).Add(range.Incarnation);
                    }
                }

                // What lies long in a memtable that hardly grows, or is owned by a shard that is idle, must not keep
                // the logs of all.
                if (end - shard.LogEndAtFreeze > Options.LogSegmentBytes)
                {
                    shard.FreezeSoon();
                }
            }

            foreach (var claimed in _claimed.Values)
            {
                from = Math.Min(from, claimed);
            }

            if (from < long.MaxValue)
            {
                Collector.Add(Log.Release(from));
            }

            foreach (var old in _oldLogs.Where(old => needed is null || !needed.Contains(old)).ToList())
            {
                Logs.Delete(old);
                _oldLogs.Remove(old);
            }
        }
    }

    /// <summary>The store that has a table: this one, or the one that it is borrowed from.</summary>
    /// <exception cref="DmtException">Unavailable where that one is out of reach from here.</exception>
    public IObjectStore ObjectsOf(TableInfo table)
    {
        if (table.Origin is not { } origin)
        {
            return Objects;
        }

        lock (_origins)
        {
            if (!_origins.TryGetValue(origin.Root, out var objects))
            {
                objects = Objects.OpenSibling(origin.Root) ?? throw DmtException.Unavailable(
                    $"{Objects.Description} borrows {table.Name} from another store of the bucket that it was cloned "
                        + "in, and is not in that bucket");
                _origins.Add(origin.Root, objects);
            }

            return objects;
        }
    }

    /// <summary>A table is in use until its last reader leaves.</summary>
    public void OnTableOpened(TableReader table)
    {
        lock (_inUse)
        {
            _inUse[table.Info.HeldBy] = _inUse.GetValueOrDefault(table.Info.HeldBy) + 1;
        }

        table.Released = OnTableReleased;
    }

    /// <summary>The last reader of a table has left.</summary>
    private void OnTableReleased(TableReader table)
    {
        if (table.IsObsolete)
        {
            table.ForgetStored();
        }

        // Local readers close synchronously; the task of a remote one needs no waiting for.
        _ = table.CloseAsync().AsTask();

        // Only now: nobody may take it for unused while it is open.
        lock (_inUse)
        {
            var left = _inUse[table.Info.HeldBy] - 1;
            if (left > 0)
            {
                _inUse[table.Info.HeldBy] = left;
            }
            else
            {
                _inUse.Remove(table.Info.HeldBy);
            }
        }

        if (table.IsObsolete)
        {
            // Borrowed ones are held by a pin, for all shards.
            Collector.Add([table.Info.HeldBy], table.Info.IsShared || table.Info.Origin is not null);
        }
    }

    /// <summary>A table that is held by the object of that name is open.</summary>
    public bool IsInUse(string name)
    {
        lock (_inUse)
        {
            return _inUse.ContainsKey(name);
        }
    }

    private IReadOnlyList<OwnedShard> ListOwned()
    {
        lock (_lock)
        {
            return [.. _shards.Values.Select(static shard => shard.Owned)];
        }
    }
}
