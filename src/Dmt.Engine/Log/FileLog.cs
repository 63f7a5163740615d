// The node log on files, shared by all shards of a node.
//
// Appending copies a record into the open group, a buffer laid out as it will lie in the file. Groups wait in a queue;
// whoever owns the I/O (one at a time, _ioBusy) takes all that wait, checksums and writes them in order, and where
// asked syncs:
//
//   append -> [open group] -> [pending groups] -> write -> (sync) -> durable
//
// Owners: the caller of WaitDurableAsync where the I/O is free (no thread hop for a lone writer); the background worker
// for everything else: waiters that came while a sync was running (all are covered by the next one), deadlines,
// write-outs of full buffers; an appender where too much is unwritten.
//
// Invariants:
//  - Positions count record bytes. A group lies in one segment; a segment's groups follow each other from its header.
//  - A record is accepted only where its bytes, with the header and padding of its group and the mark of a clean
//    close, fit into what the tail segment has reserved on the disk (zeros written ahead). So writing what was
//    accepted needs no new space.
//  - A segment is written to only after the one before it is wholly written and synced.
//  - A group carries how far the log was durable when it was written (syncedTo); see LogReplay.cs for what that is
//    good for.
//
// Locks: _lock guards everything not said otherwise; I/O is not done under it, but for reserving when an append finds
// no room. _reserveLock guards the growth of segments and the spare; it is taken under _lock, never the other way
// round.
using Dmt.Core;
using Dmt.Engine.Platform;

namespace Dmt.Engine.Log;

/// <summary>
/// The log of one incarnation of a node: segments in a folder of its own. A position is the number of record bytes
/// appended to this incarnation's log; 0 is the start. Safe for concurrent use.
/// </summary>
public sealed partial class FileLog : INodeLog
{
    /// <summary>An open group of this many bytes is written out in the background, unsynced.</summary>
    private const int WriteOutBytes = 256 << 10;

    /// <summary>
    /// A group takes no further records from this many bytes on: it keeps buffers small where the medium is slow.
    /// </summary>
    private const int GroupBytesMax = 1 << 20;

    /// <summary>An object and no Lock: appenders wait on it for room.</summary>
    private readonly object _lock = new();
    private readonly FileLogOptions _options;
    private readonly LogMedium _medium;
    private readonly TimeProvider _time;
    private readonly long _created;
    private readonly string _folder;

    /// <summary>Oldest first; the last is the tail.</summary>
    private readonly List<LogSegment> _segments = [];
    private readonly List<LogGroup> _pending = [];
    private readonly Stack<LogGroup> _free = [];
    private LogSegment _tail;
    private LogGroup? _open;
    private long _end;
    private long _durableEnd;
    private long _unwritten;
    private DmtException? _failure;
    private bool _closed;

    private FileLog(string folder, string incarnation, FileLogOptions options, TimeProvider time)
    {
        (_folder, Incarnation, _options, _medium, _time) = (folder, incarnation, options, options.Medium, time);
        _created = time.GetTimestamp();
        _timer = time.CreateTimer(
            static log => ((FileLog)log!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _tail = null!; // Set by Create before anything can see it.
    }

    /// <summary>Names this log among the logs of its directory: ordinal order is the order of starts.</summary>
    public string Incarnation { get; }

    /// <summary>Never known: the lock on the folder keeps others out.</summary>
    Fence INodeLog.Fence { get; } = new();

    /// <summary>The position after the last append.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Everything before this position is on the medium.</summary>
    public long DurableEnd => Volatile.Read(ref _durableEnd);

    long INodeLog.BytesWritten => End;

    long INodeLog.Objects => 0;

    bool INodeLog.HasRoom => true; // An append waits by itself.

    /// <summary>Bytes used in segments that are not released.</summary>
    public long LiveBytes
    {
        get
        {
            lock (_lock)
            {
                var bytes = 0L;
                foreach (var segment in _segments)
                {
                    bytes += segment.Used;
                }

                return bytes;
            }
        }
    }

    /// <summary>Why appends are refused now (the disk is full, the log failed); null while they are taken.</summary>
    public string? RefusedBecause => Volatile.Read(ref _failure)?.Message ?? Volatile.Read(ref _refused);

    /// <summary>Starts the log of a new incarnation, in a new folder; durable when it returns.</summary>
    /// <param name="directory">The directory of all logs; created where it is missing.</param>
    /// <param name="incarnation">1 to 32 letters and digits: a ULID.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="time">The clock of deadlines.</param>
    /// <exception cref="DmtException">InvalidArgument; Unavailable where the disk is full or refuses.</exception>
    public static FileLog Create(string directory, string incarnation, FileLogOptions options, TimeProvider time)
    {
        LogFormat.CheckIncarnation(incarnation);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        options.Validate();
        var folder = Path.Combine(Path.GetFullPath(directory), incarnation);
        FileLog? log = null;
        try
        {
            if (Directory.Exists(folder))
            {
                throw DmtException.InvalidArgument($"the log {folder} exists: an incarnation starts one log");
            }

            NativeFile.CreateDirectory(folder);
            log = new FileLog(folder, incarnation, options, time);
            log.Start();
            return log;
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            log?.CloseFiles();
            throw FileErrors.Translate(e, folder, folder);
        }
        catch
        {
            log?.CloseFiles();
            throw;
        }
    }

    ValueTask INodeLog.WaitForRoomAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    long INodeLog.ReplayFrom(long position) => position;

    /// <summary>
    /// All incarnations that have a log in the directory, oldest first; none where there is no directory.
    /// </summary>
    public static IReadOnlyList<string> ListIncarnations(string directory) => LogFolder.ListIncarnations(directory);

    /// <summary>Deletes the log of an incarnation that nobody writes any more; none of that name is no error.</summary>
    public static void Delete(string directory, string incarnation) => LogFolder.Delete(directory, incarnation);

    /// <summary>
    /// Hands out, in order, the records that end after <paramref name="fromPosition"/>. A torn tail is cut off
    /// silently.
    /// </summary>
    /// <param name="directory">The directory of all logs.</param>
    /// <param name="incarnation">Whose log; nobody may be writing it.</param>
    /// <param name="fromPosition">0 to deliver all. May lie past the end of what survived: then nothing is
    /// delivered.</param>
    /// <param name="handler">Called for each record.</param>
    /// <param name="allowsMissingHead">What was released before counts as not there.</param>
    /// <exception cref="DmtException">
    /// Corruption naming file and offset where records are damaged or missing that had been durable; Unavailable where
    /// a newer DMT wrote the log or a file cannot be read.
    /// </exception>
    public static LogReplayResult Replay(
        string directory,
        string incarnation,
        long fromPosition,
        LogRecordHandler handler,
        bool allowsMissingHead = false) =>
        new LogReplay(Path.GetFullPath(directory), incarnation, fromPosition, handler, allowsMissingHead).Run();

    /// <summary>Lists headers, groups and records of one segment file, with what is wrong with them.</summary>
    public static void Inspect(string file, LogInspectHandler handler) => LogInspector.Inspect(file, handler);

    /// <summary>Appends one record.</summary>
    /// <param name="shard">Whose operations.</param>
    /// <param name="epoch">The shard's epoch.</param>
    /// <param name="firstSeq">Sequence number of the first operation.</param>
    /// <param name="count">How many operations, at least 1.</param>
    /// <param name="operations">The operations, encoded back to back; at most 1 GiB.</param>
    /// <param name="durability">When the medium has to have it; for strict the caller awaits
    /// <see cref="WaitDurableAsync"/>.</param>
    /// <returns>The position after it.</returns>
    /// <exception cref="DmtException">
    /// Unavailable where the disk is full or the log failed, Closed, TooLarge. Nothing has changed then.
    /// </exception>
    public long Append(
        uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations, Durability durability)
    {
        WaitForRoom();
        Work wake;
        long position;
        lock (_lock)
        {
            var to = Prepare(operations.Length);
            var head = LogFormat.WriteRecordHead(to, shard, epoch, firstSeq, count);
            operations.CopyTo(to[head..]);
            LogFormat.WriteRecordLength(to, operations.Length);
            position = Commit(head + operations.Length, count, durability, out wake);
        }

        Wake(wake);
        return position;
    }

    /// <summary>As the other overload, for one operation, which is encoded straight into the log's buffer.</summary>
    public long Append(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation, Durability durability)
    {
        WaitForRoom();
        Work wake;
        long position;
        lock (_lock)
        {
            var to = Prepare(operation.EncodedBytesMax);
            var head = LogFormat.WriteRecordHead(to, shard, epoch, firstSeq, 1);
            var length = operation.Encode(to[head..]);
            LogFormat.WriteRecordLength(to, length);
            position = Commit(head + length, 1, durability, out wake);
        }

        Wake(wake);
        return position;
    }

    /// <summary>Room in the open group for a record with up to so many bytes of operations. Under the lock.</summary>
    private Span<byte> Prepare(int operationBytesMax)
    {
        ThrowIfFailed();
        if (_closed)
        {
            throw DmtException.Closed($"the log {_folder}");
        }

        if (operationBytesMax > (1 << 30))
        {
            throw DmtException.TooLarge($"a log record of {operationBytesMax} bytes: at most {1 << 30} are allowed");
        }

        var recordBytesMax = LogFormat.RecordHeadBytesMax + operationBytesMax;
        EnsureSpace(recordBytesMax);
        var group = _open ?? OpenGroup();
        if (group.Buffer.Length - group.Length < recordBytesMax)
        {
            var buffer = group.Buffer;
            Array.Resize(ref buffer, (int)Math.Min(
                Array.MaxLength, Math.Max(2L * buffer.Length, (long)group.Length + recordBytesMax)));
            group.Buffer = buffer;
        }

        return group.Buffer.AsSpan(group.Length);
    }

    /// <summary>Counts in the record that was written where <see cref="Prepare"/> said. Under the lock.</summary>
    private long Commit(int length, int count, Durability durability, out Work wake)
    {
        _open!.Length += length;
        _tail.Used += length;
        Volatile.Write(ref _unwritten, _unwritten + length);
        Volatile.Write(ref _end, _end + length);
        _operationsSinceSync += count;
        SetDeadline(durability.Interval);
        wake = Work.None;
        if (!_syncWanted && durability.Operations > 0 && _operationsSinceSync >= durability.Operations)
        {
            _syncWanted = true;
            wake = Work.Write;
        }

        if (_open.Length >= GroupBytesMax)
        {
            SealGroup();
        }

        if (!_writeWanted && (_pending.Count > 0 || _open!.Length >= WriteOutBytes))
        {
            _writeWanted = true;
            wake = Work.Write;
        }

        if (_tail.Used >= _reserveFrom)
        {
            _reserveFrom = long.MaxValue;
            wake |= Work.Reserve;
        }

        return _end;
    }

    /// <summary>Under the lock, with room for the header ensured.</summary>
    private LogGroup OpenGroup()
    {
        var group = _free.TryPop(out var used) ? used : new LogGroup { Buffer = new byte[16 << 10] };
        group.Segment = _tail;
        group.Offset = _tail.Used;
        group.StartPosition = _end;
        group.Length = LogFormat.GroupHeaderBytes;
        _tail.Used += LogFormat.GroupHeaderBytes;
        _openInterval = TimeSpan.MaxValue;
        return _open = group;
    }

    /// <summary>Ends the open group and queues it for writing. Under the lock.</summary>
    private void SealGroup()
    {
        if (_open is { } group)
        {
            _tail.Used = LogFormat.Align(_tail.Used);
            _pending.Add(group);
            _open = null;
        }
    }

    /// <summary>Under the lock.</summary>
    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw new DmtException(_failure.Kind, _failure.Message, _failure);
        }
    }
}
