using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <content>How a store begins, and what a checkpoint keeps of it.</content>
internal sealed partial class ShardDirectory
{
    /// <summary>So many shards are looked at side by side at the start: each takes several requests.</summary>
    private const int OpenedAtOnce = 32;

    /// <summary>The root; open as long as the store is.</summary>
    public Shard Root => _open[ShardMap.Root];

    /// <summary>
    /// Opens the root, and every shard that was left open with a log which nobody but this process reads, or has
    /// records in one: once no open shard needs such a log it goes, and with it what the others would ask it for.
    /// </summary>
    /// <param name="restored">What to open the root with in the place of its present state.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask OpenRootAsync(Manifest? restored, CancellationToken cancellationToken)
    {
        if (Map.Count == 1 && !await IsMapBehindAsync(cancellationToken).ConfigureAwait(false))
        {
            await OpenAsync(ShardMap.Root, restored, cancellationToken).ConfigureAwait(false);
            return;
        }

        var logged = _host.BeginRecovery();
        try
        {
            await OpenAsync(ShardMap.Root, restored, cancellationToken).ConfigureAwait(false);

            // Opening one may show children that the map does not have.
            var seen = new HashSet<uint> { ShardMap.Root };
            while (Map.Entries.Select(static entry => entry.Shard).Where(seen.Add).ToList() is { Count: > 0 } found)
            {
                foreach (var some in found.Chunk(OpenedAtOnce))
                {
                    await Task.WhenAll(some.Select(OpenIfLoggedAsync)).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _host.EndRecovery();
        }

        async Task OpenIfLoggedAsync(uint id)
        {
            if (logged.Contains(id) || await NamesLogAsync(id, cancellationToken).ConfigureAwait(false))
            {
                await OpenIfThereAsync(id, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Something was carved out of the root, and the map was not written any more.</summary>
    private async ValueTask<bool> IsMapBehindAsync(CancellationToken cancellationToken) => _host.HasOldLogs
        && await new ManifestStore(_host.Objects, ShardMap.Root).LoadLatestAsync(cancellationToken)
            .ConfigureAwait(false) is { Carved.Count: > 0 };

    /// <summary>It was open when its owner died, though it may have no record in the log.</summary>
    private async ValueTask<bool> NamesLogAsync(uint id, CancellationToken cancellationToken) => _host.HasOldLogs
        && await new ManifestStore(_host.Objects, id).LoadLatestAsync(cancellationToken)
            .ConfigureAwait(false) is { LogRanges.Count: > 0 };

    private async ValueTask OpenIfThereAsync(uint id, CancellationToken cancellationToken)
    {
        try
        {
            await GetAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner && !Map.TryGet(id, out _))
        {
            // It turned out to have been merged.
        }
    }

    /// <summary>
    /// Gives the store the state of a checkpoint. All shards but the root get new numbers, and are not looked for until
    /// the root's manifest names them: that is the commit.
    /// </summary>
    public async ValueTask RestoreAsync(IReadOnlyList<Manifest> manifests, CancellationToken cancellationToken)
    {
        var root = manifests.Single(static one => one.Shard == ShardMap.Root);
        if (manifests.Count == 1)
        {
            await OpenRootAsync(root with { Carved = [] }, cancellationToken).ConfigureAwait(false);
            return;
        }

        uint first = 0;
        await _maps.UpdateAsync(map => map.Reserve(manifests.Count - 1, out first), cancellationToken)
            .ConfigureAwait(false);
        var numbers = manifests.Where(static one => one.Shard != ShardMap.Root)
            .Select((one, i) => (one.Shard, Number: first + (uint)i))
            .ToDictionary(static pair => pair.Shard, static pair => pair.Number);
        foreach (var manifest in manifests.Where(static one => one.Shard != ShardMap.Root))
        {
            var restored = Renumber(manifest) with
            {
                Shard = numbers[manifest.Shard],
                Number = 1,
                Epoch = 1,
                Incarnation = _host.Log.Incarnation,
                FlushedSequence = manifest.FlushedSequence + Shard.SequencesSkipped,
            };
            if (!await _host.Objects.TryCreateAsync(
                restored.ObjectName, ManifestCodec.Encode(restored), cancellationToken).ConfigureAwait(false))
            {
                throw DmtException.Corruption(restored.ObjectName, 0, "it is there before the shard was made");
            }
        }

        await OpenRootAsync(Renumber(root), cancellationToken).ConfigureAwait(false);

        Manifest Renumber(Manifest one) => one with
        {
            Carved = [.. one.Carved.Select(carved => carved with { Shard = numbers[carved.Shard] })],
            Levels = [.. one.Levels.Select(static level =>
                (IReadOnlyList<TableInfo>)[.. level.Select(static table => table with { IsShared = true })])],
        };
    }

    /// <summary>
    /// Every shard with everything that was acknowledged before, in tables. Under the collector's lock.
    /// </summary>
    public async ValueTask<IReadOnlyList<Manifest>> FlushedManifestsAsync(CancellationToken cancellationToken)
    {
        var manifests = new List<Manifest>();
        foreach (var entry in Map.Entries)
        {
            if (!_open.ContainsKey(entry.Shard)
                && await new ManifestStore(_host.Objects, entry.Shard).LoadLatestAsync(cancellationToken)
                    .ConfigureAwait(false) is { ClosedCleanly: true, MergedInto: 0 } closed)
            {
                manifests.Add(closed);
                continue;
            }

            var shard = await GetAsync(entry.Shard, cancellationToken).ConfigureAwait(false);
            manifests.Add(await shard.FlushedManifestAsync(cancellationToken).ConfigureAwait(false));
        }

        return manifests;
    }

    /// <exception cref="DmtException">Fenced when another process owns one of the open shards.</exception>
    public async ValueTask ThrowIfTakenOverAsync(CancellationToken cancellationToken)
    {
        foreach (var shard in _open.Values)
        {
            await shard.ThrowIfTakenOverAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
