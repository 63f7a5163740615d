// The node log on an object store. Records gather in an open batch, by shard; a sealed batch becomes the object
// log/{incarnation}/{number}, created only if absent. Several uploads are under way at once; they are acknowledged in
// order: a position is durable once its batch and all before it are there.
//
//   append -> open batch -> sealed, numbered -> uploading (up to UploadsMax) -> there -> durable, when all before it
//   are
//
// When the open batch is sealed: it is full; or somebody waits for it, as many wait as were acknowledged since the last
// seal or Linger has passed since they were (who has just been acknowledged is likely to write again at once, and they
// share a request), and either no upload is under way or Linger has passed since the last seal; or its oldest record is
// due. So a lone writer never waits for company, and many who write in turns go together.
//
// Fencing: a successor creates a fence at the first number that is free. The upload of that number then fails, and with
// it everything from there on, though later numbers may exist: they were never acknowledged, and recovery stops at the
// fence. An upload whose outcome is unknown is tried again until it is known; finding the very bytes that it writes
// means that it had succeeded.
using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Log;

internal sealed partial class ObjectLog : INodeLog
{
    private readonly Lock _lock = new(); // guards everything that is not readonly or said otherwise
    private readonly IObjectStore _objects;
    private readonly ObjectLogOptions _options;
    private readonly TimeProvider _time;
    private readonly EngineScheduler _scheduler;
    private readonly long _created;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _stop = new();
    private readonly AsyncSignal _room;

    /// <summary>Sealed batches that are not durable yet, in order of numbers.</summary>
    private readonly List<Batch> _sealed = [];
    private readonly List<Waiter> _waiters = [];
    private Batch _open;
    private long _nextNumber;
    private long _released;
    private long _end;
    private long _durableEnd;
    private long _unwritten;
    private long _bytesWritten;
    private int _uploads;
    private TimeSpan _lastSealAt = TimeSpan.MinValue;
    private int _returning; // waiters acknowledged since the last seal
    private TimeSpan _lastAcknowledgedAt;
    private DmtException? _failure;
    private string? _refused;
    private bool _closed;
    private long _aloneAt;

    public ObjectLog(
        IObjectStore objects, string incarnation, ObjectLogOptions options, TimeProvider time,
            EngineScheduler scheduler)
    {
        LogFormat.CheckIncarnation(incarnation);
        (_objects, Incarnation, _options, _time, _scheduler) = (objects, incarnation, options, time, scheduler);
        _created = _aloneAt = time.GetTimestamp();
        _room = new AsyncSignal(scheduler);
        _open = new Batch(0, 0);
        _timer = time.CreateTimer(
            static log => ((ObjectLog)log!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private readonly record struct Waiter(long Position, TaskCompletionSource Completion);

    public string Incarnation { get; }

    public Fence Fence { get; } = new();

    public long End => Volatile.Read(ref _end);

    public long DurableEnd => Volatile.Read(ref _durableEnd);

    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    public long LiveBytes => Volatile.Read(ref _bytesWritten);

    public long Objects => Volatile.Read(ref _nextNumber);

    public string? RefusedBecause => Volatile.Read(ref _failure)?.Message ?? Volatile.Read(ref _refused);

    public long AloneAt => Volatile.Read(ref _aloneAt);

    public bool HasRoom => Volatile.Read(ref _unwritten) < _options.UnwrittenBytesMax;

    /// <summary>Uploads that have succeeded.</summary>
    public long Uploaded { get; private set; }

    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (!HasRoom)
        {
            LinkedListNode<TaskCompletionSource> room;
            lock (_lock)
            {
                ThrowIfUnusable();
                if (_refused is { } refused)
                {
                    throw DmtException.Unavailable(refused);
                }

                room = _room.Enlist();
            }

            await _room.WaitAsync(room, cancellationToken).ConfigureAwait(false);
        }
    }

    public long Append(
        uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations, Durability durability)
    {
        Batch? full;
        long position;
        lock (_lock)
        {
            ThrowIfUnusable();
            var section = _open.Section(shard);
            var to = section.Prepare(LogFormat.RecordHeadBytesMax + operations.Length);
            var head = LogFormat.WriteRecordHead(to, shard, epoch, firstSeq, count);
            operations.CopyTo(to[head..]);
            LogFormat.WriteRecordLength(to, operations.Length);
            section.Commit(head + operations.Length, firstSeq, count);
            position = Count(head + operations.Length, count, durability, out full);
        }

        Start(full);
        return position;
    }

    public long Append(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation, Durability durability)
    {
        Batch? full;
        long position;
        lock (_lock)
        {
            ThrowIfUnusable();
            var section = _open.Section(shard);
            var to = section.Prepare(LogFormat.RecordHeadBytesMax + operation.EncodedBytesMax);
            var head = LogFormat.WriteRecordHead(to, shard, epoch, firstSeq, 1);
            var length = operation.Encode(to[head..]);
            LogFormat.WriteRecordLength(to, length);
            section.Commit(head + length, firstSeq, 1);
            position = Count(head + length, 1, durability, out full);
        }

        Start(full);
        return position;
    }

    public ValueTask WaitDurableAsync(long position, CancellationToken cancellationToken)
    {
        TaskCompletionSource completion;
        Batch? ready;
        lock (_lock)
        {
            if (_durableEnd >= position)
            {
                return ValueTask.CompletedTask;
            }

            ThrowIfFailed();
            completion = _scheduler.NewCompletion();
            _waiters.Add(new Waiter(position, completion));
            if (position > _open.StartPosition)
            {
                _open.IsAwaited = true;
                _open.Waiters++;
            }

            ready = SealIfDue();
        }

        Start(ready);
        return new ValueTask(completion.Task.WaitAsync(cancellationToken));
    }

    /// <summary>The number of the batch that holds what follows the position.</summary>
    public long ReplayFrom(long position)
    {
        lock (_lock)
        {
            foreach (var batch in _sealed)
            {
                if (position < batch.EndPosition)
                {
                    return batch.Number;
                }
            }

            return _open.Number;
        }
    }

    /// <summary>Nothing is deleted here: that is the garbage collector's.</summary>
    public IReadOnlyList<string> Release(long position)
    {
        lock (_lock)
        {
            var first = _released;
            _released = Math.Max(first, position);
            return
            [
                .. Enumerable.Range(0, (int)(_released - first))
                    .Select(i => ObjectLogFormat.NameOf(Incarnation, first + i)),
            ];
        }
    }

    /// <summary>Uploads what is left, then refuses appends.</summary>
    /// <exception cref="DmtException">
    /// Unavailable when the store took it not in time: what was not durable is lost.
    /// </exception>
    public async ValueTask DisposeAsync()
    {
        Batch? last;
        TaskCompletionSource? done = null;
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            last = _open.Length > 0 && _failure is null ? Seal() : null;
            if (_durableEnd < _end && _failure is null)
            {
                done = _scheduler.NewCompletion();
                _waiters.Add(new Waiter(_end, done));
            }
        }

        Start(last);
        try
        {
            if (done is not null)
            {
                await done.Task.WaitAsync(_options.CloseTimeout, _time).ConfigureAwait(false);
            }
        }
        catch (TimeoutException e) when (DurableEnd < End)
        {
            throw DmtException.Unavailable(
                $"the log {Incarnation} was closed with {_end - _durableEnd} bytes that {_objects.Description} did "
                    + $"not take"
                    + $" within {_options.CloseTimeout.TotalSeconds} s", e);
        }
        catch (TimeoutException)
        {
            // The store took all at the last moment: nothing is lost.
        }
        finally
        {
            await _scheduler.CancelAsync(_stop).ConfigureAwait(false);
            await _timer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Counts a record in. Under the lock.</summary>
    private long Count(int bytes, int operations, Durability durability, out Batch? full)
    {
        if (_open.Length == 0)
        {
            _open.OldestAt = Now();
        }

        _open.Length += bytes;
        _open.Operations += operations;
        Volatile.Write(ref _unwritten, _unwritten + bytes);
        Volatile.Write(ref _end, _end + bytes);
        _open.EndPosition = _end;
        var interval = durability.Interval > TimeSpan.Zero && durability.Interval < _options.Interval
            ? durability.Interval
            : _options.Interval;
        _open.DueAt = TimeSpan.FromTicks(Math.Min(_open.DueAt.Ticks, (Now() + interval).Ticks));
        _open.IsAwaited |= durability.Operations > 0 && _open.Operations >= durability.Operations;
        full = SealIfDue();
        return _end;
    }

    private TimeSpan Now() => _time.GetElapsedTime(_created);

    private void ThrowIfUnusable()
    {
        ThrowIfFailed();
        if (_closed)
        {
            throw DmtException.Closed($"the log {Incarnation}");
        }
    }

    private void ThrowIfFailed()
    {
        if (_failure is { } failure)
        {
            throw new DmtException(failure.Kind, failure.Message, failure);
        }
    }

    /// <summary>Records on their way into one object.</summary>
    private sealed class Batch(long number, long startPosition)
    {
        private readonly List<ObjectLogSection> _sections = [];

        public long Number { get; } = number;

        public long StartPosition { get; } = startPosition;

        public long EndPosition { get; set; } = startPosition;

        public int Length { get; set; }

        public long Operations { get; set; }

        public TimeSpan OldestAt { get; set; }

        /// <summary>When it was sealed, as a timestamp: before any upload of it began.</summary>
        public long SealedAt { get; set; }

        /// <summary>When it must be sealed even if nobody waits.</summary>
        public TimeSpan DueAt { get; set; } = TimeSpan.MaxValue;

        /// <summary>How many wait for it.</summary>
        public int Waiters { get; set; }

        /// <summary>Somebody waits for it.</summary>
        public bool IsAwaited { get; set; }

        public bool IsThere { get; set; }

        public IReadOnlyCollection<ObjectLogSection> Sections => _sections;

        public ObjectLogSection Section(uint shard)
        {
            // Few shards write at a time; the last one used is the likely one.
            for (var i = _sections.Count - 1; i >= 0; i--)
            {
                if (_sections[i].Shard == shard)
                {
                    return _sections[i];
                }
            }

            var section = new ObjectLogSection(shard);
            _sections.Add(section);
            return section;
        }
    }
}
