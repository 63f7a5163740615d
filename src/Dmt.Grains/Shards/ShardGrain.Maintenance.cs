using Dmt.Contracts;
using Dmt.Core;

namespace Dmt.Grains.Shards;

/// <content>What the root's owner does for the whole store.</content>
internal sealed partial class ShardGrain : IStoreMaintenanceGrain
{
    public ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken)
    {
        var grains = GrainFactory; // The engine calls from threads of its own, where the activation cannot be asked.
        return Shard.CheckpointAsync(
            name,
            (shard, stop) => grains.GetGrain<IShardGrain>(GrainKeys.OfShard(shard)).FlushAsync(stop),
            cancellationToken);
    }

    public async ValueTask<CheckpointInfo[]> ListCheckpointsAsync(CancellationToken cancellationToken) =>
        [.. await Shard.ListCheckpointsAsync(cancellationToken)];

    public ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken) =>
        Shard.DeleteCheckpointAsync(name, cancellationToken);

    public ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun, TimeSpan? ageMin, CancellationToken cancellationToken) =>
        Shard.CollectGarbageAsync(dryRun, ageMin, cancellationToken);
}
