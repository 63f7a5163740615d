using Dmt.Core;
using Dmt.Engine.Platform;

namespace Dmt.Engine.Log;

public sealed partial class FileLog
{
    /// <summary>What default-level writes wait for the medium at most, the sync itself not counted.</summary>
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>While appends are refused, how often the background looks for room.</summary>
    private static readonly TimeSpan BackgroundRetryInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan OneMillisecond = TimeSpan.FromMilliseconds(1);

    private readonly ITimer _timer;
    private readonly LogWorker _writeWork = new();
    private readonly LogWorker _reserveWork = new();
    private Task _writer = Task.CompletedTask;
    private Task _reserver = Task.CompletedTask;

    private bool _syncWanted;
    private bool _writeWanted;
    private long _operationsSinceSync;

    /// <summary>Shortest interval asked for by a record of the open group.</summary>
    private TimeSpan _openInterval = TimeSpan.MaxValue;

    /// <summary>When what is not yet synced has to be; since the log was created.</summary>
    private TimeSpan _dueAt = TimeSpan.MaxValue;

    /// <summary>When the timer fires; since the log was created.</summary>
    private TimeSpan _timerAt = TimeSpan.MaxValue;

    [Flags]
    private enum Work
    {
        None = 0,
        Write = 1,
        Reserve = 2,
    }

    /// <summary>
    /// Writes and syncs everything and marks the log as cleanly closed. Appends after it began get Closed.
    /// </summary>
    /// <exception cref="DmtException">Unavailable where that fails, or the log had failed before: all is released all
    /// the same.</exception>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        try
        {
            await DrainAsync().ConfigureAwait(false);
            await StopWorkersAsync().ConfigureAwait(false);
            WriteCloseMark();
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, _folder, _tail.Path);
        }
        finally
        {
            await StopWorkersAsync().ConfigureAwait(false);
            CloseFiles();
        }
    }

    /// <summary>For tests: lets go of everything as a killed process would, with nothing written or synced.</summary>
    internal async Task AbandonAsync()
    {
        lock (_lock)
        {
            _closed = true;
            _failure ??= DmtException.Closed($"the log {_folder}");
        }

        await StopWorkersAsync().ConfigureAwait(false);
        CloseFiles();
        lock (_lock)
        {
            foreach (var waiter in _waiters)
            {
                waiter.Completion.TrySetException(_failure);
            }
        }
    }

    private async Task DrainAsync()
    {
        while (true)
        {
            TaskCompletionSource? queued = null;
            lock (_lock)
            {
                ThrowIfFailed();
                if (_ioBusy)
                {
                    queued = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    _waiters.Add(new Waiter(_end, queued));
                }
                else if (_durableEnd == _end)
                {
                    return;
                }
                else
                {
                    _ioBusy = true;
                }
            }

            if (queued is null)
            {
                WriteOut(sync: true, Work.Write);
            }
            else
            {
                await queued.Task.ConfigureAwait(false);
            }
        }
    }

    private async Task StopWorkersAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        _writeWork.Stop();
        _reserveWork.Stop();
        await _writer.ConfigureAwait(false);
        await _reserver.ConfigureAwait(false);
    }

    /// <summary>With everything durable, nobody appending and no worker running.</summary>
    private void WriteCloseMark()
    {
        var mark = new LogGroup
        {
            Buffer = new byte[LogFormat.GroupHeaderBytes],
            Length = LogFormat.GroupHeaderBytes,
            Segment = _tail,
            Offset = _tail.Used,
            StartPosition = _end,
        };
        var durable = _durableEnd;
        WriteGroup(mark, GroupKind.Close, ref durable);
        RandomAccess.SetLength(_tail.File, _tail.Used + LogFormat.GroupHeaderBytes);
        _medium.Sync(_tail.File);
        if (_spare is { } spare)
        {
            spare.File.Dispose();
            File.Delete(spare.Path);
        }
    }

    private void CloseFiles()
    {
        lock (_reserveLock)
        {
            _filesClosed = true;
            _spare?.File.Dispose();
        }

        _timer.Dispose();
        lock (_lock)
        {
            foreach (var segment in _segments)
            {
                segment.File.Dispose();
            }
        }
    }

    private void Wake(Work work)
    {
        if ((work & Work.Write) != 0)
        {
            _writeWork.Wake();
        }

        if ((work & Work.Reserve) != 0)
        {
            _reserveWork.Wake();
        }
    }

    private TimeSpan Now() => _time.GetElapsedTime(_created);

    /// <summary>Notes when a record that was just appended has to be synced. Under the lock.</summary>
    private void SetDeadline(TimeSpan interval)
    {
        if (interval == TimeSpan.Zero || interval > DefaultInterval)
        {
            interval = DefaultInterval;
        }

        // Records of one group that ask for no less than an earlier one are covered by its deadline.
        if (interval >= _openInterval)
        {
            return;
        }

        _openInterval = interval;
        var due = Now() + interval;
        if (due < _dueAt)
        {
            _dueAt = due;
            Arm(due);
        }
    }

    /// <summary>Sees to it that the timer fires by then. It may fire early, for nobody. Under the lock.</summary>
    private void Arm(TimeSpan at)
    {
        if (at < _timerAt && !_closed)
        {
            _timerAt = at;
            var wait = at - Now();
            _timer.Change(wait > OneMillisecond ? wait : OneMillisecond, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnTimer()
    {
        var wake = Work.None;
        lock (_lock)
        {
            _timerAt = TimeSpan.MaxValue;
            if (_failure is not null)
            {
                return;
            }

            var now = Now();
            if (_dueAt <= now)
            {
                _syncWanted = true;
                wake |= Work.Write;
            }
            else if (_dueAt != TimeSpan.MaxValue)
            {
                Arm(_dueAt);
            }

            if (_refused is not null)
            {
                wake |= Work.Reserve;
            }
        }

        Wake(wake);
    }

    /// <summary>
    /// The background's share of writing: until nothing is wanted or someone else owns the I/O, who wakes it again.
    /// </summary>
    private void WriteInBackground()
    {
        while (true)
        {
            bool sync;
            lock (_lock)
            {
                sync = _syncWanted || _waiters.Count > 0;
                if (_ioBusy || _failure is not null || (!sync && !_writeWanted))
                {
                    return;
                }

                _ioBusy = true;
            }

            WriteOut(sync, Work.None);
        }
    }
}
