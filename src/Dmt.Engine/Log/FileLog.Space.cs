using Dmt.Core;
using Dmt.Engine.Platform;

namespace Dmt.Engine.Log;

public sealed partial class FileLog
{
    private const long ChunkBytesMin = 256 << 10;
    private const long ChunkBytesMax = 4 << 20;

    /// <summary>Kept free behind every record: the padding of its group and the mark of a clean close.</summary>
    private const int SlackBytes = LogFormat.GroupAlignment + LogFormat.GroupHeaderBytes;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Guards <see cref="_spare"/> and the growth of all segments. Taken under _lock, never the other way round.
    /// </summary>
    private readonly Lock _reserveLock = new();

    /// <summary>The next segment, made ahead of time. All zeros until it becomes the tail.</summary>
    private LogSegment? _spare;
    private bool _filesClosed;

    /// <summary>A tail of less than this is not worth a new one.</summary>
    private const long RollBytesMin = 1 << 20;

    /// <summary>Use of the tail at which more is reserved in the background. Guarded by _lock.</summary>
    private long _reserveFrom;

    /// <summary>Why the last attempt to reserve failed. Guarded by _lock for writing.</summary>
    private string? _refused;
    private TimeSpan _refusedAt;

    IReadOnlyList<string> INodeLog.Release(long position)
    {
        Release(position);
        return [];
    }

    /// <summary>
    /// Deletes the segments that lie wholly before <paramref name="position"/>, oldest first; what is not yet durable
    /// stays.
    /// </summary>
    /// <exception cref="DmtException">Unavailable where a file cannot be deleted.</exception>
    public void Release(long position)
    {
        SyncBeforeRoll(position);
        if (Roll(position) is { } rolled)
        {
            StartRolled(rolled);
        }

        List<LogSegment> released = [];
        Work wake;
        lock (_lock)
        {
            // The next one has to have been synced with its header: alone, it must say where it begins.
            while (_segments.Count > 1 && _segments[1].StartPosition <= position
                && (_segments[1].StartPosition < _durableEnd || _segments[1].HasDurableHeader)
                && _segments[0] != _writeSegment)
            {
                released.Add(_segments[0]);
                _segments.RemoveAt(0);
            }

            wake = released.Count > 0 && _refused is not null && !_closed ? Work.Reserve : Work.None;
        }

        foreach (var segment in released)
        {
            try
            {
                File.Delete(segment.Path);
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, _folder, segment.Path);
            }
        }

        Wake(wake);
    }

    /// <summary>
    /// What is not synced yet, though nobody needs it any more, would keep a large tail from being given back.
    /// </summary>
    private void SyncBeforeRoll(long position)
    {
        lock (_lock)
        {
            if (_closed || _ioBusy || _failure is not null || position < _end || _durableEnd == _end
                || _tail.Used < RollBytesMin)
            {
                return;
            }

            _ioBusy = true;
        }

        WriteOut(sync: true, Work.Write);
    }

    /// <summary>
    /// Where nothing of a large tail is needed any more and nobody is writing, a new one takes over, so that the disk
    /// gets its space back now and not when the segment is full.
    /// </summary>
    /// <returns>The new tail, with the I/O taken; null where there is nothing to gain.</returns>
    private LogSegment? Roll(long position)
    {
        lock (_lock)
        {
            if (_closed || _ioBusy || _failure is not null || _open is not null || _pending.Count > 0
                || position < _end || _durableEnd < _end || _tail.Used < RollBytesMin)
            {
                return null;
            }

            try
            {
                SwitchSegment(LogFormat.SegmentHeaderBytes + LogFormat.GroupHeaderBytes + SlackBytes);
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                return null; // No room for another: this one serves on, and gives its space back when it is full.
            }

            PlanReserve();
            _ioBusy = true;
            return _tail;
        }
    }

    private void StartRolled(LogSegment segment)
    {
        DmtException? failure = null;
        var durable = _durableEnd;
        try
        {
            StartSegment(segment, ref durable);
            _medium.Sync(segment.File);
            segment.HasDurableHeader = true;
        }
        catch (Exception e)
        {
            failure = DmtException.Unavailable($"the log failed at {segment.Path}: {e.Message}", e);
        }

        Publish(_writtenEnd, durable, failure, Work.Write);
    }

    /// <summary>Makes the first segment, its header durable, and starts the workers.</summary>
    private void Start()
    {
        lock (_lock)
        {
            _tail = NewSegment(1, Math.Min(_options.SegmentBytes, ChunkBytesMin));
            _tail.Capacity = _options.SegmentBytes;
            _segments.Add(_tail);
            var durable = 0L;
            StartSegment(_tail, ref durable);
            _medium.Sync(_tail.File);
            PlanReserve();
        }

        _writer = _writeWork.RunAsync(WriteInBackground);
        _reserver = _reserveWork.RunAsync(ReserveInBackground);
    }

    /// <summary>
    /// Sees to it that a record of so many bytes fits into what the tail has reserved. Under the lock.
    /// </summary>
    private void EnsureSpace(int recordBytesMax)
    {
        var needed = (long)recordBytesMax + SlackBytes + (_open is null ? LogFormat.GroupHeaderBytes : 0);
        if (_tail.Used + needed > _tail.Reserved)
        {
            MakeSpace(recordBytesMax, needed);
        }
    }

    private void MakeSpace(int recordBytesMax, long needed)
    {
        var now = Now();
        if (_refused is not null && now - _refusedAt < RetryInterval)
        {
            throw DmtException.Unavailable(_refused);
        }

        try
        {
            if (_tail.Used == LogFormat.SegmentHeaderBytes)
            {
                _tail.Capacity = Math.Max(_tail.Capacity, _tail.Used + needed);
            }

            if (_tail.Used + needed <= _tail.Capacity)
            {
                lock (_reserveLock)
                {
                    Extend(_tail, _tail.Used + needed, Math.Min(_tail.Capacity, _tail.Reserved + Chunk()));
                }
            }
            else
            {
                SwitchSegment(
                    LogFormat.SegmentHeaderBytes + LogFormat.GroupHeaderBytes + (long)recordBytesMax + SlackBytes);
            }

            Volatile.Write(ref _refused, null);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw Refuse(e, now);
        }

        PlanReserve();
    }

    /// <summary>Makes the spare, or a new segment, the tail. Under the lock.</summary>
    private void SwitchSegment(long neededBytes)
    {
        var capacity = Math.Max(_options.SegmentBytes, neededBytes);
        var wanted = Math.Min(capacity, Math.Max(neededBytes, Chunk()));
        lock (_reserveLock)
        {
            _spare ??= NewSegment(_tail.Number + 1, wanted);
            Extend(_spare, neededBytes, wanted);
            SealGroup();
            _spare.StartPosition = _end;
            _spare.Capacity = capacity;
            _segments.Add(_spare);

            // Both in one hold of the lock: in between, the background would make a second spare of the same number.
            Volatile.Write(ref _tail, _spare);
            _spare = null;
        }
    }

    private LogSegment NewSegment(long number, long reserveBytes)
    {
        var path = LogFormat.SegmentPath(_folder, number);
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var segment = new LogSegment(number, path, LogFormat.GroupSeed(Incarnation, number), file);
            Extend(segment, reserveBytes, reserveBytes);
            NativeFile.SyncDirectory(_folder);
            return segment;
        }
        catch
        {
            file.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>
    /// Writes zeros up to <paramref name="wanted"/> bytes, or at least to <paramref name="needed"/>; where not even
    /// that fits, gives back what it took and throws.
    /// </summary>
    private void Extend(LogSegment segment, long needed, long wanted)
    {
        var before = segment.Reserved;
        var reserved = before;
        wanted = Math.Max(needed, wanted);
        try
        {
            while (reserved < wanted)
            {
                var piece = (int)Math.Min(wanted - reserved, LogMedium.ReserveBytesMax);
                _medium.Reserve(segment.File, reserved, piece);
                reserved += piece;
            }
        }
        catch (IOException e) when (FileErrors.IsDiskFull(e))
        {
            if (reserved < needed)
            {
                RandomAccess.SetLength(segment.File, before);
                throw;
            }

            RandomAccess.SetLength(segment.File, reserved);
        }

        segment.Reserved = Math.Max(before, reserved);
    }

    /// <summary>How much to reserve at once: more for a log that has grown large.</summary>
    private long Chunk() => Math.Clamp(Volatile.Read(ref _end) / 2, ChunkBytesMin, ChunkBytesMax);

    /// <summary>Says from which use of the tail on the background reserves more. Under the lock.</summary>
    private void PlanReserve()
    {
        var isLast = _tail.Reserved >= _tail.Capacity;
        _reserveFrom = isLast && Volatile.Read(ref _spare) is not null
            ? long.MaxValue
            : _tail.Reserved - (Chunk() / 2);
    }

    /// <summary>The background's share: extends the tail, or makes the next segment, before appends need it.</summary>
    private void ReserveInBackground()
    {
        Exception? failure = null;
        var now = Now(); // Before trying: what changes while it tries is for the next attempt to see.
        lock (_reserveLock)
        {
            if (_filesClosed)
            {
                return;
            }

            try
            {
                var tail = Volatile.Read(ref _tail);
                var wanted = Math.Min(tail.Capacity, tail.Reserved + Chunk());
                if (wanted > tail.Reserved)
                {
                    Extend(tail, wanted, wanted);
                }
                else if (_spare is null && tail == Volatile.Read(ref _tail))
                {
                    Volatile.Write(ref _spare, NewSegment(tail.Number + 1, Math.Min(_options.SegmentBytes, Chunk())));
                }
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                failure = e;
            }
        }

        lock (_lock)
        {
            if (failure is null)
            {
                Volatile.Write(ref _refused, null);
                PlanReserve();
            }
            else if (_refused is not null)
            {
                Refuse(failure, now);
            }
        }
    }

    /// <summary>
    /// Notes why there is no room; the timer tries again. What was accepted before is not touched by it. Under the
    /// lock.
    /// </summary>
    private DmtException Refuse(Exception error, TimeSpan now)
    {
        var refusal = DmtException.Unavailable(
            FileErrors.IsDiskFull(error)
                ? $"the disk of {_folder} is full: the log takes no more writes until there is room"
                : $"the log {_folder} cannot grow: {error.Message}",
            error);
        _refusedAt = now;
        Volatile.Write(ref _refused, refusal.Message);
        Arm(now + BackgroundRetryInterval);
        return refusal;
    }
}
