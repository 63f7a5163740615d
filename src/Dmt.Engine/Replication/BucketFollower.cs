// A replica of a store in a bucket: the bucket has everything, so the replica keeps nothing. It reads manifests and
// tables from the bucket, and the log where the main's messages do not reach back; the messages bring the newest
// records at once, and the news of manifests.
//
// Records may come here before they are in the bucket, and a main that dies then takes them with it: its successor
// begins where the bucket's log ends. So a manifest of another owner makes the replica begin anew from the bucket.
// What is read of a log without gap from where a manifest says is sure to stay: a successor's fence lies behind it.
//
// While the main is heard of nothing is asked of the bucket unless the main says that there is something. Otherwise the
// replica looks every PollInterval.
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

internal sealed class BucketFollower : Follower
{
    private readonly ObjectLogStore _logs;
    private readonly ManifestStore _manifests;
    private readonly ReplicationOptions _options;
    private readonly AsyncSignal _asked;
    private readonly CancellationTokenSource _stop = new();
    private Dictionary<string, long> _readTo = []; // the batch of each log that was read last
    private Task _loop = Task.CompletedTask;
    private volatile bool _wantsLog;
    private volatile bool _wantsManifest;

    private BucketFollower(ShardHost host, uint shard, ReplicationOptions options)
        : base(host, shard)
    {
        _logs = new ObjectLogStore(host.Objects, new ObjectLogOptions(), host.Time, host.Scheduler);
        _manifests = new ManifestStore(host.Objects, shard);
        (_options, _asked) = (options, new AsyncSignal(host.Scheduler));
    }

    /// <summary>Reads what the bucket has, and follows from there.</summary>
    /// <exception cref="DmtException">Unavailable; Corruption.</exception>
    public static async ValueTask<BucketFollower> StartAsync(
        IObjectStore objects,
        uint shard,
        EngineOptions options,
        ReplicationOptions replication,
        TimeProvider time,
        EngineScheduler scheduler,
        CancellationToken cancellationToken)
    {
        var host = ShardHost.Follow(objects, new FollowerLog("replica"), options, time, scheduler);
        var follower = new BucketFollower(host, shard, replication);
        try
        {
            await follower.RefreshAsync(readsLog: true, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await follower.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        follower._loop = scheduler.Start(follower.RunAsync);
        return follower;
    }

    public override async ValueTask DisposeAsync()
    {
        await Host.Scheduler.CancelAsync(_stop).ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        using var records = await Records.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        await Host.DisposeAsync().ConfigureAwait(false);
    }

    protected override async ValueTask<ReplicationReply> TakeRecordsAsync(
        ReplicationRequest request, CancellationToken cancellationToken)
    {
        using (await Records.AcquireAsync(cancellationToken).ConfigureAwait(false))
        {
            Apply(request, (in LogRecord record) => Shard!.TryApplyShipped(record, isOwners: true));
        }

        var isOther = Shard is null || !IsOf(Shard.Owned.Manifest, request);
        if (isOther || request.CatchesUp || request.ManifestNumber > ManifestNumber)
        {
            _wantsLog |= isOther || request.CatchesUp;
            _wantsManifest = true;
            _asked.WakeAll();
        }

        return Reply();
    }

    protected override ValueTask<ReplicationReply> TakeTableAsync(
        ReplicationRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(NotHere());

    protected override ValueTask<ReplicationReply> TakeManifestAsync(
        ReplicationRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(NotHere());

    private static ReplicationReply NotHere() => new()
    {
        Status = ReplyStatus.Refused,
        Text = "this replica reads its tables from a bucket: start the main with the same --store",
    };

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var hears = await WaitAsync().ConfigureAwait(false);
                if (!hears || _wantsManifest)
                {
                    _wantsManifest = false;
                    var readsLog = !hears || _wantsLog;
                    _wantsLog = false;
                    await RefreshAsync(readsLog, _stop.Token).ConfigureAwait(false);
                    Problem = null;
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (DmtException e)
            {
                // The bucket is out of reach, or the main has moved on under the eyes of the reader: the next look
                // begins with the newest manifest.
                Problem = e.Message;
                _wantsManifest = _wantsLog = true;
                await PauseAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Until the main asks, or it is time to look.</summary>
    /// <returns>The main is heard of.</returns>
    private async ValueTask<bool> WaitAsync()
    {
        var asked = _asked.Enlist();
        if (_wantsManifest)
        {
            _asked.Leave(asked);
            return HearsMain;
        }

        using var late = new CancellationTokenSource(_options.PollInterval, Host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stop.Token);
        try
        {
            await _asked.WaitAsync(asked, either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return HearsMain;
        }
    }

    private async ValueTask PauseAsync()
    {
        try
        {
            await Host.Scheduler.DelayAsync(_options.RetryDelayMin * 4, Host.Time, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The loop sees it.
        }
    }

    /// <summary>Goes to the newest manifest, and, where asked or needed, through the log behind it.</summary>
    private async ValueTask RefreshAsync(bool readsLog, CancellationToken cancellationToken)
    {
        using var tables = await Tables.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (await _manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false) is not { } newest)
        {
            return; // A bucket that no main has opened yet.
        }

        var isOther = Shard is null || !Shard.Owned.Manifest.IsOf(newest);
        if (isOther)
        {
            using var records = await Records.AcquireAsync(cancellationToken).ConfigureAwait(false);
            _readTo = [];
            await ShowAsync(newest, cancellationToken).ConfigureAwait(false);
        }
        else if (newest.Number > ManifestNumber)
        {
            await ShowAsync(newest, cancellationToken).ConfigureAwait(false);
        }

        ManifestNumber = newest.Number;
        if (isOther || readsLog)
        {
            using var records = await Records.AcquireAsync(cancellationToken).ConfigureAwait(false);
            foreach (var range in newest.LogRanges)
            {
                await ReadLogAsync(range, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask ReadLogAsync(LogRange range, CancellationToken cancellationToken)
    {
        var shard = Shard!;
        var from = Math.Max(range.From, _readTo.GetValueOrDefault(range.Incarnation));
        await _logs.ReplayAsync(
            range with { From = from },
            ShardId,
            (in LogRecord record) =>
            {
                if (record.Shard != ShardId || record.FirstSeq + (ulong)record.Count - 1 <= shard.LastSequence)
                {
                    return;
                }

                if (record.FirstSeq != shard.LastSequence + 1)
                {
                    // A log before this one had not been read to its end, or its end has gone since.
                    _readTo = [];
                    throw DmtException.Unavailable(
                        $"{record.File}: operation {record.FirstSeq} follows {shard.LastSequence}: reading again");
                }

                shard.TryApplyShipped(record, isOwners: false);
                _readTo[range.Incarnation] = record.Position;
            },
            cancellationToken).ConfigureAwait(false);
    }
}
