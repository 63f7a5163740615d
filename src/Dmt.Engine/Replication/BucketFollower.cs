// A replica of a store in a bucket: the bucket has everything, so the replica keeps nothing. Each shard shows what the
// bucket has of it (FollowedShard.cs); the main's messages bring the newest records at once, and the news of manifests.
//
// The main counts the operations of all its shards as it writes them: the position. The replica applies what it gets in
// that order, so all of its shards are as of one moment, and says how far it is. Where a record does not fit to its
// shard there is a newer manifest (the shard was carved, merged, or opened anew): the bucket is looked at, and the
// record tried again. What does not fit even then is not counted, and comes again. (What was written to a shard that
// was merged since is in tables, and fits nowhere: it is here once whoever took the shard over is.)
//
// Where it begins: the main says up to which position everything is in the bucket, and when the replica has looked at
// all its shards after that, it has everything up to there.
//
// While the main is heard of nothing is asked of the bucket unless the main says that there is something. Otherwise the
// replica looks every PollInterval.
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

internal sealed class BucketFollower : Follower
{
    private readonly ReplicaDirectory _shards;
    private readonly ReplicationOptions _options;
    private readonly AsyncSignal _asked;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new(); // guards _noticed, _target and _term with _position
    private readonly HashSet<uint> _noticed = []; // shards that have newer manifests
    private (ulong Epoch, string Incarnation, ulong Position)? _target; // where it is to begin
    private (ulong Epoch, string Incarnation) _term = (0, "");
    private ulong _position;
    private Task _loop = Task.CompletedTask;

    private BucketFollower(ShardHost host, ReplicationOptions options)
        : base(host) =>
        (_shards, _options, _asked) = (new ReplicaDirectory(host), options, new AsyncSignal(host.Scheduler));

    public override Shard? Root => _shards.Root;

    public override IShardSource Shards => _shards;

    public override IEnumerable<Shard> Open => _shards.Open;

    public override ulong Position
    {
        get
        {
            lock (_lock)
            {
                return _position;
            }
        }
    }

    protected override (ulong Epoch, string Incarnation) Term
    {
        get
        {
            lock (_lock)
            {
                return _term;
            }
        }
    }

    private bool IsAsked
    {
        get
        {
            lock (_lock)
            {
                return _noticed.Count > 0 || _target is not null;
            }
        }
    }

    /// <summary>Reads what the bucket has, and follows from there.</summary>
    /// <exception cref="DmtException">Unavailable; Corruption.</exception>
    public static async ValueTask<BucketFollower> StartAsync(
        IObjectStore objects,
        EngineOptions options,
        ReplicationOptions replication,
        TimeProvider time,
        EngineScheduler scheduler,
        CancellationToken cancellationToken)
    {
        var host = ShardHost.Follow(objects, new FollowerLog("replica"), options, time, scheduler);
        var follower = new BucketFollower(host, replication);
        try
        {
            await follower.LookAtAllAsync(cancellationToken).ConfigureAwait(false);
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
        await _shards.DisposeAsync().ConfigureAwait(false);
        await Host.DisposeAsync().ConfigureAwait(false);
    }

    protected override async ValueTask<ReplicationReply> TakeRecordsAsync(
        ReplicationRequest request, CancellationToken cancellationToken)
    {
        using (await Records.AcquireAsync(cancellationToken).ConfigureAwait(false))
        {
            if (IsOf(request) && !request.CatchesUp)
            {
                await ApplyAsync(request, cancellationToken).ConfigureAwait(false);
            }
            else if (request.CatchesUp)
            {
                lock (_lock)
                {
                    _target = (request.Epoch, request.Incarnation, (ulong)request.Offset);
                }
            }
        }

        if (IsAsked)
        {
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

    /// <summary>Applies the records of a message, as far as they fit. Under Records.</summary>
    private async ValueTask ApplyAsync(ReplicationRequest request, CancellationToken cancellationToken)
    {
        var next = (ulong)request.Offset;
        if (next > Position + 1)
        {
            return; // The message before this one was lost.
        }

        var missed = -1;
        for (var at = 0; ApplyFrom(request, ref at, ref next) is { } misfit && at != missed; missed = at)
        {
            ManifestNumber = Math.Max(ManifestNumber, request.ManifestNumber); // Those come first.
            await LookForAsync(misfit, request.Incarnation, cancellationToken).ConfigureAwait(false);
        }

        ManifestNumber = Math.Max(ManifestNumber, request.ManifestNumber);
    }

    /// <returns>The shard of the first record that does not fit; null where all did.</returns>
    private uint? ApplyFrom(ReplicationRequest request, ref int at, ref ulong next)
    {
        var body = request.Body.Span;
        while (at < body.Length)
        {
            var behind = at;
            if (!LogFormat.TryReadRecord(body, ref behind, "a replication message", 0, 0, out var record))
            {
                throw DmtException.Corruption("a replication message", at, "the bytes make no record");
            }

            var last = next + (ulong)record.Count - 1;
            if (record.Count == 0)
            {
                lock (_lock)
                {
                    _noticed.Add(record.Shard);
                }
            }
            else if (last > Position)
            {
                var isHere = _shards.TryGet(record.Shard, out var followed)
                    ? followed.TryApply(record, request.Incarnation)
                    : _shards.IsMerged(record.Shard);
                if (!isHere)
                {
                    return record.Shard;
                }

                lock (_lock)
                {
                    _position = last;
                }
            }

            (at, next) = (behind, next + (ulong)record.Count);
        }

        return null;
    }

    /// <summary>A record does not fit to what is here of its shard.</summary>
    private async ValueTask LookForAsync(uint shard, string main, CancellationToken cancellationToken)
    {
        if (!_shards.Map.TryGet(shard, out _))
        {
            // It was carved out of one whose newer manifest was heard of.
            await LookAtNoticedAsync(follows: true, cancellationToken).ConfigureAwait(false);
        }

        if (!_shards.Map.TryGet(shard, out _))
        {
            await _shards.LookAtMapAsync(cancellationToken).ConfigureAwait(false);
        }

        if (_shards.Map.TryGet(shard, out _))
        {
            await _shards.LookAsync(shard, TimeSpan.Zero, main, cancellationToken).ConfigureAwait(false);
        }

        if (!_shards.Map.TryGet(shard, out _))
        {
            await _shards.LookWhetherMergedAsync(shard, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var hears = await WaitAsync().ConfigureAwait(false);
                await LookAtNoticedAsync(follows: false, _stop.Token).ConfigureAwait(false);
                if (!hears || Target() is not null)
                {
                    await LookAtAllAsync(_stop.Token).ConfigureAwait(false);
                }

                Problem = null;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (DmtException e)
            {
                // The bucket is out of reach, or the main has moved on under the eyes of the reader.
                Problem = e.Message;
                await PauseAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Until the main asks, or it is time to look.</summary>
    /// <returns>The main is heard of.</returns>
    private async ValueTask<bool> WaitAsync()
    {
        var asked = _asked.Enlist();
        if (IsAsked)
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

    private (ulong Epoch, string Incarnation, ulong Position)? Target()
    {
        lock (_lock)
        {
            return _target;
        }
    }

    /// <summary>Shows the newest tables of the shards that the main named.</summary>
    /// <param name="follows">Also of those that are not followed yet, from now on.</param>
    /// <param name="cancellationToken">Gives up; what is left is named still.</param>
    private async ValueTask LookAtNoticedAsync(bool follows, CancellationToken cancellationToken)
    {
        uint[] noticed;
        lock (_lock)
        {
            noticed = [.. _noticed];
            _noticed.Clear();
        }

        for (var i = 0; i < noticed.Length; i++)
        {
            try
            {
                if (follows && _shards.Map.TryGet(noticed[i], out _) && !_shards.TryGet(noticed[i], out _))
                {
                    await _shards.LookAsync(noticed[i], TimeSpan.Zero, main: null, cancellationToken)
                        .ConfigureAwait(false);
                }
                else
                {
                    await _shards.LookAtManifestAsync(noticed[i], cancellationToken).ConfigureAwait(false);
                }
            }
            catch
            {
                lock (_lock)
                {
                    _noticed.UnionWith(noticed[i..]);
                }

                throw;
            }
        }
    }

    /// <summary>Goes to what the bucket has, the root first: its owner is the main.</summary>
    private async ValueTask LookAtAllAsync(CancellationToken cancellationToken)
    {
        using var tables = await Tables.AcquireAsync(cancellationToken).ConfigureAwait(false);
        var target = Target();
        await _shards.LookAsync(ShardMap.Root, TimeSpan.Zero, null, cancellationToken).ConfigureAwait(false);
        if (Root?.Owned.Manifest is not { } manifest)
        {
            return; // A bucket that no main has opened yet.
        }

        var main = (manifest.Epoch, manifest.Incarnation);
        Obey(manifest.Epoch, manifest.Incarnation);
        if (Term != main)
        {
            await SetTermAsync((0, ""), 0, cancellationToken).ConfigureAwait(false);
        }

        // Listed only where it must be complete: without a main replicas look for as long as it takes.
        var ageMax = target is null ? _options.PollInterval / 2 : TimeSpan.Zero;
        await _shards.LookAsync(ShardMap.Root, ageMax, main.Incarnation, cancellationToken).ConfigureAwait(false);
        await _shards.LookAtAllAsync(ageMax, main.Incarnation, cancellationToken).ConfigureAwait(false);
        if (target is { } begins)
        {
            if (main == (begins.Epoch, begins.Incarnation))
            {
                await SetTermAsync(main, begins.Position, cancellationToken).ConfigureAwait(false);
            }

            lock (_lock)
            {
                _target = _target == target ? null : _target;
            }
        }
    }

    /// <summary>Whose operations are counted, and how many are here.</summary>
    private async ValueTask SetTermAsync(
        (ulong Epoch, string Incarnation) term, ulong position, CancellationToken cancellationToken)
    {
        using var records = await Records.AcquireAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            if (_term != term || position > _position)
            {
                (_term, _position) = (term, position);
            }
        }

        ManifestNumber = 0;
    }
}
