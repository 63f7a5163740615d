// The shards of a store as a replica that follows all of them has them. One is followed from when it is first asked
// for, or something is written to it.
//
// The map is that of the bucket, corrected by what the manifests that are shown say of their shards' children: so it
// says of every key that is here where it is, however far the map's object is behind, or ahead. A shard that its parent
// does not name any more was merged into it, and is given up.
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

internal sealed class ReplicaDirectory(ShardHost host) : IShardSource, IAsyncDisposable
{
    /// <summary>Shards that are looked at side by side.</summary>
    private const int LooksAtOnce = 16;

    private readonly LogTails _tails = new(host.Objects, host.Time, host.Scheduler);
    private readonly MapStore _maps = new(host.Objects);
    private readonly ConcurrentDictionary<uint, FollowedShard> _followed = [];
    private readonly ConcurrentDictionary<uint, bool> _merged = [];
    private readonly Lock _lock = new(); // guards changes of _map
    private ShardMap _map = ShardMap.Initial;
    private volatile bool _closed;

    public ShardMap Map => Volatile.Read(ref _map);

    /// <summary>The root; null while there is nothing to read.</summary>
    public Shard? Root => _followed.TryGetValue(ShardMap.Root, out var root) ? root.Shard : null;

    /// <summary>The shards that are followed.</summary>
    public IEnumerable<Shard> Open =>
        _followed.Values.Select(static followed => followed.Shard).OfType<Shard>();

    public bool TryFindWhole(KeyRange range, [MaybeNullWhen(false)] out Shard shard)
    {
        var segment = Map.SegmentAt(range.Start.Span);
        shard = null;
        if (segment.Range.End is not { } end
            || (range.End is { } last && last.Span.SequenceCompareTo(end.Span) <= 0))
        {
            shard = _followed.TryGetValue(segment.Shard, out var followed) ? followed.Shard : null;
        }

        return shard is not null;
    }

    public bool TryGet(uint id, [MaybeNullWhen(false)] out FollowedShard followed) =>
        _followed.TryGetValue(id, out followed) && followed.Shard is not null;

    public async ValueTask<Shard> GetAsync(uint id, CancellationToken cancellationToken)
    {
        if (TryGet(id, out var followed))
        {
            return followed.Shard!;
        }

        if (!Map.TryGet(id, out _))
        {
            throw new DmtException(DmtErrorKind.NotOwner, $"shard {id} is not in {Map}");
        }

        await LookAsync(id, TimeSpan.Zero, main: null, cancellationToken).ConfigureAwait(false);
        return TryGet(id, out followed)
            ? followed.Shard!
            : !Map.TryGet(id, out _)
                ? throw new DmtException(DmtErrorKind.NotOwner, $"shard {id} is not in {Map}")
                : throw DmtException.Unavailable("this replica has no copy of its main yet");
    }

    /// <summary>Goes to what the bucket has of a shard, which is followed from now on.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="ageMax">As for <see cref="FollowedShard.LookAsync"/>.</param>
    /// <param name="main">As there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask LookAsync(
        uint id, TimeSpan ageMax, string? main, CancellationToken cancellationToken)
    {
        var followed = Follow(id);
        try
        {
            try
            {
                await followed.LookAsync(ageMax, cancellationToken, main).ConfigureAwait(false);
            }
            finally
            {
                await AgreeAsync(followed).ConfigureAwait(false); // It may have come half way.
            }

            await MergeAsync(followed, cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Closed && !_closed && !Map.TryGet(id, out _))
        {
            // It was merged meanwhile, and given up.
        }

        if (!Map.TryGet(id, out _) && _followed.TryRemove(id, out var gone))
        {
            await gone.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Shows the newest tables of a shard, where it is followed.</summary>
    public async ValueTask LookAtManifestAsync(uint id, CancellationToken cancellationToken)
    {
        if (TryGet(id, out var followed))
        {
            try
            {
                await followed.LookAtManifestAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                await AgreeAsync(followed).ConfigureAwait(false);
            }

            await MergeAsync(followed, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The shard is known to have been merged: all that was ever written to it is in what is shown.</summary>
    public bool IsMerged(uint id) => _merged.ContainsKey(id);

    /// <summary>Finds out whether a shard that is not in the map was merged; whoever took it over is followed then.
    /// </summary>
    public async ValueTask LookWhetherMergedAsync(uint id, CancellationToken cancellationToken)
    {
        // Where its manifests are gone, too, it was merged long ago: something was written to it.
        var last = await new ManifestStore(host.Objects, id).LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        if (last is { MergedInto: 0 })
        {
            return;
        }

        if (last is not null && !Map.TryGet(last.MergedInto, out _))
        {
            await LookWhetherMergedAsync(last.MergedInto, cancellationToken).ConfigureAwait(false);
            if (!IsMerged(last.MergedInto))
            {
                return;
            }
        }
        else if (last is not null)
        {
            await LookAsync(last.MergedInto, TimeSpan.Zero, main: null, cancellationToken).ConfigureAwait(false);
        }

        if (!Map.TryGet(id, out _))
        {
            _merged[id] = true;
        }
    }

    /// <summary>Takes the map that the bucket has.</summary>
    public async ValueTask LookAtMapAsync(CancellationToken cancellationToken)
    {
        var latest = await _maps.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        await DropAsync(Change(_ => latest)).ConfigureAwait(false);
    }

    /// <summary>Goes to what the bucket has of all shards that are followed.</summary>
    /// <param name="ageMax">As for <see cref="FollowedShard.LookAsync"/>.</param>
    /// <param name="main">The main of all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask LookAtAllAsync(TimeSpan ageMax, string main, CancellationToken cancellationToken)
    {
        await LookAtMapAsync(cancellationToken).ConfigureAwait(false);
        foreach (var some in _followed.Keys.Where(static id => id != ShardMap.Root).Chunk(LooksAtOnce))
        {
            await Task.WhenAll(some.Where(_followed.ContainsKey).Select(id =>
                LookAsync(id, ageMax, main, cancellationToken).AsTask())).ConfigureAwait(false);
        }
    }

    /// <summary>Whoever reads ends first.</summary>
    public async ValueTask DisposeAsync()
    {
        _closed = true;
        foreach (var followed in _followed.Values)
        {
            await followed.DisposeAsync().ConfigureAwait(false);
        }
    }

    private FollowedShard Follow(uint id) => _closed
        ? throw DmtException.Closed("the replica")
        : _followed.GetOrAdd(id, static (id, of) => new FollowedShard(of.host, of._tails, id), (host, _tails));

    /// <summary>The map says what the shard's manifest says.</summary>
    private async ValueTask AgreeAsync(FollowedShard followed)
    {
        if (followed.Shard is { } shard)
        {
            await DropAsync(Change(map => MapAgreement.Of(Known(map, shard.Carved), shard.Id, shard.Carved)))
                .ConfigureAwait(false);
        }
    }

    /// <summary>Where the shard was merged, whoever took it over says so, if it came to that.</summary>
    private async ValueTask MergeAsync(FollowedShard followed, CancellationToken cancellationToken)
    {
        if (followed.Shard?.MergedInto is not { } into || !Map.TryGet(followed.Id, out _))
        {
            return;
        }

        if (TryGet(into, out _))
        {
            await LookAtManifestAsync(into, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await LookAsync(into, TimeSpan.Zero, null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Changes the map, and has all shards that are followed correct it.</summary>
    /// <returns>Those that it has not any more.</returns>
    private List<FollowedShard> Change(Func<ShardMap, ShardMap> change)
    {
        lock (_lock)
        {
            var map = change(_map);
            if (ReferenceEquals(map, _map))
            {
                return [];
            }

            foreach (var shard in Open.OrderBy(static shard => shard.Prefix.Length))
            {
                map = MapAgreement.Of(Known(map, shard.Carved), shard.Id, shard.Carved);
            }

            Volatile.Write(ref _map, map);
            List<FollowedShard> gone = [.. _followed.Values.Where(followed => !map.TryGet(followed.Id, out _))];
            gone.ForEach(followed => _followed.TryRemove(followed.Id, out _));
            return gone;
        }
    }

    private static async ValueTask DropAsync(List<FollowedShard> gone)
    {
        foreach (var followed in gone)
        {
            await followed.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The map, where the numbers of all that was carved have been given.</summary>
    private static ShardMap Known(ShardMap map, IReadOnlyList<CarvedShard> carved)
    {
        var last = carved.Count == 0 ? 0 : carved.Max(static one => one.Shard);
        return map.NextShard > last ? map : map.Reserve((int)(last - map.NextShard + 1), out _);
    }
}
