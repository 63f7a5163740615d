using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <content>A merge into a parent that another process has: the child's half. AbsorbAsync is the other one.</content>
internal sealed partial class Shard
{
    /// <summary>
    /// Writes everything into tables and the last manifest, which says into whom the shard is merged. That is the
    /// commit: from then on it has no keys, and the parent takes the tables over, however much later. Does nothing
    /// where that is done, for whichever parent: one that was carved out in between is found by who absorbs.
    /// </summary>
    /// <param name="parent">The shard that it was carved out of.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    /// <exception cref="DmtException">InvalidArgument for the root; Fenced; Unavailable; Closed.</exception>
    public async ValueTask GiveUpAsync(uint parent, CancellationToken cancellationToken)
    {
        if (Prefix.Length == 0)
        {
            throw DmtException.InvalidArgument($"shard {Id} is the root: it has no parent to be merged into");
        }

        await FlushAsync(cancellationToken).ConfigureAwait(false);
        using var compacting = await HoldCompactionAsync(cancellationToken).ConfigureAwait(false);
        using var changing = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (MergedInto is not null)
        {
            return;
        }

        lock (_writeLock)
        {
            ThrowIfUnusable();
            CloseGate([KeyRange.All]);
        }

        try
        {
            var left = CutToOwned(
                await WriteFrozenAsync(KeyRange.All, NextTableId, cancellationToken).ConfigureAwait(false));
            var levels = (TableReader[][])_view.Tables.Levels.Clone();
            levels[0] = [.. left, .. levels[0]];
            await CommitAsync(_manifest with
            {
                Number = _manifest.Number + 1,
                FlushedSequence = LastSequence,
                MergedInto = parent,
                ClosedCleanly = true,
                LogRanges = [],
                Levels = Infos(levels),
            }).ConfigureAwait(false);
            Show(levels, Ownership.NoneOf(Id), dropFrozen: true);
            Release(left);
        }
        finally
        {
            OpenGate();
        }
    }
}
