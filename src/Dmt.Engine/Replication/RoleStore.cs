// A store whose process is the main or a replica, and may turn from a replica into the main while it is served.
//
// A promotion: ask the other replicas where they are; stop following; open the store for writing, which takes the next
// epoch and, in a bucket, fences the old main; ship to the others. While it is under way requests are refused as
// Unavailable. When it fails the process follows again.
using System.Security.Cryptography;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Replication;

/// <summary>A store that is the main or a read replica. Safe for concurrent use.</summary>
public sealed partial class RoleStore : IRoleStore, IKeyspaceSearch
{
    private const uint RootShard = 1;

    private readonly ReplicationMedium _medium;
    private readonly RoleOptions _roles;
    private readonly EngineOptions _options;
    private readonly TimeProvider _time;
    private readonly AsyncLock _change = new(EngineScheduler.ThreadPool); // one change of role at a time
    private readonly TaskCompletionSource<string> _fenced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ReplicationMetrics _metrics;
    private volatile ITrieStore? _current; // null while the role changes
    private volatile Shipper? _shipper; // of the main
    private string _url = "";
    private bool _closed;

    private RoleStore(ReplicationMedium medium, RoleOptions roles, EngineOptions options, TimeProvider time)
    {
        (_medium, _roles, _options, _time) = (medium, roles, options, time);
        _metrics = new ReplicationMetrics(this);
    }

    /// <summary>Completes when this process was the main and another one has taken over.</summary>
    public Task<string> WhenFenced => _fenced.Task;

    /// <inheritdoc/>
    public ReplicaLag? Lag => (_current as ReplicaStore)?.Follower.Lag;

    /// <inheritdoc/>
    public string? Main => (_current as ReplicaStore)?.Follower.MainUrl;

    /// <summary>Where this process takes requests: what a main tells its replicas.</summary>
    public string Url
    {
        get => _url;
        set
        {
            _url = value;
            if (_shipper is { } shipper)
            {
                shipper.Url = value;
            }
        }
    }

    /// <summary>The replicas of this main, as it sees them; none on a replica.</summary>
    internal IReadOnlyList<ReplicaStatistics> Replicas => _shipper?.Statistics() ?? [];

    internal long BytesShipped => _shipper?.Links.Sum(static link => link.BytesShipped) ?? 0;

    private ITrieStore Current => _current
        ?? throw (
            _closed ? DmtException.Closed("the store") : DmtException.Unavailable("the role is changing: try again"));

    /// <summary>Opens the store in the role that it begins with.</summary>
    /// <exception cref="DmtException">
    /// InvalidArgument for a setting, or a folder of the other role; Unavailable; Corruption; Fenced.
    /// </exception>
    public static async ValueTask<RoleStore> OpenAsync(
        ReplicationMedium medium,
        RoleOptions roles,
        EngineOptions? options = null,
        TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new EngineOptions();
        options.Validate();
        roles.Replication.Validate();
        var store = new RoleStore(medium, roles, options, time ?? TimeProvider.System);
        try
        {
            if (roles.IsReplica)
            {
                await store.FollowAsync(cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await store.ThrowIfReplacedAsync(cancellationToken).ConfigureAwait(false);
                await store.LeadAsync(cancellationToken).ConfigureAwait(false);
            }

            return store;
        }
        catch
        {
            store._metrics.Dispose();
            throw;
        }
    }

    /// <summary>Takes one message of a main and answers it.</summary>
    /// <exception cref="DmtException">Corruption for bytes that are no message.</exception>
    public async ValueTask<byte[]> HandleAsync(
        ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        var request = ReplicationMessage.DecodeRequest(message);
        return ReplicationMessage.Encode(_current switch
        {
            _ when request.Shard != RootShard => Refused($"a message of shard {request.Shard}: the root is expected"),
            ReplicaStore replica => await replica.Follower.HandleAsync(request, cancellationToken)
                .ConfigureAwait(false),
            TrieStore when _shipper is { } shipper => AnswerAsMain(shipper, request),
            _ => Refused("the role is changing"),
        });
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ReplicaStatistics>> PromoteAsync(
        bool force, CancellationToken cancellationToken = default)
    {
        using var held = await _change.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (_current is not ReplicaStore replica)
        {
            throw new DmtException(DmtErrorKind.Conflict, "this is the main already");
        }

        if (replica.Follower.Root is not { } root)
        {
            throw DmtException.Unavailable("this replica has no copy yet: there is nothing to be the main of");
        }

        var others = await AskAsync(cancellationToken).ConfigureAwait(false);
        var mine = (root.Epoch, LastSequence: replica.Follower.Position);
        var ahead = others.Where(o => o.Reply is { } r && (r.Epoch, r.LastSequence).CompareTo(mine) > 0).ToList();
        if (ahead.Count > 0 && !_medium.IsShared && !force)
        {
            throw new DmtException(
                DmtErrorKind.Conflict,
                $"another replica is ahead of this one, which has operation {mine.LastSequence} of epoch {mine.Epoch}: "
                    + string.Join(", ", ahead.Select(static o =>
                        $"{o.Name} has operation {o.Reply!.LastSequence} of epoch {o.Reply.Epoch}"))
                    + "; promote that one, or force this one and lose what it lacks");
        }

        await ChangeAsync(replica, cancellationToken).ConfigureAwait(false);
        return [.. others.Select(o => new ReplicaStatistics(
            o.Name,
            o.Reply is not null,
            o.Reply?.LastSequence ?? 0,
            o.Reply is { } r && mine.LastSequence > r.LastSequence ? mine.LastSequence - r.LastSequence : 0,
            o.Problem))];
    }

    /// <inheritdoc/>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        Current.GetAsync(key, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default) => Current.PutAsync(key, value, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        Current.DeleteAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        Current.DeleteRangeAsync(range, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default) =>
        Current.WriteAsync(batch, durability, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default) =>
        Current.ScanAsync(request, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default) =>
        Current.CountAsync(range, cancellationToken);

    /// <inheritdoc/>
    public ValueTask SyncAsync(CancellationToken cancellationToken = default) => Current.SyncAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default)
    {
        var statistics = await Current.StatAsync(cancellationToken).ConfigureAwait(false);
        return _shipper is { } shipper
            ? statistics with
            {
                Replication = new ReplicationStatistics { Role = "main", Replicas = shipper.Statistics() },
            }
            : statistics;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var held = await _change.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        if (_closed)
        {
            return;
        }

        _closed = true;
        _metrics.Dispose();
        try
        {
            // The store first: what its closing flushes is not shipped, but everything before may still be.
            if (_shipper is { } shipper)
            {
                await shipper.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            if (_current is { } current)
            {
                _current = null;
                await current.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>The engine behind the current role.</summary>
    internal TrieStore? AsMain => _current as TrieStore;

    /// <summary>As a main: the position of its last operation.</summary>
    internal ulong Position => _shipper?.LastSequence ?? 0;

    internal Follower? AsReplica => (_current as ReplicaStore)?.Follower;

    private static ReplicationReply Refused(string text) => new() { Status = ReplyStatus.Refused, Text = text };

    /// <summary>Where a main answers a message, whoever sent it took this one for a replica.</summary>
    private static ReplicationReply AnswerAsMain(Shipper shipper, ReplicationRequest request)
    {
        var (epoch, incarnation) = (shipper.Shard.Epoch, shipper.Incarnation);
        var isOld = request.Kind != MessageKind.Status && request.Epoch <= epoch;
        return new ReplicationReply
        {
            Status = request.Kind == MessageKind.Status ? ReplyStatus.Ok
                : isOld ? ReplyStatus.Fenced
                : ReplyStatus.Refused,
            Epoch = epoch,
            Incarnation = incarnation,
            LastSequence = shipper.LastSequence,
            IsMain = true,
            Text = isOld
                ? $"it is the main itself now, {incarnation} of epoch {epoch}"
                : $"it is a main itself, {incarnation} of epoch {epoch}",
        };
    }

    private async ValueTask FollowAsync(CancellationToken cancellationToken) =>
        _current = new ReplicaStore(await _medium.FollowAsync(
            _options, _roles.Replication, _time, cancellationToken).ConfigureAwait(false));

    /// <summary>A main that comes back asks first, so that it does not take back what was promoted meanwhile.</summary>
    private async ValueTask ThrowIfReplacedAsync(CancellationToken cancellationToken)
    {
        var others = await AskAsync(cancellationToken).ConfigureAwait(false);
        if (others.FirstOrDefault(static other => other.Reply is { IsMain: true }) is { Reply: { } main } other)
        {
            throw new DmtException(
                DmtErrorKind.Fenced,
                $"{other.Name} is the main now, {main.Incarnation} of epoch {main.Epoch}: start this one with "
                    + "is_replica");
        }
    }

    private async ValueTask LeadAsync(CancellationToken cancellationToken)
    {
        var shipper = new Shipper(
            RootShard,
            [.. _roles.Replicas.Select(name => (name, _roles.Connect(name)))],
            _medium.IsShared,
            _roles.Replication,
            _time,
            EngineScheduler.ThreadPool,
            new Random(RandomNumberGenerator.GetInt32(int.MaxValue)))
        {
            Url = _url,
        };
        var store = await _medium.OpenMainAsync(_options, _time, shipper, cancellationToken).ConfigureAwait(false);
        shipper.Start(store.Host, store.Host.Find(RootShard)!);
        _ = ForwardFenceAsync(store);
        (_shipper, _current) = (shipper, store);
    }

    private async Task ForwardFenceAsync(TrieStore store) =>
        _fenced.TrySetResult(await store.WhenFenced.ConfigureAwait(false));

    private async ValueTask ChangeAsync(ReplicaStore replica, CancellationToken cancellationToken)
    {
        _current = null;
        try
        {
            if (replica.Follower is FolderFollower folder)
            {
                await folder.BecomeMainAsync(cancellationToken).ConfigureAwait(false);
            }

            await replica.DisposeAsync().ConfigureAwait(false);
            await LeadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await replica.DisposeAsync().ConfigureAwait(false);
            await FollowAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Where the other replicas are.</summary>
    private async ValueTask<IReadOnlyList<(string Name, ReplicationReply? Reply, string? Problem)>> AskAsync(
        CancellationToken cancellationToken)
    {
        var question = ReplicationMessage.Encode(
            new ReplicationRequest { Kind = MessageKind.Status, Shard = RootShard });
        return await Task.WhenAll(_roles.Replicas.Select(AskOneAsync)).ConfigureAwait(false);

        async Task<(string, ReplicationReply?, string?)> AskOneAsync(string name)
        {
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(2), _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
            try
            {
                var answer = await _roles.Connect(name).ExchangeAsync(question, either.Token).ConfigureAwait(false);
                return (name, ReplicationMessage.DecodeReply(answer), null);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return (name, null, "it did not answer");
            }
            catch (DmtException e)
            {
                return (name, null, e.Message);
            }
        }
    }
}
