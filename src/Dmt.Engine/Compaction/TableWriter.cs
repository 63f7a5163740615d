// Writes what a flush or a compaction keeps into tables of the target size, cut between keys. Range tombstones are
// clipped to the part of the key space that each table stands for, which reaches up to the next table's first key, so
// that tables of one run never overlap.
using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Engine.Reading;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Compaction;

internal sealed class TableWriter(
    IObjectStore objects, EngineOptions options, Func<TableId> nextId, ulong sequenceBase, long tableBytes, long nowMs)
{
    private readonly List<TableInfo> _written = [];
    private TableBuilder? _builder;
    private byte[]? _lowerBound;

    /// <summary>Consumes the cursor, which must already be positioned, and writes all that the filter keeps.</summary>
    /// <returns>The tables written, in key order; none when nothing was kept.</returns>
    public async ValueTask<IReadOnlyList<TableInfo>> WriteAsync(
        EntryCursor cursor, VersionFilter filter, CancellationToken cancellationToken)
    {
        var tombstones = filter.KeptRangeTombstones().ToList();
        try
        {
            while (cursor.Valid)
            {
                switch (Consume(cursor, filter))
                {
                    case Pause.Load:
                        await cursor.LoadAsync(cancellationToken).ConfigureAwait(false);
                        break;
                    case Pause.Flush:
                        await _builder!.FlushAsync(cancellationToken).ConfigureAwait(false);
                        break;
                    case Pause.Cut:
                        await CloseAsync(tombstones, cursor.Key.ToArray(), cancellationToken).ConfigureAwait(false);
                        break;
                }

                cancellationToken.ThrowIfCancellationRequested();
            }

            await CloseAsync(tombstones, null, cancellationToken).ConfigureAwait(false);
            return _written;
        }
        catch
        {
            await DiscardAsync().ConfigureAwait(false);
            throw;
        }
    }

    private enum Pause
    {
        End,
        Load,
        Flush,
        Cut,
    }

    /// <summary>
    /// Runs until something must be awaited. A cut is asked for before the entry that begins the next table.
    /// </summary>
    private Pause Consume(EntryCursor cursor, VersionFilter filter)
    {
        while (cursor.Valid)
        {
            if (_builder is { NeedsFlush: true })
            {
                return Pause.Flush;
            }

            if (_builder is { } full && full.DataBytes >= tableBytes && !cursor.Key.SequenceEqual(full.LastKey))
            {
                return Pause.Cut;
            }

            var entry = cursor.Current;
            if (filter.Keep(ref entry))
            {
                _builder ??= NewBuilder();
                _builder.Add(entry);
            }

            if (!cursor.Advance())
            {
                return Pause.Load;
            }
        }

        return Pause.End;
    }

    private TableBuilder NewBuilder() => new(objects, nextId(), options, sequenceBase, nowMs);

    /// <param name="tombstones">All that must be written.</param>
    /// <param name="upperBound">The first key of the next table; null for the last table.</param>
    /// <param name="cancellationToken">Cancels.</param>
    private async ValueTask CloseAsync(
        List<RangeTombstone> tombstones, byte[]? upperBound, CancellationToken cancellationToken)
    {
        foreach (var tombstone in tombstones)
        {
            var start = _lowerBound is not null && tombstone.Start.AsSpan().SequenceCompareTo(_lowerBound) < 0
                ? _lowerBound
                : tombstone.Start;
            var end = RangeTombstone.CompareEnds(upperBound, tombstone.End) < 0 ? upperBound : tombstone.End;
            var clipped = new RangeTombstone(start, end, tombstone.Sequence);
            if (!clipped.Range.IsEmpty)
            {
                _builder ??= NewBuilder();
                _builder.Add(clipped);
            }
        }

        _lowerBound = upperBound;
        if (_builder is { } builder)
        {
            _written.Add(await builder.CompleteAsync(cancellationToken).ConfigureAwait(false));
            _builder = null;
            await builder.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>After a failure: nothing refers to what was written.</summary>
    private async ValueTask DiscardAsync()
    {
        if (_builder is { } builder)
        {
            _builder = null;
            await builder.DisposeAsync().ConfigureAwait(false);
        }

        try
        {
            await objects.DeleteAsync([.. _written.Select(static info => info.Id.ObjectName)], default)
                .ConfigureAwait(false);
        }
        catch (DmtException)
        {
            // The first failure is the one to report; the next opening deletes tables that no manifest names.
        }
    }
}
