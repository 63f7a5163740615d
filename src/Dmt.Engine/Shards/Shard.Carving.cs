// How a part of a shard becomes a shard of its own, and how it comes back. Nothing is copied: both name the same
// tables, each cut to what it owns.
//
// Carve: flush, while writers go on, and write the first manifest of each child, which says what it has so far; flush
// again; close the gate for writers of the parts; write what they left in memtables since into a table of each child
// that has some, and its second manifest; write the parent's next manifest, which no longer has the parts. That one is
// the commit: it is fenced like every manifest, and before it nobody looks for the children. Then the parent's view
// changes, the children are published, and the gate opens: who waited finds that the keys have moved. So behind the
// gate there are three rounds of requests, and what the first ones cost on a disk (folders are made) is paid before.
//
// Merge: see Shard.Merging.cs.
//
// A manifest whose writing fails may be there all the same. After a commit that is in doubt the gate must not open: a
// write that the parent takes would be lost to whoever recovers from the manifest. So it is tried until it is known.
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
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>
    /// So many shards are written at the same time: each takes a thread where the store is a folder.
    /// </summary>
    private const int PartsAtOnce = 32;

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
        using var span = EngineSpans.Start("dmt.carve", Id)?.SetTag("dmt.shards", parts.Count);
        ShardPart[] children = [.. parts.Select(static part => new ShardPart(part))];
        var isTried = false;
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        using var compacting = await HoldCompactionAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await PrepareAsync(children, cancellationToken).ConfigureAwait(false);

            // What was written meanwhile is not left for behind the gate.
            await FlushAsync(cancellationToken).ConfigureAwait(false);
            using var changing = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
            ulong last;
            lock (_writeLock)
            {
                ThrowIfUnusable();
                CloseGate([.. parts.Select(static part => KeyRange.Prefix(part.Prefix))]);
                last = _lastSequence;
            }

            await SideBySideAsync(children, child => CompleteAsync(child, last, cancellationToken))
                .ConfigureAwait(false);
            var next = _manifest with { Number = _manifest.Number + 1, Carved = WithCarved(parts) };
            var ownership = new Ownership(next);
            var levels = Cut(_view.Tables.Levels, ownership, out var added);
            isTried = true;
            await CommitAsync(next with { Levels = Infos(levels) }).ConfigureAwait(false);

            // Whoever asks from now on is sent to the children, and only then is whoever was sent here before refused.
            IReadOnlyList<Shard> opened = [.. children.Select(child => Begin(_host, child))];
            publish(opened);
            Show(levels, ownership, dropFrozen: false);
            Release(added);
            return opened;
        }
        catch when (!isTried)
        {
            GiveUp(children);
            throw;
        }
        finally
        {
            OpenGate();
        }
    }

    private IReadOnlyList<CarvedShard> WithCarved(IReadOnlyList<CarvedShard> parts) =>
        [
            .. _manifest.Carved
                .Where(old => !parts.Any(part => old.Prefix.AsSpan().StartsWith(part.Prefix)))
                .Concat(parts)
                .OrderBy(static one => one.Prefix, KeyComparer.Instance),
        ];

    /// <summary>A shard that was just carved: all that it has is in tables.</summary>
    private static Shard Begin(ShardHost host, ShardPart child)
    {
        var (manifest, tables) = (child.Manifest, new TableSet(child.Levels));
        Release(child.Levels.SelectMany(static level => level));
        var view = new ReadView(new MemTable(host.Budget), [], tables, new Ownership(manifest));
        tables.RemoveReference();
        return new Shard(host, manifest, view, manifest.FlushedSequence) { _tableNumber = (long)child.TablesWritten };
    }

    /// <summary>
    /// Does something for each part, several at a time, and returns when all are done. On threads of their own: a store
    /// in a folder works on the thread of its caller, and syncs that go on at the same time cost little more than one.
    /// </summary>
    private Task SideBySideAsync(ShardPart[] parts, Func<ShardPart, Task> work)
    {
        var lanes = Math.Min(parts.Length, PartsAtOnce);
        return Task.WhenAll(Enumerable.Range(0, lanes).Select(lane => _host.Scheduler.StartAside(async () =>
        {
            for (var i = lane; i < parts.Length; i += lanes)
            {
                await work(parts[i]).ConfigureAwait(false);
            }
        })));
    }

    /// <summary>
    /// While writers go on: writes the manifest of each child as it would be were nothing written any more.
    /// </summary>
    private async ValueTask PrepareAsync(ShardPart[] children, CancellationToken cancellationToken)
    {
        using var changing = await _manifestLock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        foreach (var child in children)
        {
            _view.Ownership.Check(child.Carved.Prefix);
        }

        _host.LogIsNamed = true;
        await SideBySideAsync(children, async child =>
        {
            var prefix = child.Carved.Prefix;
            Renew(child, new Manifest
            {
                Shard = child.Carved.Shard,
                Number = 1,
                Epoch = 1,
                Incarnation = _host.Log.Incarnation,
                FlushedSequence = _manifest.FlushedSequence,
                Prefix = prefix,
                Carved = [.. _manifest.Carved.Where(one => one.Prefix.AsSpan().StartsWith(prefix))],
                Origins = _manifest.Origins,
            });
            await CreateAsync(child.Manifest, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// Under _manifestLock, behind the gate: writes what was written to the part since the flush, where there is any,
    /// and the manifest that names everything.
    /// </summary>
    /// <param name="child">The child, prepared.</param>
    /// <param name="last">The parent's last sequence number.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task CompleteAsync(ShardPart child, ulong last, CancellationToken cancellationToken)
    {
        ulong number = 0;
        var written = await WriteFrozenAsync(
            KeyRange.Prefix(child.Carved.Prefix),
            () => new TableId(child.Carved.Shard, 1, ++number),
            cancellationToken).ConfigureAwait(false);
        if (written.Length == 0 && child.CutFrom == _manifest.Number)
        {
            return;
        }

        child.TablesWritten = number;
        Renew(child, child.Manifest with { Number = 2, FlushedSequence = last }, written);
        await CreateAsync(child.Manifest, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives the child what it has now. Under _manifestLock.</summary>
    private void Renew(ShardPart child, Manifest manifest, params TableReader[] written)
    {
        var ownership = new Ownership(manifest);
        var levels = Cut(_view.Tables.Levels, ownership, out _, always: true);
        levels[0] = [.. written.SelectMany(table => CutAll(table, ownership)), .. levels[0]];
        Release(child.Levels.SelectMany(static level => level));
        child.Levels = levels;
        child.CutFrom = _manifest.Number;
        child.Manifest = WithRequests(manifest with
        {
            LogRanges = [_host.LogRangeFrom(_host.Log.End)],
            Levels = Infos(levels),
        });
    }

    /// <summary>Writes a manifest of a shard that nobody looks for yet.</summary>
    private async ValueTask CreateAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        if (!await Objects.TryCreateAsync(
            manifest.ObjectName, ManifestCodec.Encode(manifest), cancellationToken).ConfigureAwait(false))
        {
            throw DmtException.Corruption(manifest.ObjectName, 0, "it is there before the shard was carved");
        }
    }

    /// <summary>
    /// The commit was not tried: what was opened is closed, and what was written goes. It may be there though its
    /// writing failed.
    /// </summary>
    private void GiveUp(ShardPart[] children)
    {
        foreach (var child in children)
        {
            var shard = child.Carved.Shard;
            Release(child.Levels.SelectMany(static level => level));
            var tables = Enumerable.Range(1, (int)child.TablesWritten).Select(number =>
                new TableId(shard, 1, (ulong)number).ObjectName);
            _host.Collector.Add([.. tables, Manifest.NameOf(shard, 1), Manifest.NameOf(shard, 2)]);
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
}
