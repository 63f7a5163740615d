// One of many processes that share a store in a bucket: it owns the shards that it was told to open, and no others. Who
// opens what is decided elsewhere (in a cluster by Orleans); what is decided here is that two owners of one shard
// cannot both go on: opening fences (Shard.Opening.cs), and what fences one shard of a node fences its log, so all of
// them.
// Then the node goes on under a new incarnation, from the next opening on, and its shards are opened anew.
//
// Structure: a carve is done by the parent's owner, and the new shards are closed before the map names them, so that
// whoever opens one fences nobody. A merge is two steps, by two owners: the child gives up, its last manifest names the
// parent, and the parent absorbs it (Shard.Carving.cs). Whoever opens a child that gave up is told by ShardOpening.
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Replication;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <summary>
/// A process's share of a store whose shards are owned by many processes. All shards that it has open share one log,
/// one memory budget and one queue of background work. Safe for concurrent use.
/// </summary>
public sealed class ShardNode : IAsyncDisposable
{
    private readonly IObjectStore _objects;
    private readonly EngineOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly EngineScheduler _scheduler;
    private readonly Func<IObjectStore, ILogStore> _openLogs;
    private readonly AsyncLock _starting; // one start of an incarnation at a time
    private readonly ConcurrentDictionary<uint, AsyncLock> _openings = new(); // one opening of a shard at a time
    private readonly MapStore _maps;
    private ShardHost? _host;
    private bool _disposed; // guarded by _starting

    /// <param name="objects">The bucket; the node disposes it.</param>
    /// <param name="options">Settings, valid.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Names incarnations.</param>
    /// <param name="scheduler">Runs background loops.</param>
    /// <param name="openLogs">Makes the logs of an incarnation; null for those in the bucket.</param>
    internal ShardNode(
        IObjectStore objects,
        EngineOptions options,
        TimeProvider time,
        Random random,
        EngineScheduler scheduler,
        Func<IObjectStore, ILogStore>? openLogs = null)
    {
        (_objects, _options, _time, _random, _scheduler) = (objects, options, time, random, scheduler);
        _openLogs = openLogs ?? (bucket => new ObjectLogStore(bucket, new ObjectLogOptions(), time, scheduler));
        _starting = new AsyncLock(scheduler);
        _maps = new MapStore(objects);
    }

    /// <summary>Prepares a node; shards are opened one by one.</summary>
    /// <param name="objects">The bucket that all nodes share; the node disposes it.</param>
    /// <param name="options">Settings, the same on all nodes. <see cref="EngineOptions.RestoreFrom"/> and
    /// <see cref="EngineOptions.KFactor"/> are for stores that one process opens as a whole.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="DmtException">InvalidArgument for a setting; Unavailable.</exception>
    public static async ValueTask<ShardNode> StartAsync(
        IObjectStore objects,
        EngineOptions? options = null,
        TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new EngineOptions();
        options.Validate();
        if (options.RestoreFrom is { } checkpoint)
        {
            throw DmtException.InvalidArgument(
                $"{nameof(options.RestoreFrom)} is {checkpoint}: a store is restored by one process that opens all "
                    + "of it");
        }

        objects = await TrieStore.WithCacheAsync(objects, options, cancellationToken).ConfigureAwait(false);
        var random = new Random(RandomNumberGenerator.GetInt32(int.MaxValue));
        return new ShardNode(objects, options, time ?? TimeProvider.System, random, EngineScheduler.ThreadPool);
    }

    /// <summary>The present incarnation; null before the first shard is opened.</summary>
    public string? Incarnation => Volatile.Read(ref _host)?.Log.Incarnation;

    /// <summary>True while the present incarnation is known to be fenced; the next opening begins another.</summary>
    public bool IsFenced => Volatile.Read(ref _host)?.Log.Fence.Reason is not null;

    /// <summary>The store's settings.</summary>
    public EngineOptions Options => _options;

    /// <summary>
    /// Makes a node of replicas over the same store: of shards that other nodes own. It must be closed before this one.
    /// </summary>
    /// <param name="pollInterval">As <see cref="ReplicaNode.Open"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for the interval.</exception>
    public ReplicaNode OpenReplicas(TimeSpan? pollInterval = null) =>
        ReplicaNode.Open(new BorrowedObjectStore(_objects), _options, pollInterval, _time);

    /// <summary>What the shards that are open here hold together; null before the first is opened.</summary>
    /// <param name="shards">How many the store has.</param>
    public StoreStatistics? Describe(int shards) => Volatile.Read(ref _host)?.Describe(shards);

    /// <summary>The newest version of the shard map in the store. Costs a request, two where it has changed.</summary>
    /// <exception cref="DmtException">Corruption; Unavailable.</exception>
    public ValueTask<ShardMap> LoadMapAsync(CancellationToken cancellationToken = default) =>
        _maps.LoadLatestAsync(cancellationToken);

    /// <summary>
    /// Opens a shard for writing: whoever had it is fenced, unless it closed it, and what it acknowledged is recovered.
    /// </summary>
    /// <param name="shard">A number of the map; <see cref="ShardMap.Root"/> makes a new store.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The shard, or into whom it was merged.</returns>
    /// <exception cref="DmtException">Fenced when another process takes it over meanwhile; NotOwner where there is no
    /// such shard; Corruption; Unavailable; Closed.</exception>
    public async ValueTask<ShardOpening> OpenAsync(uint shard, CancellationToken cancellationToken = default)
    {
        // Two at a time would take each other's manifests for their own: both are of this incarnation.
        using var alone = await _openings.GetOrAdd(shard, _ => new AsyncLock(_scheduler))
            .AcquireAsync(cancellationToken).ConfigureAwait(false);
        var host = await HostAsync(cancellationToken).ConfigureAwait(false);
        await ThrowIfNotThereAsync(shard, cancellationToken).ConfigureAwait(false);

        // One that is open here, or was not closed cleanly: what it has is in the log, where the opening looks.
        if (host.Find(shard) is { } before)
        {
            await host.ReleaseAsync(before).ConfigureAwait(false);
            if (await IsLostAsync(host, before, cancellationToken).ConfigureAwait(false))
            {
                host = await HostAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        try
        {
            var opened = await host.OpenShardAsync(shard, null, cancellationToken).ConfigureAwait(false);
            var hosted = new HostedShard(host, opened, _maps);
            await hosted.AgreeAsync(cancellationToken).ConfigureAwait(false);
            return new ShardOpening(hosted, null);
        }
        catch (MergedException e)
        {
            return new ShardOpening(null, e.Last.MergedInto);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
        {
            // One that was merged is deleted some day: that may be now.
            await ThrowIfNotThereAsync(shard, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask ThrowIfNotThereAsync(uint shard, CancellationToken cancellationToken)
    {
        if (shard != ShardMap.Root
            && await new ManifestStore(_objects, shard).LoadLatestAsync(cancellationToken)
                .ConfigureAwait(false) is null)
        {
            throw new DmtException(DmtErrorKind.NotOwner, $"there is no shard {shard} in {_objects.Description}");
        }
    }

    /// <summary>
    /// Reads and writes nothing any more, as if another process had taken over: for a process that is told to stop at
    /// once, before others are told that it is gone.
    /// </summary>
    public void Abandon() => Volatile.Read(ref _host)?.Log.Fence.Note(
        new DmtException(DmtErrorKind.Fenced, "this node was stopped at once: its shards are opened elsewhere"));

    /// <summary>Closes all shards cleanly, then the store.</summary>
    public async ValueTask DisposeAsync()
    {
        using var held = await _starting.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        try
        {
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            await _objects.DisposeAsync().ConfigureAwait(false);
        }
    }

    internal ShardHost? Host => Volatile.Read(ref _host);

    /// <summary>
    /// Whoever took over a shard that was not closed here has sealed this incarnation's log: what it still wrote behind
    /// the seal must not come back because a manifest names the log from there on. So this incarnation is over.
    /// </summary>
    private async ValueTask<bool> IsLostAsync(ShardHost host, Shard before, CancellationToken cancellationToken)
    {
        if (before.IsClosedCleanly)
        {
            return false;
        }

        var latest = await new ManifestStore(_objects, before.Id).LoadLatestAsync(cancellationToken)
            .ConfigureAwait(false);
        if (latest is null || latest.Incarnation == host.Log.Incarnation)
        {
            return false;
        }

        host.Log.Fence.Note(ManifestStore.TakenOver(before.Owned.Manifest));
        return true;
    }

    /// <summary>The present incarnation, or a new one where there is none or it is fenced.</summary>
    private async ValueTask<ShardHost> HostAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _host) is { } present && present.Log.Fence.Reason is null)
        {
            return present;
        }

        using var held = await _starting.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (_disposed)
        {
            throw DmtException.Closed("the node");
        }

        if (_host is { } host)
        {
            if (host.Log.Fence.Reason is null)
            {
                return host;
            }

            await StopAsync().ConfigureAwait(false);
        }

        host = ShardHost.Start(
            new BorrowedObjectStore(_objects), _openLogs(_objects), _options, _time, _random, _scheduler);
        host.Lease = new OwnerLease(host.Log, _time, _scheduler);
        host.Metrics.Observe(host);
        Volatile.Write(ref _host, host);
        return host;
    }

    /// <summary>Under _starting. Shards of a fenced host have nothing to write: this takes no time.</summary>
    private async ValueTask StopAsync()
    {
        if (_host is { } host)
        {
            // Whatever goes wrong then, it is over: nobody may close it twice, or take it for the present one.
            Volatile.Write(ref _host, null);
            await _scheduler.CancelAsync(host.Closing).ConfigureAwait(false);
            await host.DisposeAsync().ConfigureAwait(false);
        }
    }
}

/// <summary>What an opening came to.</summary>
/// <param name="Shard">The shard; null where it was merged.</param>
/// <param name="MergedInto">The shard that it was merged into, which is to absorb it where it has not; null where it
/// was opened.</param>
public readonly record struct ShardOpening(HostedShard? Shard, uint? MergedInto);
