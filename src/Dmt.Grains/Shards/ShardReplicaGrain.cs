using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Replication;
using Dmt.Grains.Placement;
using Orleans.Concurrency;

namespace Dmt.Grains.Shards;

/// <summary>A thin handle on a follower of a shard. It lives where the shard goes next when its owner's silo is lost.
/// </summary>
[Reentrant]
[ShardPlacement]
internal sealed class ShardReplicaGrain(SiloNode node, LocalReplicas local) : Grain, IShardReplicaGrain
{
    private ShardFollower? _follower;
    private DmtException? _refusal; // why there is no follower

    /// <exception cref="DmtException">What kept it from following; the next call finds another activation.</exception>
    private ShardFollower Follower
    {
        get
        {
            if (_follower is { IsGone: false } follower)
            {
                return follower;
            }

            DeactivateOnIdle();
            throw _refusal is { } refusal
                ? new DmtException(refusal.Kind, refusal.Message, refusal)
                : new DmtException(DmtErrorKind.NotOwner, "this replica follows its shard no more: look for it again");
        }
    }

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        try
        {
            _follower = await node.Replicas.FollowAsync(
                GrainKeys.Parse(this.GetPrimaryKeyString()).Shard, cancellationToken);
            local.Add(this.GetPrimaryKeyString(), GrainContext);
        }
        catch (DmtException e)
        {
            // Answered to whoever waits: an activation that fails hides why.
            _refusal = e;
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        local.Remove(this.GetPrimaryKeyString(), GrainContext);
        if (_follower is { } follower)
        {
            await follower.DisposeAsync();
        }
    }

    public async ValueTask<ReplicaRead> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        var follower = Follower;

        // The age first: what is read then is not older than it says.
        var lagMs = follower.Lag.Milliseconds
            ?? throw DmtException.Unavailable("this replica has not caught up with its shard once yet: try again");
        return new ReplicaRead { Entry = await follower.GetAsync(key, cancellationToken), LagMs = lagMs };
    }

    public async ValueTask<ShardScanPage> ScanAsync(ShardScan scan, CancellationToken cancellationToken) =>
        ShardScans.ToMessage(await Follower.ScanAsync(ShardScans.ToRequest(scan), cancellationToken));

    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken) =>
        Follower.CountAsync(range, cancellationToken);

    public ValueTask<ReplicaDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        var follower = Follower;
        return ValueTask.FromResult(new ReplicaDescription
        {
            Shard = follower.Id,
            LastSequence = follower.LastSequence,
            LagMs = follower.Lag.Milliseconds,
            Problem = follower.Problem,
        });
    }
}
