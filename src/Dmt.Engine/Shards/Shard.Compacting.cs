using Dmt.Core;
using Dmt.Engine.Compaction;
using Dmt.Engine.Reading;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>One compaction of a shard at a time; the table set may change meanwhile by flushes only.</summary>
    private readonly AsyncLock _compactionLock;

    /// <summary>Does the most urgent compaction.</summary>
    /// <returns>False when there was none to do.</returns>
    public ValueTask<bool> CompactOnceAsync(CancellationToken cancellationToken) =>
        CompactUntilClosedAsync(levels => CompactionPicker.Pick(levels, _options), cancellationToken);

    /// <summary>Flushes, and merges all tables into the bottom level.</summary>
    public async ValueTask CompactAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await CompactUntilClosedAsync(CompactionPicker.Everything, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>No compaction while the lock is held; whoever closes the shard keeps it for good.</summary>
    /// <exception cref="DmtException">Closed, before and while it waits; Fenced; Unavailable.</exception>
    private async ValueTask<AsyncLock.Holder> HoldCompactionAsync(CancellationToken cancellationToken)
    {
        CancellationTokenSource stop;
        lock (_writeLock)
        {
            ThrowIfUnusable();
            stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        }

        using (stop)
        {
            try
            {
                return await _compactionLock.AcquireAsync(stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw DmtException.Closed("the store");
            }
        }
    }

    private async ValueTask<bool> CompactUntilClosedAsync(
        Func<IReadOnlyList<IReadOnlyList<TableInfo>>, CompactionPlan?> pick, CancellationToken cancellationToken)
    {
        CancellationTokenSource stop;
        lock (_writeLock)
        {
            ThrowIfClosed();
            stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        }

        using (stop)
        {
            try
            {
                using var held = await _compactionLock.AcquireAsync(stop.Token).ConfigureAwait(false);
                return await CompactAsync(pick, stop.Token).ConfigureAwait(false);
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
            {
                throw await ExplainAsync(e).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (
                _closing.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw DmtException.Closed("the store");
            }
        }
    }

    /// <summary>Under _compactionLock.</summary>
    private async ValueTask<bool> CompactAsync(
        Func<IReadOnlyList<IReadOnlyList<TableInfo>>, CompactionPlan?> pick, CancellationToken cancellationToken)
    {
        if (MergedInto is not null || _failure is not null)
        {
            return false; // Its tables are another's, or may be.
        }

        var view = AcquireView();
        try
        {
            // Picked from the view that is merged, not from the manifest: that is a step ahead while a flush is being
            // installed, and a table that is picked but not in the view would be dropped unread.
            var plan = pick(Infos(view.Tables.Levels));
            if (plan is null)
            {
                return false;
            }

            await CompactAsync(plan, view, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            view.RemoveReference();
        }

        _host.Compactions.Add(this);
        return true;
    }

    private async ValueTask CompactAsync(CompactionPlan plan, ReadView view, CancellationToken cancellationToken)
    {
        using var span = EngineSpans.Start("dmt.compaction", Id)
            ?.SetTag("dmt.bytes", plan.AllInputs.Sum(static info => info.Bytes));
        var inputs = plan.AllInputs.ToHashSet<TableInfo>(ReferenceEqualityComparer.Instance);
        var moved = CanMove(plan);
        var opened = Array.Empty<TableReader>();
        if (!moved)
        {
            var written = await MergeAsync(plan, view, cancellationToken).ConfigureAwait(false);
            opened = await OpenTablesAsync(written, cancellationToken).ConfigureAwait(false);
        }

        await InstallAsync(plan, inputs, moved, opened, cancellationToken).ConfigureAwait(false);
        Release(opened);
        _host.Metrics.Compacted(
            moved ? 0 : plan.AllInputs.Sum(static info => info.Bytes), opened.Sum(static table => table.Info.Length));
    }

    private async ValueTask<IReadOnlyList<TableInfo>> MergeAsync(
        CompactionPlan plan, ReadView view, CancellationToken cancellationToken)
    {
        var sources = new List<EntryCursor>();
        var tombstones = new List<RangeTombstone>();
        var sequenceBase = ulong.MaxValue;
        for (var level = 0; level < plan.Inputs.Count; level++)
        {
            var wanted = plan.Inputs[level].ToHashSet<TableInfo>(ReferenceEqualityComparer.Instance);
            TableReader[] tables = [.. view.Tables.Levels[level].Where(table => wanted.Contains(table.Info))];
            foreach (var table in tables)
            {
                tombstones.AddRange(table.RangeTombstones.Tombstones());
                sequenceBase = Math.Min(sequenceBase, table.Info.SequenceMin);
            }

            // Tables of level 0 may overlap: each is a run of its own.
            IEnumerable<TableReader[]> runs = level == 0 ? tables.Select(static table => new[] { table }) : [tables];
            sources.AddRange(runs.Where(static run => run.Length > 0)
                .Select(static run => new RunCursor(run, reverse: false, new SequentialBlocks())));
        }

        var nowMs = NowMs();
        var filter = new VersionFilter(
            _snapshots.ToArray(), RangeTombstoneSet.Build(tombstones), plan.IsBottom, nowMs);
        var writer = new TableWriter(Objects, _options, NextTableId, sequenceBase, _options.TableBytes, nowMs);
        using var merge = new MergeCursor([.. sources], reverse: false);
        if (!merge.Seek([]))
        {
            await merge.LoadAsync(cancellationToken).ConfigureAwait(false);
        }

        return await writer.WriteAsync(merge, filter, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask InstallAsync(
        CompactionPlan plan, HashSet<TableInfo> inputs, bool moved, TableReader[] opened,
            CancellationToken cancellationToken)
    {
        AsyncLock.Holder held;
        try
        {
            held = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Discard(opened);
            throw;
        }

        using var released = held;
        if (_flushInDoubt)
        {
            Discard(opened);
            throw DmtException.Unavailable($"a flush of shard {Id} is in doubt: it is tried again before a compaction");
        }

        var current = _view.Tables.Levels;
        var removed =
            current.SelectMany(static level => level).Where(table => inputs.Contains(table.Info)).ToList();
        var levels = current
            .Select(level => level.Where(table => !inputs.Contains(table.Info)).ToArray())
            .ToArray();
        levels[plan.OutputLevel] =
        [
            .. levels[plan.OutputLevel].Concat(moved ? removed : opened)
                .OrderBy(static table => table.Info.Smallest, KeyComparer.Instance),
        ];
        var next = _manifest with { Number = _manifest.Number + 1, Levels = Infos(levels) };

        // Whoever sees this manifest may delete the tables that it leaves out, in a bucket another node, too: one that
        // seemed to fail must not be followed by one that names them again. Nor is it cut short by closing.
        await ApplyAsync(
            next, levels, opened, static _ => true,
            written => UntilDoneAsync(_ => _manifests.WriteAsync(written, CancellationToken.None)))
            .ConfigureAwait(false);
        if (!moved)
        {
            // Only now: until the manifest is written, they are what the store consists of. The caller's view still
            // holds them.
            removed.ForEach(static table => table.IsObsolete = true);
        }
    }

    /// <summary>
    /// Tables that overlap nothing, not even each other, are renamed to the next level rather than rewritten. Borrowed
    /// ones are copied at the latest when they reach the bottom, where they could stay for ever.
    /// </summary>
    private static bool CanMove(CompactionPlan plan)
    {
        if (plan.Inputs[plan.OutputLevel].Count > 0
            || (plan.IsBottom && plan.AllInputs.Any(static info =>
                info.Tombstones > 0 || info.RangeTombstones > 0 || info.Origin is not null)))
        {
            return false;
        }

        var sorted = plan.AllInputs.OrderBy(static info => info.Smallest, KeyComparer.Instance).ToList();
        return sorted.Zip(sorted.Skip(1)).All(static pair => pair.First.IsBefore(pair.Second));
    }

    private sealed class KeyComparer : IComparer<byte[]>
    {
        public static readonly KeyComparer Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
