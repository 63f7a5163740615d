using Dmt.Core;

namespace Dmt.Engine.Log;

public sealed partial class FileLog
{
    /// <summary>Buffers over this size are not kept for reuse.</summary>
    private const int KeptBufferBytesMax = 2 << 20;
    private const int KeptBuffers = 4;

    private readonly List<Waiter> _waiters = [];

    /// <summary>Set while someone owns the I/O. The rest of these fields belong to the owner.</summary>
    private bool _ioBusy;
    private readonly List<LogGroup> _writing = [];
    private LogSegment? _writeSegment;
    private long _writtenEnd;

    /// <summary>
    /// Completes when everything before <paramref name="position"/> is durable. One sync serves all that wait: where
    /// none is running the calling thread writes and syncs itself and the task is complete when this returns.
    /// </summary>
    /// <param name="position">At most <see cref="End"/>.</param>
    /// <param name="cancellationToken">Ends the waiting, not the sync.</param>
    /// <exception cref="DmtException">Unavailable where the log failed; Closed.</exception>
    public ValueTask WaitDurableAsync(long position, CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref _durableEnd) >= position)
        {
            return ValueTask.CompletedTask;
        }

        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource? queued = null;
        lock (_lock)
        {
            if (_durableEnd >= position)
            {
                return ValueTask.CompletedTask;
            }

            ArgumentOutOfRangeException.ThrowIfGreaterThan(position, _end);
            ThrowIfFailed();
            if (_ioBusy)
            {
                queued = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiters.Add(new Waiter(position, queued));
            }
            else
            {
                _ioBusy = true;
            }
        }

        if (queued is not null)
        {
            return new ValueTask(
                cancellationToken.CanBeCanceled ? queued.Task.WaitAsync(cancellationToken) : queued.Task);
        }

        WriteOut(sync: true, Work.Write);
        return DurableEnd >= position ? ValueTask.CompletedTask : ValueTask.FromException(_failure!);
    }

    /// <summary>Where too much is unwritten, waits for the I/O or does it.</summary>
    private void WaitForRoom()
    {
        while (Volatile.Read(ref _unwritten) > _options.UnwrittenBytesMax)
        {
            lock (_lock)
            {
                if (_failure is not null)
                {
                    return; // The append tells.
                }

                if (_ioBusy)
                {
                    Monitor.Wait(_lock);
                    continue;
                }

                _ioBusy = true;
            }

            WriteOut(sync: false, Work.Write);
        }
    }

    /// <summary>
    /// Writes everything appended so far, syncs it where asked, completes whom that serves, and gives up the I/O, which
    /// the caller owns.
    /// </summary>
    /// <param name="sync">Also make it durable.</param>
    /// <param name="wake">What to wake where more is to be done: nothing, where the caller is the worker and looks
    /// itself.</param>
    private void WriteOut(bool sync, Work wake)
    {
        long end;
        lock (_lock)
        {
            SealGroup();
            _writing.AddRange(_pending);
            _pending.Clear();
            end = _end;
            _writeWanted = false;
            if (sync)
            {
                _syncWanted = false;
                _operationsSinceSync = 0;
                _dueAt = TimeSpan.MaxValue;
            }
        }

        DmtException? failure = null;
        var durable = _durableEnd;
        try
        {
            foreach (var group in _writing)
            {
                WriteGroup(group, GroupKind.Records, ref durable);
            }

            if (sync && end > durable)
            {
                _medium.Sync(_writeSegment!.File);
                durable = end;
            }
        }
        catch (Exception e)
        {
            // Whatever it was, the file is not what the log believes it to be.
            failure = DmtException.Unavailable($"the log failed at {_writeSegment?.Path}: {e.Message}", e);
        }

        Publish(end, durable, failure, wake);
    }

    /// <summary>
    /// Checksums a group and writes it where it belongs; the first of a segment brings the header along.
    /// </summary>
    private void WriteGroup(LogGroup group, GroupKind kind, ref long durable)
    {
        var segment = group.Segment;
        if (segment != _writeSegment)
        {
            StartSegment(segment, ref durable);
        }

        var bytes = group.Buffer.AsSpan(0, group.Length);
        LogFormat.WriteGroupHeader(bytes, segment.Seed, kind, group.StartPosition, durable);
        _medium.Write(segment.File, group.Offset, bytes);
    }

    /// <summary>
    /// Syncs and closes the segment before, so that a segment that has begun proves the one before it complete.
    /// </summary>
    private void StartSegment(LogSegment segment, ref long durable)
    {
        if (_writeSegment is { } before)
        {
            _medium.Sync(before.File);
            durable = segment.StartPosition;
            before.File.Dispose();
        }

        _writeSegment = segment;
        Span<byte> header = stackalloc byte[LogFormat.SegmentHeaderBytes];
        LogFormat.WriteSegmentHeader(header, Incarnation, segment.Number, segment.StartPosition);
        _medium.Write(segment.File, 0, header);
    }

    private void Publish(long end, long durable, DmtException? failure, Work wake)
    {
        List<TaskCompletionSource>? served = null;
        bool more;
        lock (_lock)
        {
            _failure ??= failure;
            Volatile.Write(ref _durableEnd, durable);
            Volatile.Write(ref _unwritten, _unwritten - (end - _writtenEnd));
            _writtenEnd = end;
            foreach (var group in _writing)
            {
                if (group.Buffer.Length <= KeptBufferBytesMax && _free.Count < KeptBuffers)
                {
                    _free.Push(group);
                }
            }

            _writing.Clear();
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (_waiters[i].Position <= durable || _failure is not null)
                {
                    (served ??= []).Add(_waiters[i].Completion);
                    _waiters.RemoveAt(i);
                }
            }

            _ioBusy = false;
            more = _failure is null && (_waiters.Count > 0 || _syncWanted || _writeWanted);
            Monitor.PulseAll(_lock);
        }

        if (more)
        {
            Wake(wake);
        }

        Complete(served);
    }

    private void Complete(List<TaskCompletionSource>? served)
    {
        // Backwards: the waiters were collected last first.
        for (var i = (served?.Count ?? 0) - 1; i >= 0; i--)
        {
            if (_failure is { } failed)
            {
                served![i].SetException(failed);
            }
            else
            {
                served![i].SetResult();
            }
        }
    }

    private readonly record struct Waiter(long Position, TaskCompletionSource Completion);
}
