// The replica's side. What both media share: who is obeyed, what a record must look like to be applied,
// and how far behind the replica is.
//
// Who is obeyed: the main with the highest epoch that was heard of; of two with the same, the first. Everybody else is
// told that it is fenced. The state that is held may still be of an earlier epoch; then nothing is applied to it, and
// the reply says so, until a manifest of the new one brings it over.
//
// A record is applied when it begins right behind the last one. What the replica has already is passed over: so
// nothing is applied twice, however often a message comes.
using Dmt.Core;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

internal abstract class Follower : IAsyncDisposable
{
    /// <summary>A main that was not heard of for so long is not connected.</summary>
    public static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new(); // guards who is obeyed and what was heard
    private ulong _obeyedEpoch;
    private string _obeyed = "";
    private ulong _mainSequence;
    private long? _heardAt;
    private long? _caughtUpAt;

    protected Follower(ShardHost host)
    {
        Host = host;
        Records = new AsyncLock(host.Scheduler);
        Tables = new AsyncLock(host.Scheduler);
    }

    /// <summary>The root shard; null while there is nothing to read.</summary>
    public abstract Shard? Root { get; }

    /// <summary>What is read.</summary>
    public abstract IShardSource Shards { get; }

    /// <summary>The shards that are followed.</summary>
    public abstract IEnumerable<Shard> Open { get; }

    /// <summary>Where the main takes writes, when it said so.</summary>
    public string? MainUrl { get; private set; }

    /// <summary>What keeps the replica from following; null when all is well.</summary>
    public string? Problem { get; protected set; }

    public ShardHost Host { get; }

    /// <summary>One change of the records at a time. Taken after <see cref="Tables"/>.</summary>
    protected AsyncLock Records { get; }

    /// <summary>One change of the tables at a time.</summary>
    protected AsyncLock Tables { get; }

    /// <summary>The last operation of the main that is here, as the main counts them.</summary>
    public abstract ulong Position { get; }

    /// <summary>Whose operations are counted; epoch 0 while none are.</summary>
    protected abstract (ulong Epoch, string Incarnation) Term { get; }

    /// <summary>The main's manifest that was taken in.</summary>
    protected long ManifestNumber { get; set; }

    /// <summary>Operations behind, and for how long.</summary>
    public ReplicaLag Lag
    {
        get
        {
            lock (_lock)
            {
                var last = Position;
                return new ReplicaLag(
                    _mainSequence > last ? _mainSequence - last : 0,
                    _caughtUpAt is { } at ? (long)Host.Time.GetElapsedTime(at).TotalMilliseconds : null);
            }
        }
    }

    public bool HearsMain
    {
        get
        {
            lock (_lock)
            {
                return _heardAt is { } at && Host.Time.GetElapsedTime(at) < SilenceMax;
            }
        }
    }

    /// <summary>Takes one message.</summary>
    public async ValueTask<ReplicationReply> HandleAsync(
        ReplicationRequest request, CancellationToken cancellationToken)
    {
        if (request.Kind == MessageKind.Status)
        {
            return Reply();
        }

        if (!Obeys(request, out var newer))
        {
            return new ReplicationReply
            {
                Status = ReplyStatus.Fenced,
                Epoch = newer.Epoch,
                Incarnation = newer.Incarnation,
                Text = $"there is a newer main, {newer.Incarnation} of epoch {newer.Epoch}",
            };
        }

        try
        {
            var reply = request.Kind switch
            {
                MessageKind.Records => await TakeRecordsAsync(request, cancellationToken).ConfigureAwait(false),
                MessageKind.Table => await TakeTableAsync(request, cancellationToken).ConfigureAwait(false),
                _ => await TakeManifestAsync(request, cancellationToken).ConfigureAwait(false),
            };
            Heard(request);
            return reply;
        }
        catch (DmtException e)
        {
            // A full disk, a damaged table, a replica that is closing: the main tries again, operators see it on both.
            Problem = e.Message;
            return new ReplicationReply { Status = ReplyStatus.Refused, Text = e.Message };
        }
    }

    public abstract ValueTask DisposeAsync();

    /// <summary>The last operation that the replica answers for.</summary>
    protected virtual ulong Confirmed => Position;

    /// <summary>Where the replica is.</summary>
    protected ReplicationReply Reply(ReplyStatus status = ReplyStatus.Ok) => new()
    {
        Status = status,
        Epoch = Term.Epoch,
        Incarnation = Term.Incarnation,
        LastSequence = Confirmed,
        ManifestNumber = ManifestNumber,
    };

    protected abstract ValueTask<ReplicationReply> TakeRecordsAsync(
        ReplicationRequest request, CancellationToken cancellationToken);

    protected abstract ValueTask<ReplicationReply> TakeTableAsync(
        ReplicationRequest request, CancellationToken cancellationToken);

    protected abstract ValueTask<ReplicationReply> TakeManifestAsync(
        ReplicationRequest request, CancellationToken cancellationToken);

    /// <summary>The state is that of the main that speaks.</summary>
    protected bool IsOf(ReplicationRequest request) => Term == (request.Epoch, request.Incarnation);

    /// <summary>Obeys whoever wrote a manifest that is the newest.</summary>
    protected void Obey(ulong epoch, string incarnation)
    {
        lock (_lock)
        {
            if (epoch > _obeyedEpoch)
            {
                (_obeyedEpoch, _obeyed) = (epoch, incarnation);
            }
        }
    }

    private bool Obeys(ReplicationRequest request, out (ulong Epoch, string Incarnation) newer)
    {
        lock (_lock)
        {
            newer = (_obeyedEpoch, _obeyed);
            if (request.Epoch < _obeyedEpoch
                || (request.Epoch == _obeyedEpoch && request.Incarnation != _obeyed))
            {
                return false;
            }

            (_obeyedEpoch, _obeyed) = (request.Epoch, request.Incarnation);
            MainUrl = request.Url;
            return true;
        }
    }

    private void Heard(ReplicationRequest request)
    {
        lock (_lock)
        {
            Problem = null;
            _heardAt = Host.Time.GetTimestamp();
            _mainSequence = request.LastSequence;
            if (IsOf(request) && Position >= _mainSequence)
            {
                _caughtUpAt = _heardAt;
            }
        }
    }
}
