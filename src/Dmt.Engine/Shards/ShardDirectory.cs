// The shards of a process that has the whole store: which there are (the map), and those that are open. A shard is
// opened when it is first asked for, and closed again when it has been idle; a closed one costs nothing.
//
// The map follows from the manifests. Who finds that a manifest says more than the map, because somebody did not come
// to write the map, brings it up to date: a parent's manifest names what was carved out of it, and the last manifest of
// a shard names into whom it was merged.
//
// Changes of the structure come one at a time (_changing). The map in memory is a step ahead of the one in the store
// until that is written.
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

internal sealed partial class ShardDirectory : IShardSource
{
    private readonly ShardHost _host;
    private readonly MapStore _maps;
    private readonly AsyncLock _changing;
    private readonly ConcurrentDictionary<uint, Shard> _open = [];
    private readonly ConcurrentDictionary<uint, AsyncLock> _openings =
        []; // one opening or closing of a shard at a time
    private readonly Lock _lock = new(); // guards changes of the map and of _open
    private ShardMap _map;
    private Shard? _only; // the root, while there is no other shard
    private bool _closed;

    private ShardDirectory(ShardHost host, MapStore maps, ShardMap map)
    {
        (_host, _maps, _map) = (host, maps, map);
        _changing = new AsyncLock(host.Scheduler);
    }

    /// <summary>Which shards there are now.</summary>
    public ShardMap Map => Volatile.Read(ref _map);

    /// <summary>The shards that are open.</summary>
    public ICollection<Shard> Open => _open.Values;

    public bool TryGetOpen(uint id, [MaybeNullWhen(false)] out Shard shard) => _open.TryGetValue(id, out shard);

    public static async ValueTask<ShardDirectory> LoadAsync(ShardHost host, CancellationToken cancellationToken)
    {
        var maps = new MapStore(host.Objects);
        return new ShardDirectory(host, maps, await maps.LoadLatestAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The shard of a key, where it is open already.</summary>
    public bool TryFind(ReadOnlySpan<byte> key, [MaybeNullWhen(false)] out Shard shard)
    {
        shard = Volatile.Read(ref _only);
        return shard is not null || _open.TryGetValue(Map.Find(key).Shard, out shard);
    }

    /// <summary>The shard that has a whole range, where it is open already.</summary>
    public bool TryFindWhole(KeyRange range, [MaybeNullWhen(false)] out Shard shard)
    {
        shard = Volatile.Read(ref _only);
        if (shard is not null)
        {
            return true;
        }

        var segment = Map.SegmentAt(range.Start.Span);
        return (segment.Range.End is not { } end
                || (range.End is { } last && last.Span.SequenceCompareTo(end.Span) <= 0))
            && _open.TryGetValue(segment.Shard, out shard);
    }

    /// <summary>The shard of a key, opened where it is not.</summary>
    public ValueTask<Shard> FindAsync(ReadOnlySpan<byte> key, CancellationToken cancellationToken) =>
        TryFind(key, out var shard) ? new ValueTask<Shard>(shard) : GetAsync(Map.Find(key).Shard, cancellationToken);

    /// <summary>A shard, opened where it is not.</summary>
    /// <exception cref="DmtException">NotOwner where it is gone: look into the map again.</exception>
    public async ValueTask<Shard> GetAsync(uint id, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_open.TryGetValue(id, out var open))
            {
                return open;
            }

            Manifest merged;
            using (await OpeningOf(id).AcquireAsync(cancellationToken).ConfigureAwait(false))
            {
                if (_open.TryGetValue(id, out open))
                {
                    return open;
                }

                ThrowIfClosed();
                if (!Map.TryGet(id, out _))
                {
                    throw new DmtException(DmtErrorKind.NotOwner, $"shard {id} is not in {Map}");
                }

                try
                {
                    return await OpenAsync(id, null, cancellationToken).ConfigureAwait(false);
                }
                catch (MergedException e)
                {
                    merged = e.Last;
                }
            }

            await FinishMergeAsync(merged, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Opens a shard that is not open.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="restored">What to open it with in the place of its present state; null for that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<Shard> OpenAsync(uint id, Manifest? restored, CancellationToken cancellationToken)
    {
        var shard = await _host.OpenShardAsync(id, restored, cancellationToken).ConfigureAwait(false);
        Add(shard);
        _host.Feed?.Opened(shard);
        await CatchUpAsync(shard, cancellationToken).ConfigureAwait(false);
        return shard;
    }

    /// <summary>From now on shards are carved and merged by size and load, where that is wanted.</summary>
    public void StartBalancing()
    {
        if (_host.Options.ShardBytesMax is not null || _host.Options.ShardLoadMax is not null)
        {
            _host.Balancer = new ShardBalancer(this, _host);
            foreach (var shard in _open.Values)
            {
                _host.Balancer.Changed(shard);
            }
        }
    }

    /// <summary>No shard is opened any more; those that are being opened are waited for.</summary>
    public async ValueTask CloseAsync()
    {
        Volatile.Write(ref _closed, true);
        await _host.Scheduler.CancelAsync(_host.Closing).ConfigureAwait(false);
        await StopLookingForIdleAsync().ConfigureAwait(false);
        if (_host.Balancer is { } balancer)
        {
            await balancer.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var opening in _openings.Values)
        {
            (await opening.AcquireAsync(CancellationToken.None).ConfigureAwait(false)).Dispose();
        }
    }

    private AsyncLock OpeningOf(uint id) =>
        _openings.GetOrAdd(id, static (_, scheduler) => new AsyncLock(scheduler), _host.Scheduler);

    private void ThrowIfClosed()
    {
        if (Volatile.Read(ref _closed))
        {
            throw DmtException.Closed("the store");
        }
    }

    private void Add(Shard shard)
    {
        lock (_lock)
        {
            _open[shard.Id] = shard;
            SetMap(_map);
            foreach (var snapshot in _snapshots)
            {
                snapshot.Add(shard);
            }
        }

        LookForIdleLater();
    }

    /// <summary>Under _lock.</summary>
    private void SetMap(ShardMap map)
    {
        Volatile.Write(ref _map, map);
        Volatile.Write(ref _only, map.Count == 1 && _open.TryGetValue(ShardMap.Root, out var root) ? root : null);
    }

    /// <summary>
    /// The map, in memory and in the store, does not have what the shard's manifest says of its children: somebody did
    /// not come to say so.
    /// </summary>
    private async ValueTask CatchUpAsync(Shard shard, CancellationToken cancellationToken)
    {
        var carved = shard.Carved;
        if (!ReferenceEquals(Agree(Map), Map))
        {
            var map = await _maps.UpdateAsync(Agree, cancellationToken).ConfigureAwait(false);
            Change(mine => Agree(Known(mine, map.NextShard - 1)));
        }

        ShardMap Agree(ShardMap map) => MapAgreement.Of(map, shard.Id, carved);
    }

    /// <summary>The map, where numbers up to one have been given.</summary>
    private static ShardMap Known(ShardMap map, uint last) =>
        map.NextShard > last ? map : map.Reserve((int)(last - map.NextShard + 1), out _);

    private void Change(Func<ShardMap, ShardMap> change)
    {
        lock (_lock)
        {
            SetMap(change(_map));
        }
    }
}
