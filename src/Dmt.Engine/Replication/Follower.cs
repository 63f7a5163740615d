// The replica's side, for one shard. What both media share: who is obeyed, what a record must look like to be applied,
// and how far behind the replica is.
//
// Who is obeyed: the main with the highest epoch that was heard of; of two with the same, the first. Everybody else is
// told that it is fenced. The state that is held may still be of an earlier epoch; then nothing is applied to it, and
// the reply says so, until a manifest of the new one brings it over.
//
// A record is applied when it begins right behind the last one. What the replica has already is passed over: so
// nothing is applied twice, however often a message comes.
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
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

    protected Follower(ShardHost host, uint shard)
    {
        (Host, ShardId) = (host, shard);
        Records = new AsyncLock(host.Scheduler);
        Tables = new AsyncLock(host.Scheduler);
    }

    /// <summary>The followed shard; null while there is nothing to read.</summary>
    public Shard? Shard { get; private set; }

    /// <summary>Where the main takes writes, when it said so.</summary>
    public string? MainUrl { get; private set; }

    /// <summary>What keeps the replica from following; null when all is well.</summary>
    public string? Problem { get; protected set; }

    public ShardHost Host { get; }

    public uint ShardId { get; }

    /// <summary>One change of the records at a time. Taken after <see cref="Tables"/>.</summary>
    protected AsyncLock Records { get; }

    /// <summary>One change of the tables at a time.</summary>
    protected AsyncLock Tables { get; }

    /// <summary>The main's manifest whose tables are shown.</summary>
    protected long ManifestNumber { get; set; }

    /// <summary>Operations behind, and for how long.</summary>
    public ReplicaLag Lag
    {
        get
        {
            lock (_lock)
            {
                var last = Shard?.LastSequence ?? 0;
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
    protected virtual ulong Confirmed => Shard?.LastSequence ?? 0;

    /// <summary>Where the replica is.</summary>
    protected ReplicationReply Reply(ReplyStatus status = ReplyStatus.Ok) => new()
    {
        Status = status,
        Epoch = Shard?.Owned.Manifest.Epoch ?? 0,
        Incarnation = Shard?.Owned.Manifest.Incarnation ?? "",
        LastSequence = Confirmed,
        ManifestNumber = ManifestNumber,
    };

    protected abstract ValueTask<ReplicationReply> TakeRecordsAsync(
        ReplicationRequest request, CancellationToken cancellationToken);

    protected abstract ValueTask<ReplicationReply> TakeTableAsync(
        ReplicationRequest request, CancellationToken cancellationToken);

    protected abstract ValueTask<ReplicationReply> TakeManifestAsync(
        ReplicationRequest request, CancellationToken cancellationToken);

    /// <summary>Hands the records of a message to <paramref name="apply"/> that come next. Under Records.</summary>
    protected void Apply(ReplicationRequest request, LogRecordHandler apply)
    {
        if (Shard is not { } shard || !IsOf(shard.Owned.Manifest, request))
        {
            return;
        }

        var body = request.Body.Span;
        for (var at = 0; at < body.Length;)
        {
            if (!LogFormat.TryReadRecord(body, ref at, "a replication message", 0, 0, out var record))
            {
                throw DmtException.Corruption("a replication message", at, "the bytes make no record");
            }

            if (record.Shard == ShardId && record.FirstSeq == shard.LastSequence + 1)
            {
                apply(record);
            }
        }
    }

    /// <summary>The state is that of the main that speaks.</summary>
    protected static bool IsOf(Manifest manifest, ReplicationRequest request) =>
        manifest.Epoch == request.Epoch && manifest.Incarnation == request.Incarnation;

    /// <summary>Shows a manifest: the first, a newer one, or one of another owner. Under Tables.</summary>
    protected async ValueTask ShowAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        if (Shard is { } shard)
        {
            await shard.AdoptAsync(manifest, !shard.Owned.Manifest.IsOf(manifest), cancellationToken)
                .ConfigureAwait(false);
        }
        else
        {
            Shard = await Host.FollowShardAsync(manifest, cancellationToken).ConfigureAwait(false);
        }

        Obey(manifest.Epoch, manifest.Incarnation);
    }

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
            if (Shard is { } shard && IsOf(shard.Owned.Manifest, request) && shard.LastSequence >= _mainSequence)
            {
                _caughtUpAt = _heardAt;
            }
        }
    }
}
