// How a shard that was carved out comes back into its parent; see Shard.Carving.cs for what both keep.
//
// Flush both; close the gates of both; write what is left in memtables into a table each; write the child's last
// manifest, which says into whom it was merged. That is the commit: nobody opens the child any more. Then the parent
// takes the child's tables over. Where it does not come to that, whoever meets the child's last manifest lets the
// parent take them over (AbsorbAsync), however much later.
//
// Tables of one run never overlap, not even where one has no keys: before a parent takes a child's tables over, its own
// are cut where the child was.
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>Takes the keys of a shard back that was carved out of this one. It is closed then, for good.</summary>
    /// <param name="child">Open in this process.</param>
    /// <param name="publish">Told once it is done and before writers find that keys have moved.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    public async ValueTask MergeAsync(Shard child, Action publish, CancellationToken cancellationToken)
    {
        using var span = EngineSpans.Start("dmt.merge", Id)?.SetTag("dmt.child", child.Id);
        await child.FlushAsync(cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        using var compacting = await HoldCompactionAsync(cancellationToken).ConfigureAwait(false);
        using var compactingChild = await child.HoldCompactionAsync(cancellationToken).ConfigureAwait(false);

        // What was written while compactions went on is not left for behind the gates.
        await child.FlushAsync(cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        using var changing = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var changingChild = await child._manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        lock (_writeLock)
        {
            ThrowIfUnusable();
            CheckIsChild(child._manifest);
            CloseGate([KeyRange.All]);
        }

        var done = false;
        try
        {
            lock (child._writeLock)
            {
                child.ThrowIfUnusable();
                child.CloseGate([KeyRange.All]);
            }

            var left = await WriteFrozenAsync(KeyRange.All, NextTableId, cancellationToken).ConfigureAwait(false);
            var leftOfChild = await child.WriteFrozenAsync(KeyRange.All, child.NextTableId, cancellationToken)
                .ConfigureAwait(false);
            leftOfChild = child.CutToOwned(leftOfChild);
            var levels = (TableReader[][])child._view.Tables.Levels.Clone();
            levels[0] = [.. leftOfChild, .. levels[0]];
            await child.CommitAsync(child._manifest with
            {
                Number = child._manifest.Number + 1,
                FlushedSequence = child.LastSequence,
                MergedInto = Id,
                ClosedCleanly = true,
                LogRanges = [],
                Levels = Infos(levels),
            }).ConfigureAwait(false);
            child.Show(levels, child._view.Ownership, dropFrozen: true);
            Release(leftOfChild);
            await AbsorbAsync(child._manifest, left).ConfigureAwait(false);
            publish();
            child.Show(child._view.Tables.Levels, Ownership.NoneOf(child.Id), dropFrozen: true);
            done = true;
        }
        finally
        {
            if (!done && child.MergedInto is not null)
            {
                // Its last manifest is written: whoever recovers looks into no log for what it took after that.
                child._failure ??= DmtException.Unavailable(
                    $"shard {child.Id} was merged into shard {Id} but for the last step: the store must be opened "
                        + "again");
            }

            child.OpenGate();
            OpenGate();
        }
    }

    /// <summary>
    /// Takes over what was merged into this shard by somebody who did not come to say so here. Does nothing when it was
    /// taken over already.
    /// </summary>
    /// <param name="merged">The last manifest of the shard that was merged.</param>
    /// <param name="publish">As for a merge.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    public async ValueTask AbsorbAsync(Manifest merged, Action publish, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        using var compacting = await HoldCompactionAsync(cancellationToken).ConfigureAwait(false);
        using var changing = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (MergedInto is { } above)
        {
            throw new DmtException(
                DmtErrorKind.NotOwner, $"shard {Id} was itself merged, into shard {above}: look into the map again");
        }

        if (_manifest.Carved.All(one => one.Shard != merged.Shard))
        {
            publish();
            return;
        }

        lock (_writeLock)
        {
            ThrowIfUnusable();
            CloseGate([KeyRange.All]);
        }

        try
        {
            var left = await WriteFrozenAsync(KeyRange.All, NextTableId, cancellationToken).ConfigureAwait(false);
            await AbsorbAsync(merged, left).ConfigureAwait(false);
            publish();
        }
        finally
        {
            OpenGate();
        }
    }

    /// <summary>Under _manifestLock and behind a closed gate, with everything in tables.</summary>
    private async ValueTask AbsorbAsync(Manifest merged, TableReader[] left)
    {
        left = CutToOwned(left);
        merged = merged with
        {
            Levels = [.. merged.Levels.Select(static level =>
                (IReadOnlyList<TableInfo>)[.. level.Select(static table => table with { IsShared = true })])],
        };
        var taken = await UntilDoneAsync(stop => OpenLevelsAsync(_host, merged, stop)).ConfigureAwait(false);

        // A compaction may have written tables that span what was carved out: of one run, no table may span another.
        var own = Cut(_view.Tables.Levels, _view.Ownership, out var parts);
        TableReader[] added = [.. left, .. parts, .. taken.SelectMany(static level => level)];
        Array.ForEach([.. taken.SelectMany(static level => level)], _host.OnTableOpened);
        TableReader[][] levels =
        [
            .. own.Select((level, i) => i == 0
                ? [.. left, .. level, .. taken[0]]
                : level.Concat(taken[i]).OrderBy(static t => t.Info.Smallest, KeyComparer.Instance).ToArray()),
        ];

        // A number that no operation has: what is written from now on does not fit to what a replica has of the time
        // before, whose memtables may hold what the other shard has overwritten since. It needs this manifest first.
        var last = Math.Max(_lastSequence, merged.FlushedSequence) + 1;
        var next = _manifest with
        {
            Number = _manifest.Number + 1,
            FlushedSequence = last,
            LogRanges = [_host.LogRangeFrom(_host.Log.End)],
            Origins = [.. _manifest.Origins.Union(merged.Origins)],
            Carved =
            [
                .. _manifest.Carved.Where(one => one.Shard != merged.Shard).Concat(merged.Carved)
                    .OrderBy(static one => one.Prefix, KeyComparer.Instance),
            ],
            Levels = Infos(levels),
        };
        AbsorbRequests(merged);
        await CommitAsync(next).ConfigureAwait(false);
        Volatile.Write(ref _lastSequence, last);
        Show(levels, new Ownership(next), dropFrozen: true);
        Release(added);
    }

    private void CheckIsChild(Manifest child)
    {
        if (_manifest.Carved.All(one => one.Shard != child.Shard))
        {
            throw DmtException.InvalidArgument(
                $"shard {child.Shard} (\"{Key.ToDisplay(child.Prefix)}\") cannot be merged into shard {Id} "
                + $"(\"{Key.ToDisplay(Prefix)}\"): it was not carved out of it");
        }
    }
}
