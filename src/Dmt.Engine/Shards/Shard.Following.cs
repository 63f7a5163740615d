// A shard that somebody else owns, as a replica holds it: the tables of one of its manifests, and memtables with what
// was shipped since. Reads are those of any shard. Nothing is ever written to the store.
//
// Invariants:
// - Memtables hold every operation from some number up to LastSequence, without a gap, and the tables everything below
//   it. They may overlap: then both say the same.
// - Tables may have dropped what FlushedSequence of their manifest has overwritten; so LastSequence never is below it,
//   and rises before such tables are shown. (A reader takes the view first, then the number: an old view under a new
//   number is a whole prefix, a new view under an old number would not be.)
using Dmt.Core;
using Dmt.Engine.Garbage;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    private bool _isFollowed;

    /// <summary>Opens the shard as its owner wrote it, for reading alone.</summary>
    public static async ValueTask<Shard> FollowAsync(
        ShardHost host, Manifest manifest, CancellationToken cancellationToken)
    {
        var levels = await OpenLevelsAsync(host, manifest, cancellationToken).ConfigureAwait(false);
        foreach (var table in levels.SelectMany(static level => level))
        {
            host.OnTableOpened(table);
        }

        var tables = new TableSet(levels);
        Release(levels.SelectMany(static level => level));
        var view = new ReadView(new MemTable(host.Budget), [], tables, new Ownership(manifest));
        tables.RemoveReference();
        return new Shard(host, manifest, view, manifest.FlushedSequence)
        {
            _isFollowed = true,

            // Whatever writes there may be fail with it, and closing writes nothing.
            _failure = new DmtException(DmtErrorKind.NotOwner, "this is a read replica"),
        };
    }

    /// <summary>Applies the next record of the owner.</summary>
    /// <param name="record">The record.</param>
    /// <param name="isOwners">Only where it is of the epoch of the manifest; otherwise one of an earlier epoch will do.
    /// </param>
    /// <returns>False, and nothing was applied, when it does not come next.</returns>
    /// <exception cref="DmtException">
    /// Corruption: its operations are not what it says, and nothing was applied.
    /// </exception>
    public bool TryApplyShipped(in LogRecord record, bool isOwners)
    {
        var count = 0;
        for (var operations = new WriteBatch.Enumerator(record.Operations); operations.MoveNext(); count++)
        {
            if (operations.Current.Kind == WriteOperationKind.Request)
            {
                CheckRequest(record, record.FirstSeq + (ulong)count);
            }
        }

        if (count != record.Count)
        {
            throw DmtException.Corruption(
                record.File, record.Offset, $"a record of {record.Count} operations has {count}");
        }

        lock (_writeLock)
        {
            ThrowIfClosed();
            if (record.FirstSeq != _lastSequence + 1 || record.Epoch > _manifest.Epoch
                || (isOwners && record.Epoch != _manifest.Epoch))
            {
                return false;
            }

            var sequence = record.FirstSeq;
            for (var operations = new WriteBatch.Enumerator(record.Operations); operations.MoveNext();)
            {
                // A replica takes no writes, so it need not know requests: whoever is promoted reads them from the log.
                if (operations.Current.Kind != WriteOperationKind.Request)
                {
                    Apply(_view.Active, operations.Current, sequence);
                }

                sequence++;
            }

            Volatile.Write(ref _lastSequence, sequence - 1);
            if (_view.Active.BytesUsed >= _options.MemtableBytesEffective
                || _view.Active.RangeTombstoneCount >= RangeTombstonesMax)
            {
                var old = _view.Active;
                _frozen.Add((old, new LogRange(string.Empty, 0)));
                ReplaceView(new ReadView(
                    new MemTable(_host.Budget), [old, .. _view.Frozen], _view.Tables, _view.Ownership));
            }

            return true;
        }
    }

    /// <summary>
    /// Takes over a manifest of the owner: shows its tables, and lets go of memtables that are in them.
    /// </summary>
    /// <param name="manifest">A newer one, or one of another owner.</param>
    /// <param name="resets">Memtables go, whatever they hold: they are those of another owner.</param>
    /// <param name="cancellationToken">Cancels; nothing has changed then.</param>
    public async ValueTask AdoptAsync(Manifest manifest, bool resets, CancellationToken cancellationToken)
    {
        using var held = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        var open =
            _view.Tables.Levels.SelectMany(static level => level).ToDictionary(static table => PartOf(table.Info));
        var added = await OpenTablesFollowedAsync(
            [.. manifest.Levels.SelectMany(static level => level).Where(info => !open.ContainsKey(PartOf(info)))],
            cancellationToken).ConfigureAwait(false);
        foreach (var table in added)
        {
            open.Add(PartOf(table.Info), table);
        }

        var tables =
            new TableSet([.. manifest.Levels.Select(level => level.Select(info => open[PartOf(info)]).ToArray())]);
        Release(added);
        lock (_writeLock)
        {
            if (_closed)
            {
                tables.RemoveReference();
                throw DmtException.Closed("the store");
            }

            Show(
                tables, new Ownership(manifest), resets ? ulong.MaxValue : manifest.FlushedSequence, resets,
                manifest.FlushedSequence);
            Volatile.Write(ref _manifest, manifest);
            Volatile.Write(ref _owned, new OwnedShard(manifest, _host.Time.GetUtcNow()));
        }

        tables.RemoveReference();
    }

    /// <summary>What a reader is of: a manifest may name two parts of one table.</summary>
    private static (TableId Id, string From, string To, bool IsCut) PartOf(TableInfo info) =>
        (info.Id, Convert.ToHexString(info.Smallest), Convert.ToHexString(info.Largest), info.IsCut);

    /// <summary>The last manifest and its tables, which stay open until the caller lets go of the view.</summary>
    public async ValueTask<(Manifest Manifest, ReadView View)> PinAsync(CancellationToken cancellationToken)
    {
        using var held = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        return (_manifest, AcquireView());
    }

    /// <summary>Under _writeLock.</summary>
    private void Show(TableSet tables, Ownership ownership, ulong dropped, bool resets, ulong flushed)
    {
        if (flushed > _lastSequence)
        {
            Volatile.Write(ref _lastSequence, flushed);
        }

        List<MemTable> gone = [];
        for (var i = _frozen.Count - 1; i >= 0; i--)
        {
            if (_frozen[i].Table.SequenceMax <= dropped)
            {
                gone.Add(_frozen[i].Table);
                _frozen.RemoveAt(i);
            }
        }

        var active = _view.Active;
        if (!active.IsEmpty && active.SequenceMax <= dropped)
        {
            gone.Add(active);
            active = new MemTable(_host.Budget);
        }

        MemTable[] frozen = [.. _frozen.Select(static f => f.Table).Reverse()];
        ReplaceView(new ReadView(active, frozen, tables, ownership));
        if (resets)
        {
            Volatile.Write(ref _lastSequence, flushed);
        }

        gone.ForEach(static memtable => memtable.RemoveReference());
    }

    private async ValueTask<TableReader[]> OpenTablesFollowedAsync(
        IReadOnlyList<TableInfo> infos, CancellationToken cancellationToken)
    {
        var opening = infos
            .Select(info => TableReader.OpenAsync(_host.ObjectsOf(info), info, _host.Cache, cancellationToken).AsTask())
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
        catch
        {
            foreach (var task in opening.Where(static task => task.IsCompletedSuccessfully))
            {
                var table = await task.ConfigureAwait(false);
                await table.CloseAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>The owner deletes what its newer manifests do not name: a replica that is behind may miss it.</summary>
    private async ValueTask<DmtException> ExplainFollowedAsync(DmtException damage)
    {
        var mine = Volatile.Read(ref _manifest);
        try
        {
            var newest = await _manifests.LoadLatestAsync(CancellationToken.None).ConfigureAwait(false);
            return newest is null || (newest.IsOf(mine) && newest.Number == mine.Number)
                ? damage
                : DmtException.Unavailable(
                    $"this replica is behind: it reads from manifest {mine.Number}, its main wrote {newest.Number}; "
                        + "try again",
                    damage);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            return e;
        }
    }
}
