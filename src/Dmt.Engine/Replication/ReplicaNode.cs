using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

/// <summary>
/// Follows shards of a store in a bucket that other processes own, from the bucket alone: nobody sends anything, and
/// nothing is ever written. All shards that it follows share one memory budget and one block cache, and read each log
/// once. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A shard that nothing happens to costs one GET a look, and its owner's log at most two GETs an interval, once for all
/// shards of that owner; every 64th look is a LIST. At the default interval: 118 GETs and 2 LISTs a minute for each
/// shard, and up to 240 GETs for each owner.
/// </remarks>
public sealed class ReplicaNode : IAsyncDisposable
{
    /// <summary>Every 500 ms.</summary>
    public static readonly TimeSpan PollIntervalDefault = TimeSpan.FromMilliseconds(500);

    private readonly ShardHost _host;
    private readonly LogTails _tails;
    private readonly TimeSpan _pollInterval;
    private readonly Lock _lock = new(); // guards _followers and _closed
    private readonly HashSet<ShardFollower> _followers = [];
    private bool _closed;

    internal ReplicaNode(
        IObjectStore objects,
        EngineOptions options,
        TimeSpan pollInterval,
        TimeProvider time,
        EngineScheduler scheduler)
    {
        options.Validate();
        if (pollInterval < TimeSpan.FromMilliseconds(10) || pollInterval > TimeSpan.FromDays(1))
        {
            throw DmtException.InvalidArgument($"a poll interval of {pollInterval}: expected 10 ms to 1 day");
        }

        _host = ShardHost.Follow(objects, new FollowerLog("replica"), options, time, scheduler);
        (_tails, _pollInterval) = (new LogTails(objects, time, scheduler), pollInterval);
    }

    /// <summary>Shards that are followed now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _followers.Count;
            }
        }
    }

    internal ShardHost Host => _host;

    /// <summary>Makes a node that follows nothing yet; it asks nothing of the store.</summary>
    /// <param name="objects">The store; closed with the node.</param>
    /// <param name="options">Settings; those of writing do not matter.</param>
    /// <param name="pollInterval">How often each follower looks: 10 ms to 1 day; 500 ms by default.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <exception cref="DmtException">InvalidArgument for a setting.</exception>
    public static ReplicaNode Open(
        IObjectStore objects,
        EngineOptions? options = null,
        TimeSpan? pollInterval = null,
        TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(objects);
        return new ReplicaNode(
            objects,
            options ?? new EngineOptions(),
            pollInterval ?? PollIntervalDefault,
            time ?? TimeProvider.System,
            EngineScheduler.ThreadPool);
    }

    /// <summary>
    /// Reads what the bucket has of a shard, and follows from there. A shard may be followed more than once.
    /// </summary>
    /// <param name="shard">Its number, from 1.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The follower; dispose it to stop.</returns>
    /// <exception cref="DmtException">
    /// NotOwner where nobody has opened such a shard, or it was merged away; Unavailable; Corruption; Closed.
    /// </exception>
    public async ValueTask<ShardFollower> FollowAsync(uint shard, CancellationToken cancellationToken = default)
    {
        var follower = new ShardFollower(
            _host, new FollowedShard(_host, _tails, shard), _pollInterval, gone => Remove(gone));
        lock (_lock)
        {
            if (_closed)
            {
                throw DmtException.Closed("the replica node");
            }

            _followers.Add(follower);
        }

        try
        {
            await follower.StartAsync(cancellationToken).ConfigureAwait(false);
            return follower;
        }
        catch
        {
            await follower.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops all followers.</summary>
    public async ValueTask DisposeAsync()
    {
        List<ShardFollower> followers;
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            followers = [.. _followers];
        }

        foreach (var follower in followers)
        {
            await follower.DisposeAsync().ConfigureAwait(false);
        }

        await _host.DisposeAsync().ConfigureAwait(false);
    }

    private void Remove(ShardFollower follower)
    {
        lock (_lock)
        {
            _followers.Remove(follower);
        }
    }
}
