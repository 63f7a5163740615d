using Dmt.Core;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Garbage;

/// <content>What is needed, as of now.</content>
internal sealed partial class GarbageCollector
{
    /// <summary>Step 3: after the candidates are known, checkpoints first and last.</summary>
    /// <exception cref="DmtException">Fenced; Corruption; Unavailable.</exception>
    private async ValueTask<References> LoadReferencesAsync(
        IReadOnlyList<OwnedShard> owned,
        HashSet<uint> shards,
        bool withChildren,
        CancellationToken cancellationToken)
    {
        var checkpoints = await _checkpoints.LoadAllAsync(cancellationToken).ConfigureAwait(false);
        List<Manifest> newest = [];
        var left = new Queue<uint>(shards);
        while (left.TryDequeue(out var shard))
        {
            var manifests = new ManifestStore(_objects, shard);
            if (await manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false) is { } manifest)
            {
                newest.Add(manifest);

                // The map may be behind: whoever carved did not come to say so.
                foreach (var child in manifest.Carved.Where(child => withChildren && shards.Add(child.Shard)))
                {
                    left.Enqueue(child.Shard);
                }
            }
        }

        // A manifest whose writing seemed to fail may be there: the next one is made from the one before it all the
        // same, and may name again what this one does not.
        // A shard that neither the map nor a manifest names was merged, or was never carved to the end.
        var living = await LoadMapAsync(cancellationToken).ConfigureAwait(false);
        living.UnionWith(newest.SelectMany(static manifest => manifest.Carved).Select(static one => one.Shard));
        living.UnionWith(owned.Select(static o => o.Manifest.Shard));
        living.UnionWith(owned.SelectMany(static o => o.Manifest.Carved).Select(static one => one.Shard));
        var pinned = await _checkpoints.LoadAllAsync(cancellationToken).ConfigureAwait(false);
        var references = new References(
            newest, owned.Select(static o => o.Manifest), checkpoints.Concat(pinned), living);
        foreach (var mine in owned.Select(static o => o.Manifest).Where(static mine => mine.MergedInto == 0))
        {
            // What was given up has no keys, and its manifests may be gone.
            if (shards.Contains(mine.Shard)
                && (references.Newest(mine.Shard) is not { } found || !found.IsOf(mine)))
            {
                if (references.Newest(mine.Shard)?.Incarnation == mine.Incarnation)
                {
                    continue; // Being opened here anew: this one writes no manifest any more.
                }

                if (HasLeft(mine.Shard))
                {
                    throw DmtException.Unavailable(
                        $"shard {mine.Shard} has moved to another node meanwhile: try again");
                }

                // Noted for all: the fence of a log that nobody writes to is not met otherwise, and it is not kept
                // for ever.
                _isFenced = true;
                var takenOver = ManifestStore.TakenOver(mine);
                _fenced(takenOver);
                throw takenOver;
            }
        }

        return references;
    }

    /// <summary>It was closed cleanly since: then whoever opened it has taken nothing over.</summary>
    private bool HasLeft(uint shard) =>
        _owned().All(o => o.Manifest.Shard != shard || o.Manifest.ClosedCleanly);

    private async ValueTask<HashSet<uint>> LoadMapAsync(CancellationToken cancellationToken)
    {
        var map = await _maps.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        return [.. map.Entries.Select(static entry => entry.Shard)];
    }
}
