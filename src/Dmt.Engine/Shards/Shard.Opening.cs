using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>
    /// Takes the shard over: writes the next manifest, which fences the owner before, then replays what its log has and
    /// the tables have not.
    /// </summary>
    public static async ValueTask<Shard> OpenAsync(ShardHost host, uint id, CancellationToken cancellationToken)
    {
        var manifests = new ManifestStore(host.Objects, id);
        var previous = await manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        var replay = previous?.LogRanges ?? [];
        var manifest = new Manifest
        {
            Shard = id,
            Number = (previous?.Number ?? 0) + 1,
            Epoch = (previous?.Epoch ?? 0) + 1,
            Incarnation = host.Log.Incarnation,
            FlushedSequence = previous?.FlushedSequence ?? 0,
            Prefix = previous?.Prefix ?? [],
            Levels = previous?.Levels ?? Manifest.EmptyLevels,
            LogRanges = [.. replay, new LogRange(host.Log.Incarnation, host.Log.End)],
        };

        // Tables first: a store with a damaged table should say so before it changes anything.
        var levels = await OpenLevelsAsync(host, manifest, cancellationToken).ConfigureAwait(false);
        manifest = await manifests.WriteAsync(manifest, cancellationToken).ConfigureAwait(false);
        var tables = new TableSet(levels);
        Release(levels.SelectMany(static level => level));
        var view = new ReadView(new MemTable(host.Epochs, host.Budget), [], tables);
        tables.RemoveReference();
        var shard = new Shard(host, manifest, view, manifest.FlushedSequence);
        foreach (var table in levels.SelectMany(static level => level))
        {
            table.Released = host.OnTableReleased;
        }

        shard.Replay(replay);
        await shard.FinishRecoveryAsync(cancellationToken).ConfigureAwait(false);
        return shard;
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

            if (_failure is null)
            {
                FreezeIfNotEmpty();
            }

            Volatile.Write(ref _closed, true);
        }

        await CloseCleanlyAsync().ConfigureAwait(false);
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

        _host.Epochs.TryReclaim();
        _manifestLock.Dispose();
        _compactionLock.Dispose();
    }

    private async ValueTask CloseCleanlyAsync()
    {
        if (_failure is not null)
        {
            return;
        }

        try
        {
            while (await FlushOldestAsync(CancellationToken.None).ConfigureAwait(false))
            {
            }

            await _manifestLock.WaitAsync().ConfigureAwait(false);
            try
            {
                var next = _manifest with { Number = _manifest.Number + 1, ClosedCleanly = true, LogRanges = [] };
                next = await _manifests.WriteAsync(next, CancellationToken.None).ConfigureAwait(false);
                Volatile.Write(ref _manifest, next);
                ReleaseOrphans(obsolete: true);
            }
            finally
            {
                _manifestLock.Release();
            }
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Unavailable or DmtErrorKind.Fenced)
        {
            // Not an error of closing: a full disk took no table, or somebody else owns the shard. What was
            // acknowledged is in the log, which is synced when it is closed, and the next opening replays it.
            _backgroundProblem = e.Message;
        }
    }

    private static async ValueTask<TableReader[][]> OpenLevelsAsync(
        ShardHost host, Manifest manifest, CancellationToken cancellationToken)
    {
        var levels = new TableReader[Manifest.LevelCount][];
        var opening = manifest.Levels
            .Select(level => Task.WhenAll(level.Select(info =>
                TableReader.OpenAsync(host.Objects, info, host.Cache, cancellationToken).AsTask())))
            .ToList();
        for (var level = 0; level < levels.Length; level++)
        {
            levels[level] = await opening[level].ConfigureAwait(false);
        }

        return levels;
    }

    /// <summary>Applies what previous owners logged and did not flush, in order.</summary>
    private void Replay(IReadOnlyList<LogRange> ranges)
    {
        foreach (var range in ranges)
        {
            _host.ReplayLog(range, (in LogRecord record) => Replay(record, range.Incarnation));
        }
    }

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
            Apply(_view.Active, operations.Current, sequence++);
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
        var here = new LogRange(_host.Log.Incarnation, _host.Log.End);
        await _manifestLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
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
                var next = _manifest with { Number = _manifest.Number + 1, LogRanges = [here] };
                next = await _manifests.WriteAsync(next, cancellationToken).ConfigureAwait(false);
                Volatile.Write(ref _manifest, next);
            }
        }
        finally
        {
            _manifestLock.Release();
        }

        _host.Compactions.Add(this);
    }
}
