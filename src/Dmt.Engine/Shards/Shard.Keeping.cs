using Dmt.Core;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>
    /// A restore skips this many sequence numbers: more than the log that it gives up can hold, so that no version is
    /// given twice.
    /// </summary>
    public const ulong SequencesSkipped = 1UL << 32;

    /// <summary>Flushes what there is now, and says in which tables it is.</summary>
    /// <exception cref="DmtException">Fenced; Unavailable.</exception>
    public async ValueTask<Manifest> FlushedManifestAsync(CancellationToken cancellationToken)
    {
        ulong last;
        lock (_writeLock)
        {
            ThrowIfUnusable();
            last = _lastSequence;
            FreezeIfNotEmpty();
        }

        // Not until nothing is left: writers that go on would hold it up for ever.
        while (Volatile.Read(ref _manifest).FlushedSequence < last
            && await FlushOldestAsync(cancellationToken).ConfigureAwait(false))
        {
        }

        lock (_writeLock)
        {
            ThrowIfUnusable();
        }

        // Compactions may replace its tables from now on, but nothing is deleted: the caller holds the collector's
        // lock.
        return Volatile.Read(ref _manifest).WithoutLog();
    }

    /// <exception cref="DmtException">Fenced when another process owns the shard by now.</exception>
    public ValueTask ThrowIfTakenOverAsync(CancellationToken cancellationToken) =>
        _manifests.ThrowIfTakenOverAsync(Volatile.Read(ref _manifest), cancellationToken);

    /// <summary>
    /// The state from which to open, as if it were the previous owner's: the restored tables, and nothing to replay.
    /// </summary>
    private static async ValueTask<Manifest> ReplaceAsync(
        ShardHost host, Manifest? previous, Manifest restored, CancellationToken cancellationToken)
    {
        // Before the manifest that forgets these logs: whoever still writes to one must not acknowledge what nobody
        // will replay.
        foreach (var range in previous?.LogRanges ?? [])
        {
            await host.Logs.SealAsync(range, cancellationToken).ConfigureAwait(false);
        }

        return restored with
        {
            Number = previous?.Number ?? 0,
            Epoch = Math.Max(previous?.Epoch ?? 0, restored.Epoch),
            FlushedSequence = Math.Max(previous?.FlushedSequence ?? 0, restored.FlushedSequence) + SequencesSkipped,
            LogRanges = [],
            Requests = [], // What was applied since is undone: when it is sent again it is new.
            Origins = [.. restored.Origins.Union(previous?.Origins ?? [])],
        };
    }
}
