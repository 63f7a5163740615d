// A shard: the writer and the readers of one part of the key space. Its concerns lie in partial files:
//   Shard.cs            state, and how it changes
//   Shard.Opening.cs    taking ownership, recovery, closing
//   Shard.Writing.cs    puts, deletes, batches, conditions
//   Shard.Requests.cs   writes that may be sent again
//   Shard.Reading.cs    gets, scans, snapshots
//   Shard.Flushing.cs   memtables into tables
//   Shard.Compacting.cs tables into fewer tables
//   Shard.Keeping.cs    checkpoints
//   Shard.Following.cs  replicas: the shard as somebody else writes it, and as it is shipped to others
//   Shard.Carving.cs    a part becomes a shard of its own, and comes back
//
// Locks, outermost first:
//   _manifestLock  one change of the table set at a time: manifest written, then view replaced
//   _writeLock     one writer at a time: sequence numbers, log order and memtable order are the same
// Readers take neither.
using Dmt.Core;
using Dmt.Engine.Garbage;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Objects;
using Dmt.Engine.Requests;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard : IAsyncDisposable
{
    private readonly ShardHost _host;
    private readonly EngineOptions _options;
    private readonly ManifestStore _manifests;
    private readonly SnapshotList _snapshots = new();
    private readonly WriteThrottle _throttle;
    private readonly Lock _writeLock = new();
    private readonly Lock _throttleLock = new(); // orders updates of the throttle; innermost
    private readonly CancellationTokenSource _closing = new();
    private readonly AsyncLock _manifestLock;
    private readonly Fence _fence;

    /// <summary>
    /// Frozen memtables, oldest first, each with the place in the log behind its last record. Guarded by _writeLock.
    /// </summary>
    private readonly List<(MemTable Table, LogRange End)> _frozen = [];

    /// <summary>
    /// Tables of changes whose manifest failed: it may exist all the same, so they stay until a later one does. Guarded
    /// by _manifestLock.
    /// </summary>
    private readonly List<TableReader> _orphans = [];

    private long _logEndAtFreeze; // nothing that is in the active memtable lies before it in the log
    private volatile bool _freezeSoon;
    private volatile bool _touched = true;
    private Manifest _manifest;
    private OwnedShard _owned; // the last manifest, and when it was written
    private ReadView _view;
    private ulong _lastSequence;
    private long _activeSince; // objects that the log had made when the active memtable was begun
    private long _tableNumber;
    private volatile Exception? _failure;
    private readonly string?[] _problems = new string?[3]; // by BackgroundWork
    private bool _closed;

    private Shard(ShardHost host, Manifest manifest, ReadView view, ulong lastSequence)
    {
        _host = host;
        _options = host.Options;
        _manifests = new ManifestStore(host.Objects, manifest.Shard);
        _throttle = new WriteThrottle(host.Options, host.Time, host.Scheduler);
        _fence = host.Log.Fence;
        _manifestLock = new AsyncLock(host.Scheduler);
        _compactionLock = new AsyncLock(host.Scheduler);
        _gateOpened = new AsyncSignal(host.Scheduler);
        (_manifest, _view, _lastSequence) = (manifest, view, lastSequence);
        _owned = new OwnedShard(manifest, host.Time.GetUtcNow());
        _requests = new RequestTable(manifest.Requests);
        _logEndAtFreeze = host.Log.End;
        DataBytesMost = DataBytes;
        Load = new ShardLoad(host.Time, host.Options.ShardLoadMax);
    }

    public uint Id => _manifest.Shard;

    public ulong Epoch => _manifest.Epoch;

    /// <summary>
    /// From now on notes strict writes until they are durable, for readers who must not see what may be lost.
    /// </summary>
    public UndurableWrites NoteUndurable() => _undurable ??= new UndurableWrites(_host.Log);

    /// <summary>Everything up to it can be read.</summary>
    public ulong LastSequence => Volatile.Read(ref _lastSequence);

    /// <summary>Where this node's log ended when the active memtable began.</summary>
    public long LogEndAtFreeze => Volatile.Read(ref _logEndAtFreeze);

    /// <summary>Bytes in the active memtable.</summary>
    public long ActiveBytes => Volatile.Read(ref _view).Active.BytesUsed;

    /// <summary>Nothing of it is in a log only.</summary>
    public bool IsClosedCleanly => Volatile.Read(ref _manifest).ClosedCleanly;

    public IReadOnlyList<LogRange> LogRanges => Volatile.Read(ref _manifest).LogRanges;

    /// <summary>The last manifest that was written, and when.</summary>
    public OwnedShard Owned => Volatile.Read(ref _owned);

    /// <summary>Why writes are refused, or will be once the buffers are full; null when they are taken.</summary>
    public string? Problem =>
        _fence.Reason?.Message ?? _failure?.Message ?? _throttle.Refusal ?? Volatile.Read(ref _problems[0]);

    /// <summary>
    /// Why flushes, compactions or carves fail, though writes may still be taken; null when all is well.
    /// </summary>
    public string? BackgroundProblem => FlowProblem ?? Volatile.Read(ref _problems[2]);

    /// <summary>What keeps memtables and level 0 from getting smaller; a carve that fails does not.</summary>
    private string? FlowProblem => Volatile.Read(ref _problems[0]) ?? Volatile.Read(ref _problems[1]);

    /// <summary>The tables of all levels, as of the last manifest.</summary>
    public IEnumerable<TableInfo> Tables => Volatile.Read(ref _manifest).Levels.SelectMany(static level => level);

    /// <summary>Bytes of blocks of all tables, as of the last manifest; of cut tables about.</summary>
    public long DataBytes => Tables.Sum(static table => table.IsCut ? table.CutBytes : table.TailOffset);

    /// <summary>How much it is asked for.</summary>
    public ShardLoad Load { get; }

    /// <summary>The most that <see cref="DataBytes"/> was since the shard was opened.</summary>
    public long DataBytesMost { get; private set; }

    private IObjectStore Objects => _host.Objects;

    public (TableSet Tables, long MemtableBytes, long MemtableEntries) Describe()
    {
        var view = AcquireView();
        try
        {
            return (
                view.Tables,
                view.Active.Bytes + view.Frozen.Sum(static m => m.Bytes),
                view.Active.Entries + view.Frozen.Sum(static m => m.Entries));
        }
        finally
        {
            view.RemoveReference();
        }
    }

    /// <summary>The present view, with a reference that the caller must remove.</summary>
    /// <exception cref="DmtException">Closed: the view may be gone.</exception>
    private ReadView AcquireView()
    {
        // Checked under the guard: closing says so first and retires the view after.
        using var guard = _host.Epochs.Enter();
        ThrowIfClosed();
        var view = Volatile.Read(ref _view);
        view.AddReference();
        return view;
    }

    /// <summary>Publishes a view. Under _writeLock. The one before goes when its last reader has left.</summary>
    private void ReplaceView(ReadView view)
    {
        var old = _view;
        Volatile.Write(ref _view, view);
        _host.Epochs.Retire(old, static v => v.RemoveReference());
        _host.Reclaim();
    }

    /// <summary>True when nobody has asked for it since this was asked the last time, and all is well.</summary>
    public bool IsIdle()
    {
        var was = _touched;
        _touched = false;
        return !was && _failure is null && _fence.Reason is null;
    }

    /// <summary>Has the memtable flushed, or, where it is empty, the manifest say so.</summary>
    public void FreezeSoon()
    {
        if (!_freezeSoon)
        {
            _freezeSoon = true;
            _host.Flushes.Add(this);
        }
    }

    /// <summary>Somebody asked for it.</summary>
    private void Touch()
    {
        if (!_touched)
        {
            _touched = true;
        }
    }

    /// <summary>Counts an operation at a key; on the way of every read and write.</summary>
    private void Count(ReadOnlySpan<byte> key)
    {
        if (ShardLoad.IsSample() && Load.Add(key))
        {
            _host.Balancer?.Changed(this);
        }
    }

    private void UpdateThrottle()
    {
        // One at a time: an update from an older view that came last would stop writers for good.
        lock (_throttleLock)
        {
            if (_failure is not null || _fence.Reason is not null || MergedInto is not null)
            {
                _throttle.Close(); // No flush and no compaction will let writers through any more.
                return;
            }

            var view = Volatile.Read(ref _view);
            _throttle.Update(view.Frozen.Length, view.Tables.Levels[0].Length, FlowProblem);
        }
    }

    /// <summary>
    /// Shows an error of background work to operators and, once buffers are full, to writers; null when it went well.
    /// </summary>
    public void ReportProblem(BackgroundWork work, Exception? error)
    {
        if (_problems[(int)work] != error?.Message)
        {
            Volatile.Write(ref _problems[(int)work], error?.Message);
            UpdateThrottle();
        }
    }

    private TableId NextTableId() => new(Id, Epoch, (ulong)Interlocked.Increment(ref _tableNumber));

    private long NowMs() => _host.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private void ThrowIfUnusable()
    {
        if (_closed)
        {
            throw DmtException.Closed("the store");
        }

        _fence.ThrowIfKnown();
        if (_failure is { } failure)
        {
            throw failure is DmtException known
                ? new DmtException(known.Kind, known.Message, known)
                : DmtException.Unavailable("a write failed half way: the store must be opened again", failure);
        }
    }

    /// <summary>
    /// One change of the table set: writes the next manifest, then shows readers the new tables. Under _manifestLock.
    /// </summary>
    private async ValueTask ApplyAsync(
        Manifest next,
        TableReader[][] levels,
        TableReader[] added,
        Func<MemTable, bool> keepFrozen,
        Func<Manifest, ValueTask<Manifest>> write)
    {
        try
        {
            next = await write(WithRequests(next) with { Origins = OriginsLeft(next) }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _orphans.AddRange(added);
            if (e is DmtException { Kind: DmtErrorKind.Fenced })
            {
                _failure = e;
                _fence.Note(e);
            }

            throw;
        }

        SetManifest(next);
        var tables = new TableSet(levels);
        lock (_writeLock)
        {
            var frozen = _view.Frozen.Where(keepFrozen).ToArray();
            ReplaceView(new ReadView(_view.Active, frozen, tables, _view.Ownership));
        }

        tables.RemoveReference();
        ReleaseOrphans(obsolete: true);
        UpdateThrottle();
    }

    /// <summary>Without those whose pins are gone, unless tables are borrowed all the same.</summary>
    private IReadOnlyList<Origin> OriginsLeft(Manifest manifest) =>
        [
            .. manifest.Origins.Where(origin => !_host.Collector.HasReleased(origin)
                || manifest.Levels.Any(level => level.Any(table => table.Origin == origin))),
        ];

    /// <summary>Notes a manifest that has been written. Under _manifestLock.</summary>
    private void SetManifest(Manifest written)
    {
        Volatile.Write(ref _manifest, written);
        Volatile.Write(ref _owned, new OwnedShard(written, _host.Time.GetUtcNow()));
        _host.Collector.Add(ManifestStore.Superseded(Id, written.Number));
        _host.ManifestWritten?.Invoke(Id);
        _host.Feed?.Flushed(Id);
        DataBytesMost = Math.Max(DataBytesMost, DataBytes);
        _host.Balancer?.Changed(this);
    }

    /// <summary>Under _manifestLock.</summary>
    private void ReleaseOrphans(bool obsolete)
    {
        _orphans.ForEach(orphan => orphan.IsObsolete = obsolete);
        Release(_orphans);
        _orphans.Clear();
    }
}
