// The main's side of replication: keeps the newest records, and drives one ReplicaLink for each replica.
//
// - A writer only ever copies its record into the buffer and wakes the links. What a link cannot get from the buffer
//   any more its replica gets from the bucket, or as tables: see ReplicaLink.cs.
// - In a bucket the records of all shards go, in the order in which they were written, counted as one row; and which
//   shards have newer manifests. Over folders there is one shard.
// - A strict write waits for Acks replicas to say that they have everything up to it.
// - Over a folder nothing but the replicas can tell an old main that there is a newer one. So it takes no writes
//   before one of them has said that there is none (unless it may start alone).
using System.Buffers;
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

internal sealed class Shipper : IAsyncDisposable
{
    private readonly Lock _lock = new(); // guards _waiters and what links say of acknowledgements
    private readonly List<(ulong Sequence, TaskCompletionSource Completion)> _waiters = [];
    private readonly ShipmentBuffer _buffer;
    private readonly EngineScheduler _scheduler;
    private readonly CancellationTokenSource _stop = new();
    private readonly uint _rootId;
    private readonly Dictionary<uint, long> _changed = []; // when each shard's manifest changed last; guarded by itself
    private long _changes; // of manifests; guarded by _changed
    private Task _links = Task.CompletedTask;
    private ShardHost? _host;
    private Shard? _shard;
    private volatile bool _isConfirmed;

    /// <param name="shard">The root shard, whose owner is the main.</param>
    /// <param name="replicas">Where to, by name.</param>
    /// <param name="isShared">Replicas read tables from the same bucket.</param>
    /// <param name="options">Valid settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Runs the links.</param>
    /// <param name="random">Spreads retries.</param>
    public Shipper(
        uint shard,
        IReadOnlyList<(string Name, IReplicaChannel Channel)> replicas,
        bool isShared,
        ReplicationOptions options,
        TimeProvider time,
        EngineScheduler scheduler,
        Random random)
    {
        (_rootId, IsShared, Options, Time, _scheduler) = (shard, isShared, options, time, scheduler);
        _buffer = new ShipmentBuffer(options.BufferBytesMax);
        News = new AsyncSignal(scheduler);
        ManifestNews = new AsyncSignal(scheduler);
        Links = [.. replicas.Select(replica =>
            new ReplicaLink(this, replica.Name, replica.Channel, new Random(random.Next())))];
        _isConfirmed = isShared || options.StartsAlone || replicas.Count == 0;
    }

    public IReadOnlyList<ReplicaLink> Links { get; }

    public ReplicationOptions Options { get; }

    public TimeProvider Time { get; }

    public EngineScheduler Scheduler => _scheduler;

    /// <summary>Replicas read tables from the same bucket; otherwise they get them from here.</summary>
    public bool IsShared { get; }

    public int Acks => Options.Acks;

    /// <summary>Where this main takes writes.</summary>
    public string Url { get; set; } = "";

    /// <summary>Wakes links that wait for records.</summary>
    public AsyncSignal News { get; }

    /// <summary>Wakes links that wait for manifests.</summary>
    public AsyncSignal ManifestNews { get; }

    /// <summary>The position of the last operation.</summary>
    public ulong LastSequence => _buffer.Last;

    /// <summary>What a replica must have taken notice of to show the newest tables: over folders the number of the
    /// manifest, in a bucket how often that of any shard changed.</summary>
    public long ManifestNumber => IsShared ? Volatile.Read(ref _changes) : Shard.Owned.Manifest.Number;

    public Shard Shard => _shard ?? throw new InvalidOperationException("the shipper has not been started");

    public string Incarnation => _host!.Log.Incarnation;

    public IObjectStore Objects => _host!.Objects;

    /// <summary>Why writes are refused; null when they are not.</summary>
    public string? RefusedBecause => _isConfirmed
        ? null
        : $"none of the replicas {string.Join(", ", Links.Select(static link => link.Name))} has said yet that there "
            + "is no newer main";

    /// <summary>Begins to ship, once the shard has been opened and before anything is written to it.</summary>
    public void Start(ShardHost host, Shard shard)
    {
        (_host, _shard) = (host, shard);
        _buffer.Start(shard.LastSequence);
        host.ManifestWritten = id => OnManifestWritten(id);
        _links = Task.WhenAll(Links.Select(link => _scheduler.Start(() => link.RunAsync(_stop.Token))));
    }

    /// <exception cref="DmtException">Unavailable while it is not known whether there is a newer main.</exception>
    public void ThrowIfNotMain()
    {
        if (!_isConfirmed && RefusedBecause is { } why)
        {
            throw DmtException.Unavailable(why);
        }
    }

    public void Add(uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations)
    {
        if (IsShared || shard == _rootId)
        {
            _buffer.Add(shard, epoch, firstSeq, count, operations);
            News.WakeAll();
        }
    }

    public void Add(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation)
    {
        if (IsShared || shard == _rootId)
        {
            _buffer.Add(shard, epoch, firstSeq, operation);
            News.WakeAll();
        }
    }

    /// <summary>See <see cref="ShipmentBuffer.TryCollect"/>.</summary>
    public bool TryCollect(ulong fromSequence, out byte[] records) =>
        _buffer.TryCollect(fromSequence, Options.BatchBytesMax, out records);

    /// <summary>Records without operations, one for each shard whose manifest changed after <paramref name="since"/>.
    /// </summary>
    /// <param name="since">A <see cref="ManifestNumber"/>.</param>
    /// <param name="until">What whoever takes notice of them knows.</param>
    public byte[] CollectChanges(long since, out long until)
    {
        var to = new ArrayBufferWriter<byte>();
        lock (_changed)
        {
            until = _changes;
            if (since < until)
            {
                foreach (var shard in _changed.Where(one => one.Value > since).Select(static one => one.Key))
                {
                    var notice = to.GetSpan(LogFormat.RecordHeadBytesMax);
                    var length = LogFormat.WriteRecordHead(notice, shard, 0, 0, 0);
                    LogFormat.WriteRecordLength(notice, 0);
                    to.Advance(length);
                }
            }
        }

        return to.WrittenSpan.ToArray();
    }

    /// <summary>Returns with a position up to which the bucket has everything.</summary>
    public async ValueTask<ulong> WaitUploadedAsync(CancellationToken cancellationToken)
    {
        var position = LastSequence;
        await ((ShippingLog)_host!.Log).WaitUploadedAsync(cancellationToken).ConfigureAwait(false);
        return position;
    }

    /// <summary>Completes when enough replicas have everything up to the operation.</summary>
    /// <exception cref="DmtException">
    /// Unavailable when they do not say so in time: the write may be lost with this machine, or not.
    /// </exception>
    public async ValueTask WaitAcknowledgedAsync(ulong sequence, CancellationToken cancellationToken)
    {
        TaskCompletionSource completion;
        lock (_lock)
        {
            if (HasAcks(sequence))
            {
                return;
            }

            completion = _scheduler.NewCompletion();
            _waiters.Add((sequence, completion));
        }

        try
        {
            await completion.Task.WaitAsync(Options.AckTimeout, Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw DmtException.Unavailable(
                $"the write is on this machine, but not {Acks} of the replicas confirmed it within "
                    + $"{Options.AckTimeout.TotalSeconds} s: {Describe()}",
                e);
        }
        finally
        {
            lock (_lock)
            {
                _waiters.RemoveAll(waiter => ReferenceEquals(waiter.Completion, completion));
            }
        }
    }

    /// <summary>A replica obeys this main and has all up to the operation.</summary>
    public void OnAcknowledged(ReplicaLink link, ulong sequence)
    {
        List<TaskCompletionSource> done = [];
        lock (_lock)
        {
            link.Acknowledged = Math.Max(link.Acknowledged, sequence);
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (HasAcks(_waiters[i].Sequence))
                {
                    done.Add(_waiters[i].Completion);
                    _waiters.RemoveAt(i);
                }
            }
        }

        done.ForEach(completion => _scheduler.Complete(completion));
        _isConfirmed = true;
    }

    /// <summary>A replica knows of a newer main.</summary>
    public void OnFenced(ReplicaLink link, string text)
    {
        var fenced = new DmtException(DmtErrorKind.Fenced, $"the replica {link.Name} says: {text}");
        _host!.Log.Fence.Note(fenced);
        List<TaskCompletionSource> waiters;
        lock (_lock)
        {
            waiters = [.. _waiters.Select(static waiter => waiter.Completion)];
            _waiters.Clear();
        }

        waiters.ForEach(waiter => _scheduler.Complete(waiter, fenced));
    }

    public IReadOnlyList<ReplicaStatistics> Statistics() => [.. Links.Select(link => link.Statistics(LastSequence))];

    public async ValueTask DisposeAsync()
    {
        await _scheduler.CancelAsync(_stop).ConfigureAwait(false);
        await _links.ConfigureAwait(false);
        if (_host is not null)
        {
            _host.ManifestWritten = null;
        }

        _stop.Dispose();
    }

    private void OnManifestWritten(uint shard)
    {
        if (IsShared)
        {
            lock (_changed)
            {
                _changed[shard] = ++_changes;
            }

            News.WakeAll();
        }
        else if (shard == _rootId)
        {
            ManifestNews.WakeAll();
        }
    }

    /// <summary>Under the lock.</summary>
    private bool HasAcks(ulong sequence) => Links.Count(link => link.Acknowledged >= sequence) >= Acks;

    private string Describe() => string.Join(
        "; ",
        Links.Select(link => link.Statistics(LastSequence)).Select(static s =>
            $"{s.Name} {s.Problem ?? $"is {s.LagOperations} operations behind"}"));
}
