using Dmt.Core.Keys;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Keyspaces;

/// <summary>
/// What has changed and may not be in the copies yet: keys and ranges of keys, numbered in the order in which they were
/// noted. One consumer takes them; anybody notes and waits. Safe for concurrent use.
/// </summary>
/// <param name="time">Tells the lag.</param>
/// <param name="scheduler">Completes waiters.</param>
internal sealed class DirtyQueue(TimeProvider time, EngineScheduler scheduler)
{
    /// <summary>More bytes of keys than that do not wait in memory.</summary>
    private const long BytesMax = 32L << 20;

    /// <summary>What a key takes beside its bytes, about.</summary>
    private const int KeyOverhead = 40;

    private readonly Lock _lock = new(); // guards what follows; innermost: notes come under the locks of shards
    private readonly LinkedList<DirtyRange> _ranges = new();
    private readonly AsyncSignal _changed = new(scheduler);
    private List<byte[]> _keys = [];
    private long _bytes;
    private long _noted; // the number of the last note
    private long _firstKey; // of the oldest key that waits
    private long _keysSince; // when that was noted
    private long _takenFirst; // of the oldest key that was taken and is not finished; 0 where there is none
    private long _takenSince;
    private bool _consumerWaits;

    /// <summary>Writers should wait.</summary>
    public bool IsFull => Volatile.Read(ref _bytes) > BytesMax;

    /// <summary>Nothing waits and nothing is being done.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _keys.Count == 0 && _takenFirst == 0 && _ranges.Count == 0;
            }
        }
    }

    public bool HasRanges
    {
        get
        {
            lock (_lock)
            {
                return _ranges.Count > 0;
            }
        }
    }

    /// <summary>How long ago the oldest note was made that is not done.</summary>
    public TimeSpan Lag
    {
        get
        {
            lock (_lock)
            {
                var oldest = long.MaxValue;
                oldest = _takenFirst > 0 ? Math.Min(oldest, _takenSince) : oldest;
                oldest = _keys.Count > 0 ? Math.Min(oldest, _keysSince) : oldest;
                oldest = _ranges.First is { } first ? Math.Min(oldest, first.Value.NotedAt) : oldest;
                return oldest == long.MaxValue ? TimeSpan.Zero : time.GetElapsedTime(oldest);
            }
        }
    }

    public void Note(ReadOnlySpan<byte> key)
    {
        var copy = key.ToArray();
        lock (_lock)
        {
            _noted++;
            if (_keys.Count == 0)
            {
                (_firstKey, _keysSince) = (_noted, time.GetTimestamp());
            }

            _keys.Add(copy);
            _bytes += copy.Length + KeyOverhead;
        }

        WakeConsumer();
    }

    public void Note(DirtyRange range)
    {
        lock (_lock)
        {
            (range.Number, range.NotedAt) = (++_noted, time.GetTimestamp());
            _ranges.AddLast(range);
        }

        WakeConsumer();
    }

    /// <summary>Keeps ranges in the place of the keys that wait: less memory, more work.</summary>
    public void Replace(IEnumerable<DirtyRange> ranges)
    {
        lock (_lock)
        {
            var (number, since) = (_firstKey, _keysSince);
            foreach (var range in _keys.Count > 0 ? ranges : [])
            {
                (range.Number, range.NotedAt) = (number, since);
                _ranges.AddFirst(range);
            }

            _keys = [];
            _bytes = 0;
        }

        _changed.WakeAll();
    }

    /// <summary>The keys that wait, until <see cref="FinishKeys"/>; those before them must be finished.</summary>
    public List<byte[]> TakeKeys()
    {
        List<byte[]> taken;
        lock (_lock)
        {
            taken = _keys;
            if (taken.Count > 0)
            {
                (_takenFirst, _takenSince) = (_firstKey, _keysSince);
                _keys = [];
                _bytes = 0;
            }
        }

        if (taken.Count > 0)
        {
            _changed.WakeAll();
        }

        return taken;
    }

    public void FinishKeys()
    {
        lock (_lock)
        {
            _takenFirst = 0;
        }

        _changed.WakeAll();
    }

    /// <summary>The oldest range; null where there is none.</summary>
    public DirtyRange? PeekRange()
    {
        lock (_lock)
        {
            return _ranges.First?.Value;
        }
    }

    public void Finish(DirtyRange range)
    {
        lock (_lock)
        {
            _ranges.Remove(range);
        }

        _changed.WakeAll();
    }

    /// <summary>Everybody who waits looks again.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _consumerWaits = false;
        }

        _changed.WakeAll();
    }

    /// <summary>Completes when there is something to do, or <paramref name="isWoken"/> says so.</summary>
    public async ValueTask WaitForWorkAsync(Func<bool> isWoken, CancellationToken cancellationToken)
    {
        while (true)
        {
            LinkedListNode<TaskCompletionSource> turn;
            lock (_lock)
            {
                if (_keys.Count > 0 || _ranges.Count > 0 || isWoken())
                {
                    return;
                }

                _consumerWaits = true;
                turn = _changed.Enlist();
            }

            await _changed.WaitAsync(turn, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Completes when everything is done that has been noted so far.</summary>
    /// <param name="isReady">False where there is more to be done that is not noted yet.</param>
    /// <param name="check">Throws where that will not happen.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask WaitDoneAsync(Func<bool> isReady, Action check, CancellationToken cancellationToken)
    {
        long number = -1;
        while (true)
        {
            LinkedListNode<TaskCompletionSource> turn;
            lock (_lock)
            {
                number = number < 0 && isReady() ? _noted : number;
                if (number >= 0 && DoneUpTo() >= number)
                {
                    return;
                }

                turn = _changed.Enlist();
            }

            await WaitAsync(turn, check, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Completes when there is room for keys.</summary>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            LinkedListNode<TaskCompletionSource> turn;
            lock (_lock)
            {
                if (!IsFull)
                {
                    return;
                }

                turn = _changed.Enlist();
            }

            await _changed.WaitAsync(turn, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask WaitAsync(
        LinkedListNode<TaskCompletionSource> turn, Action check, CancellationToken cancellationToken)
    {
        try
        {
            check();
        }
        catch
        {
            _changed.Leave(turn);
            throw;
        }

        await _changed.WaitAsync(turn, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Under _lock.</summary>
    private long DoneUpTo()
    {
        var done = _noted;
        done = _takenFirst > 0 ? Math.Min(done, _takenFirst - 1) : done;
        done = _keys.Count > 0 ? Math.Min(done, _firstKey - 1) : done;
        foreach (var range in _ranges)
        {
            done = Math.Min(done, range.Number - 1);
        }

        return done;
    }

    private void WakeConsumer()
    {
        if (Volatile.Read(ref _consumerWaits))
        {
            Wake();
        }
    }
}

/// <summary>Keys of one keyspace that may differ from their copies.</summary>
/// <param name="keyspace">The keyspace.</param>
/// <param name="range">What is left of it to compare.</param>
internal sealed class DirtyRange(Keyspace keyspace, KeyRange range)
{
    public Keyspace Keyspace => keyspace;

    /// <summary>What is left of it to compare.</summary>
    public KeyRange Left { get; set; } = range;

    /// <summary>Only where the copies do not have what the shard had in tables when it was opened.</summary>
    public (uint Shard, ulong Flushed)? Unless { get; set; }

    /// <summary>The generation that is built when it is done; 0 where it is there already.</summary>
    public uint Builds { get; init; }

    /// <summary>Its place among the notes.</summary>
    public long Number { get; set; }

    /// <summary>When it was noted, as a timestamp.</summary>
    public long NotedAt { get; set; }
}
