// How a part of a shard becomes a shard of its own, and how it comes back. Nothing is copied: both name the same
// tables, each cut to what it owns.
//
// Carve: flush (writers go on); close the gate for writers of the part; write what they left in memtables since into a
// table of the child; write the child's first manifest; write the parent's next manifest, which no longer has the
// part. That one is the commit: it is fenced like every manifest, and before it nobody looks for the child. Then the
// parent's view changes, the child is published, and the gate opens: who waited finds that the keys have moved.
//
// Merge: flush both; close the gates of both; write what is left in memtables into a table each; write the child's last
// manifest, which says into whom it was merged. That is the commit: nobody opens the child any more. Then the parent
// takes the child's tables over. Where it does not come to that, whoever meets the child's last manifest lets the
// parent take them over (AbsorbAsync), however much later.
//
// A manifest whose writing fails may be there all the same. After a commit that is in doubt the gate must not open: a
// write that the parent takes would be lost to whoever recovers from the manifest. So it is tried until it is known.
//
// Tables of one run never overlap, not even where one has no keys: before a parent takes a child's tables over, its own
// are cut where the child was.
//
// Invariants: the cuts of all living shards never overlap, so no version of a key is in two of them, and a merge cannot
// bring back what a compaction dropped. What a parent's memtables hold of a part that was carved out is cut off when
// they are flushed, and they are before a merge.
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Compaction;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Reading;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    private readonly AsyncSignal _gateOpened;
    private KeyRange[] _gated = []; // writers of these keys wait; guarded by _writeLock
    private long _gatedSince; // timestamp; guarded by _writeLock

    /// <summary>The shard that it was merged into; null while it lives.</summary>
    public uint? MergedInto => Volatile.Read(ref _manifest).MergedInto is > 0 and var into ? into : null;

    /// <summary>It was closed because nobody asked for it, or was merged: its keys are found elsewhere.</summary>
    public bool IsRetired { get; set; }

    /// <summary>The error says no more than that the keys are to be looked for elsewhere.</summary>
    public bool HasMoved(DmtException error) => error.Kind == DmtErrorKind.NotOwner
        || (error.Kind == DmtErrorKind.Closed && IsRetired);

    public byte[] Prefix => _manifest.Prefix;

    /// <summary>The ranges of keys that it owns, in order.</summary>
    public IReadOnlyList<KeyRange> OwnedRanges => Volatile.Read(ref _view).Ownership.Ranges;

    /// <summary>What was carved out of it.</summary>
    public IReadOnlyList<CarvedShard> Carved => Volatile.Read(ref _manifest).Carved;

    /// <summary>Makes parts of the shard shards of their own.</summary>
    /// <param name="parts">Prefixes that it owns, none under another, with numbers that were never used.</param>
    /// <param name="publish">
    /// Told of the new shards once they are there and before writers find that keys have moved.
    /// </param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    /// <exception cref="DmtException">
    /// NotOwner for a prefix that is not the shard's; Fenced; Unavailable; Closed.
    /// </exception>
    public async ValueTask<IReadOnlyList<Shard>> CarveAsync(
        IReadOnlyList<CarvedShard> parts,
        Action<IReadOnlyList<Shard>> publish,
        CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        using var compacting = await _compactionLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var changing = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        KeyRange[] ranges = [.. parts.Select(static part => KeyRange.Prefix(part.Prefix))];
        ulong last;
        lock (_writeLock)
        {
            ThrowIfUnusable();
            foreach (var part in parts)
            {
                _view.Ownership.Check(part.Prefix);
            }

            CloseGate(ranges);
            last = _lastSequence;
        }

        try
        {
            var children = await WriteChildrenAsync(parts, last, cancellationToken).ConfigureAwait(false);
            var carved = _manifest.Carved
                .Where(old => !parts.Any(part => old.Prefix.AsSpan().StartsWith(part.Prefix)))
                .Concat(parts)
                .OrderBy(static one => one.Prefix, KeyComparer.Instance);
            var next = _manifest with { Number = _manifest.Number + 1, Carved = [.. carved] };
            var ownership = new Ownership(next);
            var levels = Cut(_view.Tables.Levels, ownership, out var added);
            await CommitAsync(next with { Levels = Infos(levels) }).ConfigureAwait(false);

            // Whoever asks from now on is sent to the children, and only then is whoever was sent here before refused.
            IReadOnlyList<Shard> opened = [.. children.Select(child => Begin(_host, child.Manifest, child.Levels))];
            publish(opened);
            Show(levels, ownership, dropFrozen: false);
            Release(added);
            return opened;
        }
        finally
        {
            OpenGate();
        }
    }

    /// <summary>Takes the keys of a shard back that was carved out of this one. It is closed then, for good.</summary>
    /// <param name="child">Open in this process.</param>
    /// <param name="publish">Told once it is done and before writers find that keys have moved.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    public async ValueTask MergeAsync(Shard child, Action publish, CancellationToken cancellationToken)
    {
        await child.FlushAsync(cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        using var compacting = await _compactionLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var compactingChild = await child._compactionLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
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
        using var compacting = await _compactionLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var changing = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
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
        var last = Math.Max(_lastSequence, merged.FlushedSequence) + 1; // above what was known of either
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
        await CommitAsync(next).ConfigureAwait(false);
        Volatile.Write(ref _lastSequence, last);
        Show(levels, new Ownership(next), dropFrozen: true);
        Release(added);
    }

    /// <summary>A shard that was just carved: all that it has is in tables.</summary>
    private static Shard Begin(ShardHost host, Manifest manifest, TableReader[][] levels)
    {
        var tables = new TableSet(levels);
        Release(levels.SelectMany(static level => level));
        var view = new ReadView(new MemTable(host.Budget), [], tables, new Ownership(manifest));
        tables.RemoveReference();
        return new Shard(host, manifest, view, manifest.FlushedSequence) { _tableNumber = levels[0].Length };
    }

    /// <summary>All or none; what was opened for those that come to nothing is closed.</summary>
    private async ValueTask<(Manifest Manifest, TableReader[][] Levels)[]> WriteChildrenAsync(
        IReadOnlyList<CarvedShard> parts, ulong last, CancellationToken cancellationToken)
    {
        var writing = parts.Select(part => WriteChildAsync(part, last, cancellationToken).AsTask()).ToList();
        try
        {
            return await Task.WhenAll(writing).ConfigureAwait(false);
        }
        catch
        {
            foreach (var written in writing.Where(static one => one.IsCompletedSuccessfully))
            {
                Release((await written.ConfigureAwait(false)).Levels.SelectMany(static level => level));
            }

            throw;
        }
    }

    /// <summary>Under _manifestLock: writes what was written to the part since the flush, and the child's manifest.
    /// </summary>
    private async ValueTask<(Manifest Manifest, TableReader[][] Levels)> WriteChildAsync(
        CarvedShard part, ulong last, CancellationToken cancellationToken)
    {
        ulong number = 0;
        var range = KeyRange.Prefix(part.Prefix);
        var manifest = new Manifest
        {
            Shard = part.Shard,
            Number = 1,
            Epoch = 1,
            Incarnation = _host.Log.Incarnation,
            FlushedSequence = last,
            Prefix = part.Prefix,
            Carved = [.. _manifest.Carved.Where(one => one.Prefix.AsSpan().StartsWith(part.Prefix))],
            Origins = _manifest.Origins,
            LogRanges = [_host.LogRangeFrom(_host.Log.End)],
        };
        var ownership = new Ownership(manifest);
        var left = await WriteFrozenAsync(range, () => new TableId(part.Shard, 1, ++number), cancellationToken)
            .ConfigureAwait(false);
        var levels = Cut(_view.Tables.Levels, ownership, out _, always: true);
        levels[0] = [.. left.SelectMany(table => CutAll(table, ownership)), .. levels[0]];
        manifest = manifest with { Levels = Infos(levels) };
        _host.LogIsNamed = true;
        try
        {
            return await Objects.TryCreateAsync(
                manifest.ObjectName, ManifestCodec.Encode(manifest), cancellationToken).ConfigureAwait(false)
                ? (manifest, levels)
                : throw DmtException.Corruption(manifest.ObjectName, 0, "it is there before the shard was carved");
        }
        catch
        {
            Release(levels.SelectMany(static level => level));
            throw;
        }
    }

    /// <summary>
    /// Writes a range of what is in frozen memtables into tables, and opens them. Under _manifestLock.
    /// </summary>
    private async ValueTask<TableReader[]> WriteFrozenAsync(
        KeyRange range, Func<TableId> nextId, CancellationToken cancellationToken)
    {
        MemTable[] frozen;
        lock (_writeLock)
        {
            frozen = [.. _frozen.Select(static one => one.Table)];
        }

        if (frozen.Length == 0)
        {
            return [];
        }

        var nowMs = NowMs();
        var deletions = RangeTombstoneSet.Build(
            [.. frozen.SelectMany(memtable => memtable.RangeTombstones.Within(range).Tombstones())]);
        var filter = new VersionFilter(_snapshots.ToArray(), deletions, isBottom: false, nowMs);
        var writer = new TableWriter(
            Objects, _options, nextId, frozen.Min(static one => one.SequenceMin), long.MaxValue, nowMs);
        using var merge = new MergeCursor(
            [.. frozen.Select(memtable => new BoundedCursor(MemTableCursor.ForFlush(memtable), range.End))],
            reverse: false);
        merge.Seek(range.Start.Span);
        var written = await writer.WriteAsync(merge, filter, cancellationToken).ConfigureAwait(false);
        await WaitForLogAsync(written, cancellationToken).ConfigureAwait(false);
        return await OpenTablesAsync(written, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The tables as far as somebody owns them.</summary>
    /// <param name="tables">Readers of all levels.</param>
    /// <param name="owner">Of what is left of them.</param>
    /// <param name="added">New readers; the caller has their first references.</param>
    /// <param name="always">Makes a new reader for each table, for use by another shard.</param>
    private TableReader[][] Cut(
        TableReader[][] tables, Ownership owner, out List<TableReader> added, bool always = false)
    {
        var made = new List<TableReader>();
        TableReader[][] cut = [.. tables.Select(level => level.SelectMany(Parts).ToArray())];
        added = made;
        return cut;

        IEnumerable<TableReader> Parts(TableReader table)
        {
            foreach (var part in owner.Cut(table.Info, table.BytesIn))
            {
                if (!always && part == table.Info)
                {
                    yield return table;
                    continue;
                }

                var reader = table.Cut(_host.ObjectsOf(part), part);
                _host.OnTableOpened(reader);
                made.Add(reader);
                yield return reader;
            }
        }
    }

    /// <summary>Shows readers and writers the tables that the manifest has now. Under _manifestLock.</summary>
    private void Show(TableReader[][] levels, Ownership ownership, bool dropFrozen)
    {
        var tables = new TableSet(levels);
        lock (_writeLock)
        {
            ReplaceView(new ReadView(_view.Active, dropFrozen ? [] : _view.Frozen, tables, ownership));
            if (dropFrozen)
            {
                _frozen.ForEach(static one => one.Table.RemoveReference());
                _frozen.Clear();
            }
        }

        tables.RemoveReference();
        ReleaseOrphans(obsolete: true);
        ReportProblem(BackgroundWork.Flush, null);
        UpdateThrottle();
        _host.Compactions.Add(this);
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

    /// <summary>
    /// Writers of the ranges wait from now on, and what there is of them is frozen. Under _writeLock.
    /// </summary>
    private void CloseGate(KeyRange[] ranges)
    {
        _gated = ranges;
        _gatedSince = _host.Time.GetTimestamp();
        FreezeIfNotEmpty();
    }

    private void OpenGate()
    {
        lock (_writeLock)
        {
            if (_gated.Length > 0)
            {
                _host.Metrics.ShardPaused(_host.Time.GetElapsedTime(_gatedSince));
                _gated = [];
            }
        }

        _gateOpened.WakeAll();
    }

    /// <summary>Under _writeLock.</summary>
    private bool IsGated(ReadOnlySpan<byte> key)
    {
        foreach (var range in _gated)
        {
            if (range.Contains(key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Under _writeLock.</summary>
    private bool IsGated(WriteBatch batch)
    {
        if (_gated.Length == 0)
        {
            return false;
        }

        foreach (var operation in batch)
        {
            if (operation.Kind == WriteOperationKind.DeleteRange || IsGated(operation.Key))
            {
                return true;
            }
        }

        return false;
    }

    private void CheckOwnership(WriteBatch batch)
    {
        var ownership = _view.Ownership;
        foreach (var operation in batch)
        {
            if (operation.Kind == WriteOperationKind.DeleteRange)
            {
                ownership.Check(new KeyRange(
                    operation.Key.ToArray(), operation.HasNoEnd ? default(ReadOnlyMemory<byte>?)
                        : operation.Value.ToArray()));
            }
            else
            {
                ownership.Check(operation.Key);
            }
        }
    }
}
