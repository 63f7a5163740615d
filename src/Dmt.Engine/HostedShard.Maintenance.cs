using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Checkpoints;

namespace Dmt.Engine;

/// <content>
/// What concerns the store as a whole. Any node could do it; there should be one at a time, and the owner of the root
/// is one that everybody finds.
/// </content>
public sealed partial class HostedShard
{
    private StoreMaintenance Maintenance => _shard.Id == ShardMap.Root
        ? new StoreMaintenance(_host)
        : throw DmtException.InvalidArgument(
            $"shard {_shard.Id} has no say in checkpoints and garbage: ask shard {ShardMap.Root}");

    /// <inheritdoc cref="IStoreMaintenance.CheckpointAsync"/>
    /// <param name="name">1 to 64 of a-z A-Z 0-9 - _ .</param>
    /// <param name="flush">Has a shard flushed by its owner (<see cref="FlushAsync"/>), wherever that is, and says
    /// under which epoch; throws NotOwner where the shard is on the move.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<CheckpointInfo> CheckpointAsync(
        string name,
        Func<uint, CancellationToken, ValueTask<ulong>> flush,
        CancellationToken cancellationToken = default)
    {
        _ = Maintenance;
        return new SpreadCheckpoint(_host.Objects, _host.Time, _host.Scheduler, flush)
            .MakeAsync(name, _host.Log.Incarnation, cancellationToken);
    }

    /// <inheritdoc cref="IStoreMaintenance.ListCheckpointsAsync"/>
    public ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(
        CancellationToken cancellationToken = default) => Maintenance.ListCheckpointsAsync(cancellationToken);

    /// <inheritdoc cref="IStoreMaintenance.DeleteCheckpointAsync"/>
    public ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default) =>
        Maintenance.DeleteCheckpointAsync(name, cancellationToken);

    /// <inheritdoc cref="IStoreMaintenance.CollectGarbageAsync"/>
    public ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun = false, TimeSpan? ageMin = null, CancellationToken cancellationToken = default) =>
        Maintenance.CollectGarbageAsync(dryRun, ageMin, cancellationToken);
}
