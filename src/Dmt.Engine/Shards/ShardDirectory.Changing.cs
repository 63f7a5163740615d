using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Shards;

/// <content>Carving and merging.</content>
internal sealed partial class ShardDirectory
{
    /// <summary>Makes the keys under each of the prefixes a shard of their own.</summary>
    /// <param name="prefixes">All in one shard, none under another.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    /// <returns>The new shards.</returns>
    /// <exception cref="DmtException">InvalidArgument; Fenced; Unavailable.</exception>
    public async ValueTask<IReadOnlyList<uint>> CarveAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken)
    {
        // Opened first: opening may itself have to finish a change. Then it is seen to that it is still the one.
        var shard = await GetAsync(ShardPrefixes.ParentOf(Map, prefixes), cancellationToken).ConfigureAwait(false);
        using var held = await _changing.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var kept = await _host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        CheckStillThere(shard, ShardPrefixes.ParentOf(Map, prefixes));
        uint first = 0;
        await _maps.UpdateAsync(map => map.Reserve(prefixes.Count, out first), cancellationToken)
            .ConfigureAwait(false);
        CarvedShard[] parts =
            [.. prefixes.Select((prefix, i) => new CarvedShard(first + (uint)i, prefix.ToArray()))];
        await shard.CarveAsync(parts, Publish, cancellationToken).ConfigureAwait(false);

        // Where this fails the map is behind, until the parent is opened the next time: nothing is lost.
        await _maps.UpdateAsync(AddParts, CancellationToken.None).ConfigureAwait(false);
        return [.. parts.Select(static part => part.Shard)];

        ShardMap AddParts(ShardMap map) =>
            map.Add(parts.Select(static part => (part.Shard, (ReadOnlyMemory<byte>)part.Prefix)));

        void Publish(IReadOnlyList<Shard> children)
        {
            foreach (var child in children)
            {
                _host.Adopt(child);
                _host.Balancer?.Carved(child.Id);
                _open[child.Id] = child;
            }

            Change(map => AddParts(Known(map, parts[^1].Shard)));
            LookForIdleLater();
        }
    }

    /// <summary>Gives the keys of a shard back to the one that it was carved out of.</summary>
    /// <exception cref="DmtException">InvalidArgument for the root, and where there is no such shard.</exception>
    public async ValueTask MergeAsync(uint id, CancellationToken cancellationToken)
    {
        var child = await GetAsync(id, cancellationToken).ConfigureAwait(false);
        var parent = await GetAsync(ParentOf(id), cancellationToken).ConfigureAwait(false);
        using var held = await _changing.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var kept = await _host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        CheckStillThere(child, id);
        CheckStillThere(parent, ParentOf(id));
        await parent.MergeAsync(child, () => Forget(id), cancellationToken).ConfigureAwait(false);
        await _host.ReleaseAsync(child).ConfigureAwait(false);
        await _maps.UpdateAsync(map => MapAgreement.Without(map, id), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>A shard was merged by somebody who did not come to say so everywhere.</summary>
    private async ValueTask FinishMergeAsync(Manifest last, CancellationToken cancellationToken)
    {
        var parent = await GetAsync(last.MergedInto, cancellationToken).ConfigureAwait(false);
        using var held = await _changing.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var kept = await _host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        CheckStillThere(parent, last.MergedInto);
        await parent.AbsorbAsync(last, () => Forget(last.Shard), cancellationToken).ConfigureAwait(false);
        _host.Feed?.Note(KeyRange.Prefix(last.Prefix));
        await _maps.UpdateAsync(map => MapAgreement.Without(map, last.Shard), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private uint ParentOf(uint id) => ShardPrefixes.ParentOf(Map, id);

    /// <summary>Under _changing.</summary>
    private void CheckStillThere(Shard shard, uint id)
    {
        ThrowIfClosed();
        if (shard.Id != id || !_open.TryGetValue(id, out var open) || open != shard)
        {
            throw DmtException.Unavailable($"shard {shard.Id} has changed meanwhile: try again");
        }

        lock (_lock)
        {
            if (_snapshots.Count > 0)
            {
                throw DmtException.Unavailable(
                    $"{_snapshots.Count} snapshots are open: shards are neither carved nor merged until they are "
                        + $"closed");
            }
        }
    }

    private void Forget(uint id)
    {
        lock (_lock)
        {
            _open.TryRemove(id, out _);
            SetMap(MapAgreement.Without(_map, id));
        }
    }
}
