using Dmt.Core;
using Dmt.Engine.Compaction;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>
    /// A manifest that needs less of the log may be there, and another node may have gone by it: none may follow that
    /// needs more. Under _manifestLock.
    /// </summary>
    private bool _flushInDoubt;

    /// <summary>Freezes what is in memory and returns when all of it is in tables.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        ulong last;
        lock (_writeLock)
        {
            ThrowIfUnusable();
            last = _lastSequence;
            FreezeIfNotEmpty();
        }

        // Not what comes meanwhile: writers may be faster than this.
        while (Volatile.Read(ref _manifest).FlushedSequence < last
            && await FlushOldestAsync(cancellationToken).ConfigureAwait(false))
        {
        }

        if (Volatile.Read(ref _manifest).FlushedSequence < last)
        {
            // Closed meanwhile, and fenced before: what was frozen was given up, not flushed.
            _fence.ThrowIfKnown();
            throw DmtException.Closed("the store");
        }
    }

    /// <summary>Writes the oldest frozen memtable into a level-0 table.</summary>
    /// <returns>False when there was none.</returns>
    public async ValueTask<bool> FlushOldestAsync(CancellationToken cancellationToken)
    {
        using var held = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            MemTable memtable;
            LogRange end;
            bool isPinning;
            lock (_writeLock)
            {
                if (_failure is { } failure)
                {
                    // A carve or a merge may have been committed by a manifest that is in doubt: the next one would
                    // undo it, when others have gone by it. Not unavailable: trying again would not help.
                    throw new DmtException(
                        failure is DmtException { Kind: DmtErrorKind.Fenced } ? DmtErrorKind.Fenced
                            : DmtErrorKind.Closed, failure.Message, failure);
                }

                isPinning = _freezeSoon && !_closed && MergedInto is null;
                _freezeSoon = false;
                if (isPinning)
                {
                    FreezeIfNotEmpty();
                }

                if (_frozen.Count == 0 && !isPinning)
                {
                    return false;
                }

                (memtable, end) = _frozen.Count > 0 ? _frozen[0] : (null!, null!);
            }

            if (memtable is null)
            {
                await MoveOnInLogAsync(cancellationToken).ConfigureAwait(false);
                return false;
            }

            // Safe without a reference of its own: only a flush, under _manifestLock, lets go of a frozen memtable.
            using var span = EngineSpans.Start("dmt.flush", Id)?.SetTag("dmt.bytes", memtable.BytesUsed);
            await FlushAsync(memtable, end, cancellationToken).ConfigureAwait(false);
            ReportProblem(BackgroundWork.Flush, null);
        }
        catch (DmtException e)
        {
            ReportProblem(BackgroundWork.Flush, e);
            throw;
        }

        UpdateThrottle();
        _host.ReleaseLogs();
        _host.Compactions.Add(this);
        return true;
    }

    /// <summary>
    /// Nothing is in memory: the manifest may say that the log is needed from here on only. Under _manifestLock.
    /// </summary>
    private async ValueTask MoveOnInLogAsync(CancellationToken cancellationToken)
    {
        LogRange here;
        lock (_writeLock)
        {
            if (!_view.Active.IsEmpty || _frozen.Count > 0)
            {
                return;
            }

            _logEndAtFreeze = _host.Log.End;
            here = _host.LogRangeFrom(_host.Log.End);
        }

        var next = WithRequests(_manifest with { Number = _manifest.Number + 1, LogRanges = [here] });
        SetManifest(await _manifests.WriteAsync(next, cancellationToken).ConfigureAwait(false));
        _host.ReleaseLogs();
    }

    private async ValueTask FlushAsync(MemTable memtable, LogRange end, CancellationToken cancellationToken)
    {
        var nowMs = NowMs();
        var filter = new VersionFilter(_snapshots.ToArray(), memtable.RangeTombstones, isBottom: false, nowMs);
        var writer = new TableWriter(Objects, _options, NextTableId, memtable.SequenceMin, long.MaxValue, nowMs);
        IReadOnlyList<TableInfo> written;
        using (var cursor = MemTableCursor.ForFlush(memtable))
        {
            cursor.Seek([]);
            written = await writer.WriteAsync(cursor, filter, cancellationToken).ConfigureAwait(false);
        }

        await WaitForLogAsync(written, cancellationToken).ConfigureAwait(false);
        var opened = CutToOwned(await OpenTablesAsync(written, cancellationToken).ConfigureAwait(false));
        var levels = (TableReader[][])_view.Tables.Levels.Clone();
        levels[0] = [.. opened, .. levels[0]];
        var next = _manifest with
        {
            Number = _manifest.Number + 1,
            FlushedSequence = memtable.SequenceMax,
            LogRanges = RangesFrom(_manifest.LogRanges, end),
            Levels = Infos(levels),
        };
        _flushInDoubt = true; // until it is known to be there, or the next attempt is
        await ApplyAsync(
            next, levels, opened, frozen => !ReferenceEquals(frozen, memtable),
            written => _manifests.WriteAsync(written, cancellationToken)).ConfigureAwait(false);
        _flushInDoubt = false;
        Release(opened);
        lock (_writeLock)
        {
            _frozen.RemoveAt(0);
        }

        memtable.RemoveReference();
        _host.Metrics.Flushed(written.Sum(static info => info.Length));
    }

    /// <summary>Under _writeLock.</summary>
    /// <param name="end">The log behind the last record of the memtable.</param>
    private void Freeze(LogRange end)
    {
        var old = _view.Active;
        _frozen.Add((old, end));
        var active = new MemTable(_host.Budget);
        _logEndAtFreeze = _host.Log.End;
        _activeSince = _host.Log.Objects;
        ReplaceView(new ReadView(active, [old, .. _view.Frozen], _view.Tables, _view.Ownership));
        UpdateThrottle();
        _host.Flushes.Add(this);
    }

    /// <summary>Under _writeLock.</summary>
    private void FreezeIfNotEmpty()
    {
        if (!_view.Active.IsEmpty)
        {
            Freeze(_host.LogRangeFrom(_host.Log.End));
        }
    }

    /// <summary>What is left to replay once everything before <paramref name="end"/> is in tables.</summary>
    private static IReadOnlyList<LogRange> RangesFrom(IReadOnlyList<LogRange> ranges, LogRange end) =>
        [.. ranges.SkipWhile(range => range.Incarnation != end.Incarnation).Select(range =>
            range.Incarnation == end.Incarnation ? end : range)];

    private async ValueTask<TableReader[]> OpenTablesAsync(
        IReadOnlyList<TableInfo> infos, CancellationToken cancellationToken)
    {
        var opening = infos
            .Select(info => TableReader.OpenAsync(Objects, info, _host.Cache, cancellationToken).AsTask())
            .ToList();
        try
        {
            var opened = await Task.WhenAll(opening).ConfigureAwait(false);
            foreach (var table in opened)
            {
                _host.OnTableOpened(table);
            }

            return opened;
        }
        catch (Exception e)
        {
            foreach (var task in opening.Where(static task => task.IsCompletedSuccessfully))
            {
                var table = await task.ConfigureAwait(false);
                _host.OnTableOpened(table);
                Discard([table]);
            }

            // Those too that did not open. Deleting twice does no harm.
            _host.Collector.Add([.. infos.Select(static info => info.Id.ObjectName)]);
            if (e is DmtException { Kind: DmtErrorKind.Corruption })
            {
                // A successor deletes what its manifest does not name.
                await _manifests.ThrowIfTakenOverAsync(_manifest, cancellationToken).ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>
    /// What was carved out since it was written into the memtable is dead: were it not cut off, a later merge would
    /// bring it back.
    /// </summary>
    private TableReader[] CutToOwned(TableReader[] opened) =>
        [.. opened.SelectMany(table => CutAll(table, _view.Ownership))];

    /// <summary>
    /// Readers of the parts of a table that belong to somebody, in the place of the one of the whole; none where
    /// nothing does.
    /// </summary>
    private TableReader[] CutAll(TableReader table, Ownership owner)
    {
        var parts = owner.Cut(table.Info, table.BytesIn).ToList();
        if (parts is [{ } whole] && ReferenceEquals(whole, table.Info))
        {
            return [table];
        }

        TableReader[] readers = [.. parts.Select(part => table.Cut(_host.ObjectsOf(part), part))];
        Array.ForEach(readers, _host.OnTableOpened);
        table.IsObsolete |= readers.Length == 0;
        table.RemoveReference();
        return readers;
    }

    /// <summary>Gives up the references that opening the tables gave.</summary>
    private static void Release(IEnumerable<TableReader> tables)
    {
        foreach (var table in tables)
        {
            table.RemoveReference();
        }
    }

    /// <summary>Closes and deletes tables that no manifest was tried with.</summary>
    private static void Discard(IReadOnlyList<TableReader> tables)
    {
        foreach (var table in tables)
        {
            table.IsObsolete = true;
        }

        Release(tables);
    }

    private static IReadOnlyList<TableInfo>[] Infos(TableReader[][] levels) =>
        [.. levels.Select(static level => (IReadOnlyList<TableInfo>)[.. level.Select(static table => table.Info)])];
}
