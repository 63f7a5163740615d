// A shard that is followed from the bucket, as those see it who read it: looks again every interval, later each time
// that the bucket cannot be reached. Reads go on with what was there; the lag says how old that is.
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

/// <summary>
/// Reads of one shard that another process owns; every write is refused. What is read is a state that the owner was in,
/// the newest that the bucket had at the last look: a write of its owner is seen once its log was uploaded (within 1 s;
/// a strict one when it is acknowledged) and a look has passed. Reads never go back. Safe for concurrent use.
/// </summary>
/// <remarks>
/// Which keys it answers for follows the owner's manifests: keys that were carved out are refused as NotOwner, and all
/// of them are once the shard was merged away (<see cref="IsGone"/>).
/// </remarks>
public sealed class ShardFollower : ITrieStore
{
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(10);

    private readonly ShardHost _host;
    private readonly FollowedShard _followed;
    private readonly TimeSpan _interval;
    private readonly Action<ShardFollower> _ended;
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private volatile string? _problem;
    private int _disposed;

    internal ShardFollower(
        ShardHost host, FollowedShard followed, TimeSpan interval, Action<ShardFollower> ended) =>
        (_host, _followed, _interval, _ended) = (host, followed, interval, ended);

    /// <summary>The number of the shard.</summary>
    public uint Id => _followed.Id;

    /// <summary>The owner's epoch whose state is shown.</summary>
    public ulong Epoch => Shown.Epoch;

    /// <summary>The incarnation of the owner whose state is shown.</summary>
    public string Owner => Shown.Owned.Manifest.Incarnation;

    /// <summary>The last operation that is shown.</summary>
    public ulong LastSequence => Shown.LastSequence;

    /// <summary>What keeps the follower from looking; null when all is well.</summary>
    public string? Problem => _problem;

    /// <summary>The shard was merged into another one: this follower looks no more and answers nothing.</summary>
    public bool IsGone => Shown.MergedInto is not null;

    /// <summary>
    /// How old the state may be: the time since the last look that found everything. Operations is 0: those that are
    /// not in the bucket yet cannot be counted from here.
    /// </summary>
    public ReplicaLag Lag => new(0, _followed.LagMs);

    private Shard Shown => _followed.Shard!; // StartAsync found it

    /// <summary>Looks now. Returns with everything that the bucket had when it was called.</summary>
    /// <exception cref="DmtException">Unavailable; Corruption; Closed.</exception>
    public ValueTask RefreshAsync(CancellationToken cancellationToken = default) =>
        IsGone ? ValueTask.CompletedTask : _followed.LookAsync(TimeSpan.Zero, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="DmtException">NotOwner for a key that is not the shard's.</exception>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        ReadAsync(shard => shard.GetAsync(key, null, cancellationToken));

    /// <inheritdoc/>
    /// <exception cref="DmtException">NotOwner for a range that is not all the shard's.</exception>
    public ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(shard => ReplicaReads.ScanAsync(shard, request, cancellationToken));

    /// <inheritdoc/>
    /// <exception cref="DmtException">NotOwner for a range that is not all the shard's.</exception>
    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default) =>
        ReadAsync(shard => ReplicaReads.CountAsync(shard, range, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        var shard = Shown;
        return ValueTask.FromResult(ReplicaReads.Describe(_host, [shard], Owner) with
        {
            LastSequence = shard.LastSequence,
            Epoch = shard.Epoch,
            WritesRefused = RefusalText,
            BackgroundProblem = Problem,
            Replication = new ReplicationStatistics
            {
                Role = "replica",
                LagMs = _followed.LagMs,
                Connected = Problem is null,
            },
        });
    }

    /// <summary>Refused: this is a replica.</summary>
    /// <exception cref="DmtException">NotOwner.</exception>
    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default) => throw Refusal();

    /// <inheritdoc cref="PutAsync"/>
    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        throw Refusal();

    /// <inheritdoc cref="PutAsync"/>
    public ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        throw Refusal();

    /// <inheritdoc cref="PutAsync"/>
    public ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default) =>
        throw Refusal();

    /// <inheritdoc cref="PutAsync"/>
    public ValueTask SyncAsync(CancellationToken cancellationToken = default) => throw Refusal();

    /// <summary>Stops following; reads that are under way end well.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _host.Scheduler.CancelAsync(_stop).ConfigureAwait(false);
            await _loop.ConfigureAwait(false);
            await _followed.DisposeAsync().ConfigureAwait(false);
            _ended(this);
            _stop.Dispose();
        }
    }

    internal async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        await _followed.LookAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
        if (_followed.Shard is not { } shard)
        {
            throw new DmtException(
                DmtErrorKind.NotOwner,
                $"there is no shard {Id} in {_host.Objects.Description}: look into the shard map");
        }

        ThrowIfGone(shard);
        _loop = _host.Scheduler.Start(RunAsync);
    }

    private async Task RunAsync()
    {
        var delay = _interval;
        while (!_stop.IsCancellationRequested && !IsGone)
        {
            try
            {
                await _host.Scheduler.DelayAsync(delay, _host.Time, _stop.Token).ConfigureAwait(false);
                await _followed.LookAsync(_interval / 2, _stop.Token).ConfigureAwait(false);
                (_problem, delay) = (null, _interval);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (DmtException e)
            {
                // Operators see it as the follower's problem, readers as its lag.
                _problem = e.Message;
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, Math.Max(DelayMax.Ticks, _interval.Ticks)));
            }
        }
    }

    private async ValueTask<T> ReadAsync<T>(Func<Shard, ValueTask<T>> read)
    {
        while (true)
        {
            ThrowIfDisposed();
            var shard = Shown;
            ThrowIfGone(shard);
            try
            {
                return await read(shard).ConfigureAwait(false);
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Closed && shard != Shown)
            {
                // A newer state has taken its place.
            }
        }
    }

    private static void ThrowIfGone(Shard shard)
    {
        if (shard.MergedInto is { } into)
        {
            throw new DmtException(
                DmtErrorKind.NotOwner,
                $"shard {shard.Id} was merged into shard {into}: look into the shard map again");
        }
    }

    private void ThrowIfDisposed()
    {
        if (Volatile.Read(ref _disposed) != 0)
        {
            throw DmtException.Closed($"the replica of shard {Id}");
        }
    }

    private string RefusalText => $"this is a read replica of shard {Id}, whose owner is {Owner}: write there";

    private DmtException Refusal() => new(DmtErrorKind.NotOwner, RefusalText);
}
