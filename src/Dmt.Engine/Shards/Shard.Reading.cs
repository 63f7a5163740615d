using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Memory;
using Dmt.Engine.Reading;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <param name="key">The key.</param>
    /// <param name="asOf">The sequence number to read at; null for now.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, ulong? asOf, CancellationToken cancellationToken)
    {
        Key.Validate(key.Span);
        ReadView view;
        PointLookup.LoadedBlock missing;
        ulong sequence;
        using (_host.Epochs.Enter())
        {
            ThrowIfUnreadable();

            // The view first: what it lacks is newer than what it has, so any sequence number cuts it at a whole
            // prefix.
            view = Volatile.Read(ref _view);
            view.Ownership.Check(key.Span);
            Count(key.Span);
            sequence = asOf ?? LastSequence;
            var lookup = new PointLookup(key.Span, sequence, null);
            var result = lookup.Find(view);
            if (result != PointLookup.Result.NeedsBlock)
            {
                return ValueTask.FromResult(ToEntry(result, lookup.Entry));
            }

            missing = new PointLookup.LoadedBlock(lookup.MissingTable!, lookup.MissingBlock, null!);
            view.AddReference();
        }

        return GetSlowlyAsync(view, key, sequence, missing, cancellationToken);
    }

    /// <summary>Walks the range. The caller disposes the scan.</summary>
    public ShardScan OpenScan(KeyRange range, bool reverse, ulong? asOf)
    {
        Key.ValidatePrefix(range.Start.Span);
        Key.ValidatePrefix(range.End.GetValueOrDefault().Span);
        return OpenScanUnchecked(range, reverse, asOf);
    }

    /// <summary>A range's start may be one byte longer than a key: just above the last key of a page.</summary>
    public ShardScan OpenScanUnchecked(KeyRange range, bool reverse, ulong? asOf)
    {
        ThrowIfUnreadable();
        var view = AcquireView();
        try
        {
            view.Ownership.Check(range);
            Count(range.Start.Span);
            var sequence = asOf ?? LastSequence;
            var sources = Sources(view, range, reverse, sequence);
            var cursor = new VisibleCursor(
                new MergeCursor([.. sources], reverse), view.RangeDeletions(), sequence, NowMs(), reverse);
            return new ShardScan(this, view, cursor, range, reverse);
        }
        catch
        {
            view.RemoveReference();
            throw;
        }
    }

    /// <summary>Reads as of now, for as long as it lives.</summary>
    public ulong OpenSnapshot()
    {
        lock (_writeLock)
        {
            ThrowIfUnreadable();
            _snapshots.Add(_lastSequence);
            return _lastSequence;
        }
    }

    public void CloseSnapshot(ulong sequence) => _snapshots.Remove(sequence);

    private void ThrowIfClosed()
    {
        if (Volatile.Read(ref _closed))
        {
            throw DmtException.Closed("the store");
        }
    }

    /// <summary>What a fenced owner holds may be out of date.</summary>
    private void ThrowIfUnreadable()
    {
        ThrowIfClosed();
        Touch();
        _fence.ThrowIfKnown();
    }

    private async ValueTask<Entry?> GetSlowlyAsync(
        ReadView view,
        ReadOnlyMemory<byte> key,
        ulong asOf,
        PointLookup.LoadedBlock missing,
        CancellationToken cancellationToken)
    {
        var loaded = new List<PointLookup.LoadedBlock>();
        try
        {
            while (true)
            {
                var block = await missing.Table.LoadAsync(missing.Index, cancellationToken).ConfigureAwait(false);
                loaded.Add(missing with { Block = block });
                if (TryFind(out var entry))
                {
                    return entry;
                }
            }
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
        {
            throw await ExplainReadAsync(e).ConfigureAwait(false);
        }
        finally
        {
            view.RemoveReference();
        }

        bool TryFind(out Entry? entry)
        {
            var lookup = new PointLookup(key.Span, asOf, loaded);
            var result = lookup.Find(view);
            if (result == PointLookup.Result.NeedsBlock)
            {
                missing = new PointLookup.LoadedBlock(lookup.MissingTable!, lookup.MissingBlock, null!);
                entry = null;
                return false;
            }

            entry = ToEntry(result, lookup.Entry);
            return true;
        }
    }

    /// <summary>
    /// What is missing may be what a successor had no need of: then the error is that there is one, not that there is
    /// damage.
    /// </summary>
    public async ValueTask<DmtException> ExplainAsync(DmtException damage)
    {
        if (_isFollowed)
        {
            return await ExplainFollowedAsync(damage).ConfigureAwait(false);
        }

        try
        {
            await _manifests.ThrowIfTakenOverAsync(Volatile.Read(ref _manifest), CancellationToken.None)
                .ConfigureAwait(false);
            return damage;
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Fenced or DmtErrorKind.Unavailable)
        {
            _fence.Note(e);
            return e;
        }
    }

    /// <summary>
    /// As <see cref="ExplainAsync"/>, of a table. Of nodes that share a bucket each knows only what it reads itself: a
    /// table that a compaction has replaced here since the read began may be deleted by another. Who looks again reads
    /// what replaced it.
    /// </summary>
    public async ValueTask<DmtException> ExplainReadAsync(DmtException damage)
    {
        var explained = await ExplainAsync(damage).ConfigureAwait(false);
        return explained != damage || _host.Lease is null || Volatile.Read(ref _manifest).Levels.Any(
            level => level.Any(table => damage.Message.Contains(table.Name, StringComparison.Ordinal)))
            ? explained
            : DmtException.Unavailable($"a table was replaced while it was read from shard {Id}: try again", damage);
    }

    private Entry? ToEntry(PointLookup.Result result, in EntryData entry)
    {
        if (result == PointLookup.Result.Absent || entry.Kind != EntryKind.Put
            || (entry.ExpiresAtMs > 0 && entry.ExpiresAtMs <= NowMs()))
        {
            return null;
        }

        return ShardScan.ToEntry(entry);
    }

    private static List<EntryCursor> Sources(ReadView view, KeyRange range, bool reverse, ulong asOf)
    {
        var sources = new List<EntryCursor> { MemTableCursor.ForReader(view.Active, asOf, reverse) };
        sources.AddRange(view.Frozen.Select(frozen => MemTableCursor.ForReader(frozen, asOf, reverse)));
        var prefix = PrefixOf(range);
        foreach (var table in view.Tables.Levels[0])
        {
            if (Overlaps(table.Info, range) && table.MayContainPrefix(prefix.Span))
            {
                sources.Add(new RunCursor([table], reverse, ReadAheadBlocks.For([table], reverse)));
            }
        }

        foreach (var run in view.Tables.Levels.Skip(1))
        {
            if (run.Length == 0)
            {
                continue;
            }

            var tables = range == KeyRange.All
                ? run
                : [.. run.Where(table => Overlaps(table.Info, range) && table.MayContainPrefix(prefix.Span))];
            if (tables.Length > 0)
            {
                sources.Add(new RunCursor(tables, reverse, ReadAheadBlocks.For(tables, reverse)));
            }
        }

        return sources;
    }

    /// <summary>The longest prefix that all keys of the range are sure to have.</summary>
    private static ReadOnlyMemory<byte> PrefixOf(KeyRange range)
    {
        if (range.End is not { } end)
        {
            return default;
        }

        // [p.., next(p)) is what begins with p: the bytes before the first difference, and one more where the end is
        // just above.
        var start = range.Start.Span;
        var shared = start.CommonPrefixLength(end.Span);
        var oneMore = shared < start.Length && end.Length == shared + 1 && start[shared] + 1 == end.Span[shared];
        return range.Start[..(oneMore ? shared + 1 : shared)];
    }

    private static bool Overlaps(TableInfo info, KeyRange range) =>
        (info.LargestUnbounded || info.Largest.AsSpan().SequenceCompareTo(range.Start.Span) >= 0)
        && (range.End is not { } end || end.Span.SequenceCompareTo(info.Smallest) > 0);
}
