using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>
    /// A restore skips this many sequence numbers: more than the log that it gives up can hold, so that no version is
    /// given twice.
    /// </summary>
    private const ulong SequencesSkipped = 1UL << 32;

    /// <summary>Flushes what there is now and keeps it under a name.</summary>
    /// <exception cref="DmtException">Conflict when there is one of that name; Fenced; Unavailable.</exception>
    public async ValueTask<Checkpoint> CheckpointAsync(
        string name, CheckpointStore checkpoints, CancellationToken cancellationToken)
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

        // While this is held no compaction makes a table that the checkpoint names obsolete.
        using var held = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        lock (_writeLock)
        {
            ThrowIfUnusable();
        }

        var state = _manifest with { ClosedCleanly = true, LogRanges = [] };
        var checkpoint = new Checkpoint(name, _host.Time.GetUtcNow(), [state]);
        if (!await checkpoints.TryCreateAsync(checkpoint, cancellationToken).ConfigureAwait(false))
        {
            throw new DmtException(DmtErrorKind.Conflict, $"there is a checkpoint \"{name}\" already");
        }

        // A successor may have deleted tables that it names, unless it comes after the checkpoint.
        try
        {
            await _manifests.ThrowIfTakenOverAsync(state, cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced)
        {
            await checkpoints.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            throw;
        }

        return checkpoint;
    }

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
            Origins = [.. restored.Origins.Union(previous?.Origins ?? [])],
        };
    }
}
