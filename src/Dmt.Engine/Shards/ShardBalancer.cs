// Carves shards that have grown too large and merges those that deletions have made small; one change at a time. What
// is done by load is in ShardBalancer.Load.cs.
//
// A shard tells of each of its manifests (Changed). Where its size asks for something it is queued, and looked at when
// its turn comes; by then all may be different, so everything is asked again. Nothing runs in between: what must wait
// for something waits in _later, for the end of a snapshot or for one timer that is there only as long as it is needed.
//
// Hysteresis: a carve needs more than ShardBytesMax and leaves at least a quarter of that in the parent; a merge needs
// less than a quarter in both together. And a merge needs that one of them has shrunk to half of what it once had, so
// that shards carved by command while they are empty stay, and that the carve is QuietTime ago.
//
// Samples are the index entries of the tables, so looking reads nothing: a separator is a prefix of the first key
// behind it (TableBuilder), or the last key before it, and so in the trie always at a node that has keys.
using Dmt.Core;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

internal sealed partial class ShardBalancer : IAsyncDisposable
{
    /// <summary>A shard is not merged sooner after it was carved.</summary>
    public static readonly TimeSpan QuietTime = TimeSpan.FromMinutes(10);

    /// <summary>
    /// So many shards are carved out at once, of those that the picker names: each is a request behind the closed gate,
    /// and a sync on a disk.
    /// </summary>
    private const int CarvedAtOnce = 8;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly ShardDirectory _shards;
    private readonly ShardHost _host;
    private readonly long _bytesMax;
    private readonly long _bytesMin;
    private readonly AsyncQueue<uint> _queue;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new(); // guards the fields below
    private readonly Dictionary<uint, long> _carvedAt = []; // timestamps
    private readonly HashSet<uint> _queued = [];
    private readonly HashSet<uint> _later = [];
    private readonly ITimer _timer;
    private long? _wakesAt; // timestamp; null when the timer is off
    private bool _serving;
    private readonly AsyncSignal _settled;
    private readonly Task _loop;

    public ShardBalancer(ShardDirectory shards, ShardHost host)
    {
        (_shards, _host) = (shards, host);
        _bytesMax = host.Options.ShardBytesMax ?? long.MaxValue;
        _bytesMin = host.Options.ShardBytesMin;
        _loadMax = host.Options.ShardLoadMax;
        _queue = new AsyncQueue<uint>(host.Scheduler);
        _settled = new AsyncSignal(host.Scheduler);
        _timer = host.Time.CreateTimer(
            static balancer => ((ShardBalancer)balancer!).AddLater(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _loop = host.Scheduler.Start(RunAsync);
    }

    /// <summary>Changes made so far.</summary>
    public (long Carves, long Carved, long Merges) Counts { get; private set; }

    /// <summary>A shard has another manifest, or is hot.</summary>
    public void Changed(Shard shard)
    {
        if (shard.DataBytes > _bytesMax || MayMerge(shard) || shard.Load.IsHot)
        {
            Add(shard.Id);
        }
    }

    /// <summary>
    /// It may be merged later. Were it closed, nobody would look at it any more: what it once had is known only as long
    /// as it is open.
    /// </summary>
    public bool MayMerge(Shard shard) => shard.DataBytes < _bytesMin && HasShrunk(shard);

    /// <summary>A shard was carved out, by whomever.</summary>
    public void Carved(uint id)
    {
        lock (_lock)
        {
            _carvedAt[id] = _host.Time.GetTimestamp();
        }
    }

    /// <summary>What could not be done because of it may go on.</summary>
    public void SnapshotClosed() => AddLater();

    /// <summary>Returns when everything that was asked for so far was looked at, and done or put off.</summary>
    public async ValueTask SettleAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            LinkedListNode<TaskCompletionSource> settled;
            lock (_lock)
            {
                if (_queued.Count == 0 && !_serving)
                {
                    return;
                }

                settled = _settled.Enlist();
            }

            await _settled.WaitAsync(settled, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _host.Scheduler.CancelAsync(_stop).ConfigureAwait(false);
        _queue.Complete();
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private static bool HasShrunk(Shard shard) => shard.DataBytes < shard.DataBytesMost / 2;

    /// <summary>What it has, in tables and in memory.</summary>
    private static long SizeOf(Shard shard) => shard.DataBytes + shard.Describe().MemtableBytes;

    private void Add(uint id)
    {
        lock (_lock)
        {
            if (_queued.Add(id))
            {
                _queue.TryAdd(id);
            }
        }
    }

    private void AddLater()
    {
        List<uint> due;
        lock (_lock)
        {
            due = [.. _later];
            _later.Clear();
            _wakesAt = null;
        }

        due.ForEach(Add);
    }

    private void TryLater(uint id, TimeSpan delay)
    {
        var at = _host.Time.GetTimestamp() + (long)(delay.TotalSeconds * _host.Time.TimestampFrequency);
        lock (_lock)
        {
            _later.Add(id);
            if (_wakesAt is null || at < _wakesAt)
            {
                _wakesAt = at;
                _timer.Change(delay, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (await _queue.TakeAsync(_stop.Token).ConfigureAwait(false) is (true, var id))
            {
                lock (_lock)
                {
                    _queued.Remove(id);
                    _serving = true;
                }

                if (await FindAsync(id).ConfigureAwait(false) is { } shard)
                {
                    await ServeAsync(shard).ConfigureAwait(false);
                }

                lock (_lock)
                {
                    _serving = false;
                }

                _settled.WakeAll();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped: what is not done is done after the next opening.
        }
    }

    private async ValueTask ServeAsync(Shard shard)
    {
        if (_shards.HasSnapshots)
        {
            lock (_lock)
            {
                _later.Add(shard.Id);
            }

            if (!_shards.HasSnapshots)
            {
                AddLater(); // Closed in between: nobody else comes.
            }

            return;
        }

        try
        {
            await BalanceAsync(shard).ConfigureAwait(false);
            shard.ReportProblem(BackgroundWork.Balance, null);
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Fenced or DmtErrorKind.Corruption)
        {
            // Trying again would not help. It stays visible as the shard's problem.
            shard.ReportProblem(BackgroundWork.Balance, e);
        }
        catch (DmtException e)
        {
            // The store is out of reach, or the shard was changed by somebody else meanwhile.
            shard.ReportProblem(BackgroundWork.Balance, e);
            TryLater(shard.Id, RetryDelay);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            shard.ReportProblem(BackgroundWork.Balance, e);
        }
    }

    private async ValueTask BalanceAsync(Shard shard)
    {
        if (shard.DataBytes > _bytesMax)
        {
            await CarveAsync(shard).ConfigureAwait(false);
            return;
        }

        if (shard.Load.IsHot)
        {
            await CarveByLoadAsync(shard).ConfigureAwait(false);
            return;
        }

        if (WasCarvedByLoad(shard.Id))
        {
            await MergeCooledAsync(shard).ConfigureAwait(false);
            return;
        }

        if (SizeOf(shard) >= _bytesMin)
        {
            return;
        }

        if (_shards.Map.TryGet(shard.Id, out _) && _shards.Map.Parent(shard.Id) is { } above)
        {
            var parent = await _shards.GetAsync(above.Shard, _stop.Token).ConfigureAwait(false);
            if (await MergeAsync(shard, parent).ConfigureAwait(false))
            {
                return;
            }
        }

        foreach (var entry in _shards.Map.Children(shard.Id).ToList())
        {
            if (_shards.TryGetOpen(entry.Shard, out var child))
            {
                await MergeAsync(child, shard).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask CarveAsync(Shard shard)
    {
        var samples = SamplesOf(shard.Describe().Tables);
        var prefixes = CarvePicker.Pick(shard.Prefix, shard.OwnedRanges, samples);
        foreach (var some in prefixes.Chunk(CarvedAtOnce))
        {
            var made = await _shards.CarveAsync(
                [.. some.Select(static prefix => (ReadOnlyMemory<byte>)prefix)], _stop.Token).ConfigureAwait(false);
            Counts = Counts with { Carves = Counts.Carves + 1, Carved = Counts.Carved + made.Count };
            foreach (var id in made)
            {
                if (_shards.TryGetOpen(id, out var child))
                {
                    Changed(child);
                }
            }
        }

        if (prefixes.Count > 0)
        {
            Changed(shard);
        }
    }

    private TimeSpan QuietLeft(uint id)
    {
        lock (_lock)
        {
            if (!_carvedAt.TryGetValue(id, out var at))
            {
                return TimeSpan.Zero;
            }

            var left = QuietTime - _host.Time.GetElapsedTime(at);
            if (left <= TimeSpan.Zero)
            {
                _carvedAt.Remove(id);
            }

            return left;
        }
    }

    /// <returns>False where the two are to stay what they are, for now at least.</returns>
    private async ValueTask<bool> MergeAsync(Shard child, Shard parent)
    {
        if (SizeOf(child) + SizeOf(parent) >= _bytesMin || !(HasShrunk(child) || HasShrunk(parent)))
        {
            return false;
        }

        var (quiet, cooling) = (QuietLeft(child.Id), CoolingLeft(child, parent));
        if ((quiet > cooling ? quiet : cooling) is var left && left > TimeSpan.Zero)
        {
            TryLater(child.Id, left);
            return false;
        }

        await _shards.MergeAsync(child.Id, _stop.Token).ConfigureAwait(false);
        Counts = Counts with { Merges = Counts.Merges + 1 };
        Changed(parent);
        return true;
    }

    /// <summary>Of each block inside the bounds of its table the bytes, at a key before all of its own.</summary>
    internal static IEnumerable<WeightedKey> SamplesOf(TableSet tables)
    {
        foreach (var table in tables.Levels.SelectMany(static level => level))
        {
            var index = table.Index;
            var bounds = table.Info.Bounds;
            for (var i = index.Find(table.Info.Smallest); i < index.Count; i++)
            {
                var before = i == 0 ? [] : index.Separator(i - 1).ToArray();
                var key = before.AsSpan().SequenceCompareTo(table.Info.Smallest) < 0 ? table.Info.Smallest : before;
                if (bounds.End is { } end && key.AsSpan().SequenceCompareTo(end.Span) >= 0)
                {
                    break;
                }

                yield return new WeightedKey(key, index.BlockLength(i));
            }
        }
    }
}
