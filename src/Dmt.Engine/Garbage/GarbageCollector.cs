// Deletes objects that nothing refers to. Deleting too late costs cents; deleting too early costs data. So:
//
// 1. Candidates are either named by the owner itself (a table that a compaction replaced and whose last reader has
//    left, a superseded manifest, log batches whose records are in tables) or found by a sweep, which lists all
//    objects: when the store opens, once a day, and by command.
// 2. They must be old enough. One that the owner named has been unneeded that long, by its own clock. One that a sweep
//    found was written that long ago, by the store's clock: what the stamp of the owner's last manifest says, and what
//    has passed here since it was written; so that clocks that disagree do no harm.
// 3. Only then the checkpoints are read, after them the newest manifests, and after those the checkpoints again. What
//    any of them needs stays. If the newest manifest of a shard is not its owner's, the collector stops for good:
//    somebody else owns the shard.
// 4. What is left is deleted.
//
// Why the order makes a zombie harmless, an owner that was taken over and does not know:
// - Taken over before 3: the manifest is not its own, and it deletes nothing.
// - Taken over after 3: its successor began with a manifest of this owner, not older than the one that was read. Such a
//   manifest names tables that the one read names too, or newer ones of this epoch, which no sweep takes for
//   candidates; log ranges only move on; the successor's own tables and logs have names that were not there when the
//   candidates were listed. So nothing that was unneeded can be needed again, except by a restore:
// - A restore names a checkpoint's tables anew. It looks for its checkpoint again after its manifest is written. If it
//   is there, a collector that did not see it read the checkpoints later than that, therefore the manifests too, and
//   sees the restored one. (That is why checkpoints are read first.)
// - A checkpoint that a zombie makes: it looks at the newest manifest after the checkpoint is there, and takes it back
//   when that is not its own. If it is, no successor has read the checkpoints yet.
// - A checkpoint of many nodes' shards, none of which can vouch for the others' collectors: that is what the
//   checkpoints are read again for; see SpreadCheckpoint.cs.
//
// Other nodes go by an owner's newest manifest, also where its writing seemed to fail. So a compaction writes its own
// until it is known to be there: nothing that it leaves out is named again.
//
// Tables that are borrowed from another store are not deleted, but the pin that keeps them there for this one: a
// checkpoint of that store, and the only object outside of this one that is ever touched. It is garbage by the same
// rules, when nothing here needs any table under it; see StoreClone.cs.
//
// Within one process a lock keeps checkpoints, restores and collections apart. What is being read (a snapshot, a long
// scan) is in use and stays, however old.
using System.Collections.Concurrent;
using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Garbage;

internal sealed partial class GarbageCollector : IAsyncDisposable
{
    /// <summary>The fence of a sealed log stays at least this long; see References.cs.</summary>
    public static readonly TimeSpan FenceAgeMin = TimeSpan.FromDays(30);

    private const int DeletedAtOnce = 1000;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromDays(1);

    /// <summary>
    /// Where there is a minimum age, objects are gathered this long before they are deleted, for few requests.
    /// </summary>
    private static readonly TimeSpan PauseMin = TimeSpan.FromMinutes(1);

    private static readonly long FenceBytes =
        ObjectLogFormat.Encode(ObjectBatchKind.Fence, new string('0', 26), 0, []).Length;

    private readonly IObjectStore _objects;
    private readonly TimeProvider _time;
    private readonly EngineScheduler _scheduler;
    private readonly TimeSpan _ageMin;
    private readonly bool _sweepsLogs;
    private readonly Func<IReadOnlyList<OwnedShard>> _owned;
    private readonly MapStore _maps;
    private readonly Func<string, bool> _isInUse;
    private readonly Action<DmtException> _fenced;
    private readonly CheckpointStore _checkpoints;
    private readonly AsyncQueue<bool> _queue; // true: a sweep is due; false: pending objects may be
    private readonly Lock _lock = new(); // guards _pending, _held and _woken

    /// <summary>What the owner knows to be unneeded, and since when.</summary>
    private readonly Dictionary<string, DateTimeOffset> _pending = [];

    /// <summary>Those of them that a checkpoint needs; looked at again when one is deleted.</summary>
    private readonly Dictionary<string, DateTimeOffset> _held = [];
    private readonly HashSet<string> _shared = []; // those of _pending that other shards may need

    /// <summary>Pins that are gone.</summary>
    private readonly ConcurrentDictionary<string, bool> _released = new();
    private readonly ITimer _sweepTimer;
    private readonly ITimer _pendingTimer;
    private Task _loop = Task.CompletedTask;
    private bool _woken;
    private long _failures;
    private volatile bool _isFenced;

    /// <param name="objects">The store.</param>
    /// <param name="ageMin">Minimum age; zero deletes at once.</param>
    /// <param name="sweepsLogs">Logs are objects of the store.</param>
    /// <param name="owned">The shards that this process owns, as it last wrote them.</param>
    /// <param name="isInUse">True for the name of a table that is open.</param>
    /// <param name="fenced">Told when one of the shards turns out to be another's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Runs the loop.</param>
    public GarbageCollector(
        IObjectStore objects,
        TimeSpan ageMin,
        bool sweepsLogs,
        Func<IReadOnlyList<OwnedShard>> owned,
        Func<string, bool> isInUse,
        Action<DmtException> fenced,
        TimeProvider time,
        EngineScheduler scheduler)
    {
        (_objects, _ageMin, _sweepsLogs, _isInUse, _fenced) = (objects, ageMin, sweepsLogs, isInUse, fenced);
        (_owned, _maps) = (owned, new MapStore(objects));
        (_time, _scheduler) = (time, scheduler);
        _checkpoints = new CheckpointStore(objects);
        _queue = new AsyncQueue<bool>(scheduler);
        Exclusive = new AsyncLock(scheduler);
        _sweepTimer = time.CreateTimer(
            static queue => ((AsyncQueue<bool>)queue!).TryAdd(true), _queue, SweepInterval, SweepInterval);
        _pendingTimer = time.CreateTimer(
            static queue => ((AsyncQueue<bool>)queue!).TryAdd(false), _queue, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Keeps checkpoints, restores and collections of this process apart. Outermost of all locks.</summary>
    public AsyncLock Exclusive { get; }

    /// <summary>Collections that failed; what they did not delete is tried again.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>The pin of an origin is gone: no manifest need name it any more.</summary>
    public bool HasReleased(Origin origin) => _released.ContainsKey(origin.PinName);

    public void Start() => _loop = _scheduler.Start(RunAsync);

    /// <summary>Objects that nothing needs from now on, as far as their owner knows.</summary>
    /// <param name="names">Their names.</param>
    /// <param name="shared">Manifests of other shards may name them.</param>
    public void Add(IReadOnlyCollection<string> names, bool shared = false)
    {
        if (names.Count == 0 || _isFenced)
        {
            return;
        }

        var now = _time.GetUtcNow();
        lock (_lock)
        {
            foreach (var name in names)
            {
                _pending.TryAdd(name, now);
                if (shared)
                {
                    _shared.Add(name);
                }
            }
        }

        Wake();
    }

    /// <summary>Asks for a look through all objects, in the background.</summary>
    public void RequestSweep() => _queue.TryAdd(true);

    /// <summary>What a checkpoint held may go now.</summary>
    public void CheckpointDeleted()
    {
        lock (_lock)
        {
            foreach (var (name, since) in _held)
            {
                _pending.TryAdd(name, since);
            }

            _held.Clear();
        }

        Wake();
    }

    /// <summary>Looks through all objects; see <see cref="IStoreMaintenance.CollectGarbageAsync"/>.</summary>
    public async ValueTask<GarbageReport> SweepAsync(
        bool dryRun, TimeSpan? ageMin, CancellationToken cancellationToken)
    {
        using var held = await Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        var least = ageMin ?? _ageMin;
        var owned = _owned();
        var (candidates, shards, now) = await ListAsync(owned, cancellationToken).ConfigureAwait(false);
        var references =
            await LoadReferencesAsync(owned, shards, withChildren: true, cancellationToken).ConfigureAwait(false);
        List<GarbageObject> deleted = [];
        List<GarbageObject> waiting = [];
        foreach (var info in candidates)
        {
            if (references.WhyUnneeded(info.Name) is { } reason && !_isInUse(info.Name)
                && !references.MayBeNamedSoon(info.Name))
            {
                var age = now is { } at && at > info.LastModified ? at - info.LastModified : TimeSpan.Zero;
                var isFence = info.Length <= FenceBytes && References.LogOf(info.Name) is not null;
                var isOld = age >= (isFence && FenceAgeMin > least ? FenceAgeMin : least);
                (isOld ? deleted : waiting).Add(new GarbageObject(info.Name, info.Length, age, reason));
            }
        }

        if (!dryRun)
        {
            await DeleteAsync([.. deleted.Select(static garbage => garbage.Name)], cancellationToken)
                .ConfigureAwait(false);
        }

        return new GarbageReport(deleted, waiting, dryRun);
    }

    /// <summary>Deletes what is due, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _sweepTimer.DisposeAsync().ConfigureAwait(false);
        await _pendingTimer.DisposeAsync().ConfigureAwait(false);
        _queue.TryAdd(false);
        _queue.Complete();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (await _queue.TakeAsync(CancellationToken.None).ConfigureAwait(false) is (true, var isSweep))
        {
            if (_isFenced)
            {
                continue;
            }

            try
            {
                if (isSweep)
                {
                    await SweepAsync(dryRun: false, null, CancellationToken.None).ConfigureAwait(false);
                }
                else
                {
                    await CollectPendingAsync().ConfigureAwait(false);
                }
            }
            catch (DmtException)
            {
                // Deleting too late costs space, nothing else; the count is a metric.
                Interlocked.Increment(ref _failures);
            }
        }
    }

    /// <summary>Deletes what the owner named, as far as it is due.</summary>
    private async ValueTask CollectPendingAsync()
    {
        using var exclusive = await Exclusive.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        List<string> due;
        lock (_lock)
        {
            _woken = false;
            var now = _time.GetUtcNow();
            due = [.. _pending.Where(pair => now - pair.Value >= _ageMin).Select(static pair => pair.Key)];
        }

        try
        {
            if (due.Count > 0)
            {
                // A log is given up when no shard of this process needs it, and no other shard is in it. A table may be
                // needed by the shard that wrote it, and where it was ever shared, by any.
                bool anyShared;
                lock (_lock)
                {
                    anyShared = due.Exists(_shared.Contains);
                }

                var shards = due.Select(References.ShardOf).OfType<uint>().ToHashSet();
                if (anyShared)
                {
                    shards.UnionWith(await LoadMapAsync(CancellationToken.None).ConfigureAwait(false));
                }

                var references = await LoadReferencesAsync(_owned(), shards, anyShared, CancellationToken.None)
                    .ConfigureAwait(false);
                var garbage = due.Where(name => references.WhyUnneeded(name) is not null && !_isInUse(name)).ToList();
                await DeleteAsync(garbage, CancellationToken.None).ConfigureAwait(false);
                lock (_lock)
                {
                    foreach (var name in due.Except(garbage))
                    {
                        if (_pending.Remove(name, out var since))
                        {
                            _held.TryAdd(name, since);
                        }
                    }
                }
            }
        }
        finally
        {
            Rest();
        }
    }

    private async ValueTask DeleteAsync(List<string> names, CancellationToken cancellationToken)
    {
        foreach (var some in names.Chunk(DeletedAtOnce))
        {
            var pins = some.Where(static name => Origin.PinOf(name) is not null).ToList();
            await _objects.DeleteAsync([.. some.Except(pins)], cancellationToken).ConfigureAwait(false);
            await DeletePinsAsync(pins, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                foreach (var name in some)
                {
                    _pending.Remove(name);
                    _shared.Remove(name);
                    _held.Remove(name);
                }
            }
        }
    }

    private async ValueTask DeletePinsAsync(List<string> names, CancellationToken cancellationToken)
    {
        if (names.Count > 0 && _objects.OpenSibling("") is { } space)
        {
            await space.DeleteAsync([.. names.Select(static name => Origin.PinOf(name)!)], cancellationToken)
                .ConfigureAwait(false);
            names.ForEach(name => _released[name] = true);
        }
    }

    /// <summary>The pins that the manifests name, as far as they are there.</summary>
    private async ValueTask<List<ObjectInfo>> ListPinsAsync(
        IEnumerable<OwnedShard> owned, CancellationToken cancellationToken)
    {
        List<ObjectInfo> pins = [];
        foreach (var origin in owned.SelectMany(static o => o.Manifest.Origins).DistinctBy(static o => o.Pin))
        {
            if (_objects.OpenSibling("") is not { } space)
            {
                break;
            }

            var isThere = false;
            await foreach (var info in space.ListAsync(origin.Pin, null, cancellationToken).ConfigureAwait(false))
            {
                if (info.Name == origin.Pin)
                {
                    pins.Add(info with { Name = origin.PinName });
                    isThere = true;
                    break;
                }
            }

            if (!isThere)
            {
                _released[origin.PinName] = true;
            }
        }

        return pins;
    }

    /// <summary>
    /// The objects that this process may delete if nothing needs them, all shards that there are, and the time by the
    /// store's clock, at the earliest; null when it is not known.
    /// </summary>
    private async ValueTask<(List<ObjectInfo> Candidates, HashSet<uint> Shards, DateTimeOffset? Now)> ListAsync(
        IReadOnlyList<OwnedShard> owned, CancellationToken cancellationToken)
    {
        var epochs = owned.ToDictionary(static o => o.Manifest.Shard, static o => o.Manifest.Epoch);
        var stamps = owned.ToDictionary(static o => o.Manifest.ObjectName, static o => o.WrittenAt);
        var candidates = await ListPinsAsync(owned, cancellationToken).ConfigureAwait(false);
        HashSet<uint> shards = [.. epochs.Keys];
        DateTimeOffset? now = null;
        if (_sweepsLogs)
        {
            await foreach (var info in _objects.ListAsync("log/", null, cancellationToken).ConfigureAwait(false))
            {
                candidates.Add(info);
            }
        }

        await foreach (var info in _objects.ListAsync("shards/", null, cancellationToken).ConfigureAwait(false))
        {
            if (References.ShardOf(info.Name) is not { } shard)
            {
                continue;
            }

            shards.Add(shard);
            if (stamps.TryGetValue(info.Name, out var writtenAt))
            {
                now = info.LastModified + (_time.GetUtcNow() - writtenAt);
            }

            // A table of the owner's epoch may be about to be named by its next manifest. The owner names it itself
            // when it is done with it.
            // What others own is not looked at, unless it is nobody's any more (References knows).
            if (!epochs.TryGetValue(shard, out var epoch) || References.EpochOf(info.Name, shard) != epoch)
            {
                candidates.Add(info);
            }
        }

        return (candidates, shards, now);
    }

    /// <summary>
    /// Sees to it that the pending objects are looked at: at once, or when there is a minimum age, then.
    /// </summary>
    private void Wake()
    {
        lock (_lock)
        {
            if (_woken || _pending.Count == 0)
            {
                return;
            }

            _woken = true;
            if (_ageMin > TimeSpan.Zero)
            {
                SetTimer();
                return;
            }
        }

        _queue.TryAdd(false);
    }

    /// <summary>After a collection: what is pending still, failures included, is looked at later.</summary>
    private void Rest()
    {
        lock (_lock)
        {
            if (!_woken && _pending.Count > 0)
            {
                _woken = true;
                SetTimer();
            }
        }
    }

    /// <summary>Under _lock.</summary>
    private void SetTimer()
    {
        var wait = _ageMin - (_time.GetUtcNow() - _pending.Values.Min());
        try
        {
            _pendingTimer.Change(wait > PauseMin ? wait : PauseMin, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The store is closing: what is left is found by the next sweep.
        }
    }
}
