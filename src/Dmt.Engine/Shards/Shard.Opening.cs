using Dmt.Core;
using Dmt.Core.Diagnostics;
using Dmt.Core.Sharding;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>How often an owner that goes on meanwhile may be the faster one.</summary>
    private const int ClaimAttemptsMax = 20;

    /// <summary>
    /// Takes the shard over: writes the next manifest, which fences the owner before, then replays what its log has and
    /// the tables have not.
    /// </summary>
    /// <param name="host">What the shard stands on.</param>
    /// <param name="id">Its number.</param>
    /// <param name="restored">
    /// The state to begin with in the place of the present one; null for the present one.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<Shard> OpenAsync(
        ShardHost host, uint id, Manifest? restored, CancellationToken cancellationToken)
    {
        using var span = EngineSpans.Start("dmt.shard.open", id);
        try
        {
            var shard = await TryOpenAsync(host, id, restored, cancellationToken).ConfigureAwait(false);
            span?.SetTag("dmt.epoch", shard.Epoch);
            return shard;
        }
        catch (Exception e) when (span.Failed(e))
        {
            throw;
        }
    }

    private static async ValueTask<Shard> TryOpenAsync(
        ShardHost host, uint id, Manifest? restored, CancellationToken cancellationToken)
    {
        var (manifest, replay, levels) = await ClaimAsync(host, id, restored, cancellationToken).ConfigureAwait(false);
        var tables = new TableSet(levels);
        Release(levels.SelectMany(static level => level));
        var view = new ReadView(new MemTable(host.Budget), [], tables, new Ownership(manifest));
        tables.RemoveReference();
        var shard = new Shard(host, manifest, view, manifest.FlushedSequence)
        {
            FlushedAtOpen = manifest.FlushedSequence,
        };
        foreach (var table in levels.SelectMany(static level => level))
        {
            host.OnTableOpened(table);
        }

        try
        {
            await shard.ReplayAsync(replay, cancellationToken).ConfigureAwait(false);
            await shard.FinishRecoveryAsync(cancellationToken).ConfigureAwait(false);
            return shard;
        }
        catch
        {
            // What it has replayed may be on its way into tables already: another attempt may own the shard by then.
            await shard.StopAsync().ConfigureAwait(false);
            await shard.ReleaseAllAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Becomes the owner. The owner before may live and go on meanwhile: it may take the number of the manifest that is
    /// tried, or drop tables that the manifest before named. Then its newer manifest is what is taken over.
    /// </summary>
    private static async ValueTask<(Manifest, IReadOnlyList<LogRange> Replay, TableReader[][] Levels)> ClaimAsync(
        ShardHost host, uint id, Manifest? restored, CancellationToken cancellationToken)
    {
        var manifests = new ManifestStore(host.Objects, id);
        var previous = await manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        for (var attempts = 1; ; attempts++)
        {
            try
            {
                return await TryClaimAsync(host, id, manifests, previous, restored, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (DmtException e) when (
                e.Kind is DmtErrorKind.Fenced or DmtErrorKind.Corruption && attempts < ClaimAttemptsMax)
            {
                var latest = await manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
                if (latest?.Number == previous?.Number)
                {
                    throw;
                }

                previous = latest;
            }
        }
    }

    private static async ValueTask<(Manifest, IReadOnlyList<LogRange> Replay, TableReader[][] Levels)> TryClaimAsync(
        ShardHost host,
        uint id,
        ManifestStore manifests,
        Manifest? previous,
        Manifest? restored,
        CancellationToken cancellationToken)
    {
        var state = previous;
        if (restored is not null)
        {
            state = await ReplaceAsync(host, previous, restored, cancellationToken).ConfigureAwait(false);
        }

        if (state is null && id != ShardMap.Root)
        {
            throw DmtException.Corruption(
                Manifest.Folder(id), 0, $"the shard map names shard {id}, which has no manifest");
        }

        if (state is { MergedInto: > 0 })
        {
            throw new MergedException(state);
        }

        // One range for a log, from where it is needed: a second one, from further on, would have replayed what lies
        // behind a gap, if this opening comes no further.
        IReadOnlyList<LogRange> replay = state?.LogRanges ?? [];
        var isOwn = replay.Any(range => range.Incarnation == host.Log.Incarnation);
        if (isOwn && state!.Incarnation != host.Log.Incarnation)
        {
            // Another process took the shard over from this one, and seals its log: a manifest that names the log from
            // here on would have what lies behind the seal replayed.
            var takenOver = ManifestStore.TakenOver(state with { Incarnation = host.Log.Incarnation });
            host.Log.Fence.Note(takenOver);
            throw takenOver;
        }

        if (isOwn && !host.KeepsLogOf(id))
        {
            // It has not been open since that manifest, whose writing, or what followed, seemed to fail: the log has
            // nothing of it, and may be gone where the manifest begins. What comes now lies behind that gap.
            replay = [.. replay.Where(range => range.Incarnation != host.Log.Incarnation)];
            isOwn = false;
        }

        var manifest = new Manifest
        {
            Shard = id,
            Number = (state?.Number ?? 0) + 1,
            Epoch = (state?.Epoch ?? 0) + 1,
            Incarnation = host.Log.Incarnation,
            FlushedSequence = state?.FlushedSequence ?? 0,
            Prefix = state?.Prefix ?? [],
            Carved = state?.Carved ?? [],
            Levels = state?.Levels ?? Manifest.EmptyLevels,
            Origins = state?.Origins ?? [],
            LogRanges = isOwn ? replay : [.. replay, host.LogRangeFrom(host.Log.End)],
            Requests = state?.Requests ?? [],
        };

        // Tables and logs are looked at first: a store with a damaged one should say so before it changes anything.
        var levels = await OpenLevelsAsync(host, manifest, cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var range in replay.Where(range => range.Incarnation != host.Log.Incarnation))
            {
                host.Logs.Check(range);
            }

            host.LogIsNamed = true;
            host.Claim(id, manifest.LogRanges[^1]);
            return (await manifests.WriteAsync(manifest, cancellationToken).ConfigureAwait(false), replay, levels);
        }
        catch
        {
            // Through the host, which closes them.
            Array.ForEach([.. levels.SelectMany(static level => level)], host.OnTableOpened);
            Release(levels.SelectMany(static level => level));
            throw;
        }
    }

    /// <summary>
    /// Flushes what is in memory and notes in the manifest that there is nothing to replay. Idempotent.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        lock (_writeLock)
        {
            if (_closed)
            {
                return;
            }

            if (_failure is null && _fence.Reason is null)
            {
                FreezeIfNotEmpty();
            }

            Volatile.Write(ref _closed, true);
        }

        await StopAsync().ConfigureAwait(false);
        try
        {
            await CloseCleanlyAsync().ConfigureAwait(false);
        }
        finally
        {
            await ReleaseAllAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Nothing is written or compacted any more.</summary>
    private async ValueTask StopAsync()
    {
        Volatile.Write(ref _closed, true);
        _throttle.Close();
        _gateOpened.WakeAll();
        await _host.Scheduler.CancelAsync(_closing).ConfigureAwait(false);
        _ = await _compactionLock.AcquireAsync(CancellationToken.None).ConfigureAwait(false); // for good
    }

    /// <summary>Gives up memtables and tables; what is being read stays until its readers have left.</summary>
    private async ValueTask ReleaseAllAsync()
    {
        // A flush that is under way reads a memtable that it has no reference on.
        using var held = await _manifestLock.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        ReleaseOrphans(obsolete: false);
        lock (_writeLock)
        {
            foreach (var (memtable, _) in _frozen)
            {
                memtable.RemoveReference();
            }

            _frozen.Clear();
            var view = _view;
            view.Active.RemoveReference();
            _host.Epochs.Retire(view, static v => v.RemoveReference());
        }

        _host.Reclaim();
        _closing.Dispose();
    }

    private async ValueTask CloseCleanlyAsync()
    {
        if (_failure is not null || _fence.Reason is not null || MergedInto is not null)
        {
            return;
        }

        try
        {
            while (await FlushOldestAsync(CancellationToken.None).ConfigureAwait(false))
            {
            }

            using var held = await _manifestLock.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
            var next = WithRequests(_manifest) with
            {
                Number = _manifest.Number + 1,
                ClosedCleanly = true,
                LogRanges = [],
                Origins = OriginsLeft(_manifest),
            };
            next = await _manifests.WriteAsync(next, CancellationToken.None).ConfigureAwait(false);
            SetManifest(next);
            ReleaseOrphans(obsolete: true);
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Unavailable or DmtErrorKind.Fenced)
        {
            // Not an error of closing: a full disk took no table, or somebody else owns the shard. What was
            // acknowledged is in the log, which is synced when it is closed, and the next opening replays it.
            ReportProblem(BackgroundWork.Flush, e);
        }
    }

    private static async ValueTask<TableReader[][]> OpenLevelsAsync(
        ShardHost host, Manifest manifest, CancellationToken cancellationToken)
    {
        var opening = manifest.Levels
            .Select(level => level.Select(info =>
                TableReader.OpenAsync(host.ObjectsOf(info), info, host.Cache, cancellationToken).AsTask()).ToArray())
            .ToArray();
        try
        {
            await Task.WhenAll(opening.SelectMany(static level => level)).ConfigureAwait(false);
        }
        catch
        {
            // All have ended: what did open is closed, and no read goes on behind the back of another attempt.
            foreach (var task in opening.SelectMany(static level => level).Where(static t => t.IsCompletedSuccessfully))
            {
                var table = await task.ConfigureAwait(false);
                await table.CloseAsync().ConfigureAwait(false);
            }

            throw;
        }

        var levels = new TableReader[opening.Length][];
        for (var level = 0; level < levels.Length; level++)
        {
            levels[level] = await Task.WhenAll(opening[level]).ConfigureAwait(false);
        }

        return levels;
    }

    /// <summary>Applies what previous owners logged and did not flush, in order.</summary>
    private async ValueTask ReplayAsync(IReadOnlyList<LogRange> ranges, CancellationToken cancellationToken)
    {
        long? sealedAt = null;
        foreach (var range in ranges)
        {
            try
            {
                await EndLogAsync(range, cancellationToken).ConfigureAwait(false);
                sealedAt = range.Incarnation == _host.Log.Incarnation ? sealedAt : _host.Time.GetTimestamp();
                await _host.Logs.ReplayAsync(
                    range, Id, (in LogRecord record) => Replay(record, range.Incarnation), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
            {
                throw await ExplainAsync(e).ConfigureAwait(false);
            }
        }

        // The owner before may not know yet, and answers until its lease is over.
        if (_host.Lease is not null && sealedAt is { } at
            && OwnerLease.Patience - _host.Time.GetElapsedTime(at) is var left && left > TimeSpan.Zero)
        {
            await _host.Scheduler.DelayAsync(left, _host.Time, cancellationToken).ConfigureAwait(false);
        }

        if (ranges.Count > 0)
        {
            // Whoever has taken over meanwhile may have deleted these logs, before or while they were read: what is
            // missing looks like an end.
            await _manifests.ThrowIfTakenOverAsync(_manifest, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// From here on no more of the shard comes to the log: the owner before cannot write it any more. Where that is
    /// this node, which could not close the shard cleanly, the others of its shards go on, and what there is must be
    /// written.
    /// </summary>
    private ValueTask EndLogAsync(LogRange range, CancellationToken cancellationToken) =>
        range.Incarnation == _host.Log.Incarnation
            ? _host.Log.WaitDurableAsync(_host.Log.End, cancellationToken)
            : _host.Logs.SealAsync(range, cancellationToken);

    private void Replay(in LogRecord record, string incarnation)
    {
        if (record.Shard != Id || record.FirstSeq + (ulong)record.Count - 1 <= _lastSequence)
        {
            return;
        }

        if (record.FirstSeq != _lastSequence + 1)
        {
            throw DmtException.Corruption(
                record.File, record.Offset,
                    $"sequence number {record.FirstSeq} follows {_lastSequence}: records are missing");
        }

        var sequence = record.FirstSeq;
        var operations = new WriteBatch.Enumerator(record.Operations);
        while (operations.MoveNext())
        {
            if (operations.Current.Kind == WriteOperationKind.Request)
            {
                CheckRequest(record, sequence++);
                NoteRequest(record, operations.Current.Request);
                continue;
            }

            Apply(_view.Active, operations.Current, sequence++);
            _host.Feed?.Note(operations.Current);
        }

        if (sequence != record.FirstSeq + (ulong)record.Count)
        {
            throw DmtException.Corruption(
                record.File, record.Offset, $"a record of {record.Count} operations has {sequence - record.FirstSeq}");
        }

        _lastSequence = sequence - 1;
        if (_view.Active.BytesUsed >= _options.MemtableBytesEffective)
        {
            lock (_writeLock)
            {
                Freeze(new LogRange(incarnation, record.Position));
            }
        }
    }

    /// <summary>Sends what was replayed on its way into tables, so that the old logs can go.</summary>
    private async ValueTask FinishRecoveryAsync(CancellationToken cancellationToken)
    {
        var here = _host.LogRangeFrom(_host.Log.End);
        using var held = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        bool nothingLeft;
        lock (_writeLock)
        {
            if (!_view.Active.IsEmpty)
            {
                Freeze(here);
            }

            nothingLeft = _frozen.Count == 0;
        }

        if (nothingLeft && _manifest.LogRanges.Count > 1)
        {
            var next = WithRequests(_manifest) with { Number = _manifest.Number + 1, LogRanges = [here] };
            next = await _manifests.WriteAsync(next, cancellationToken).ConfigureAwait(false);
            SetManifest(next);
        }

        _host.Compactions.Add(this);
    }
}
