using Dmt.Core;

namespace Dmt.Contracts;

/// <summary>
/// Checkpoints and garbage of the whole store, which the owner of the root sees to: the key is the root's, as an
/// <see cref="IShardGrain"/>'s. Elsewhere it refuses with InvalidArgument.
/// </summary>
[Alias("dmt.store-maintenance")]
public interface IStoreMaintenanceGrain : IGrainWithStringKey
{
    /// <inheritdoc cref="IStoreMaintenance.CheckpointAsync"/>
    [Alias("checkpoint"), ResponseTimeout("00:10:00")]
    ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IStoreMaintenance.ListCheckpointsAsync"/>
    [Alias("list-checkpoints")]
    ValueTask<CheckpointInfo[]> ListCheckpointsAsync(CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IStoreMaintenance.DeleteCheckpointAsync"/>
    [Alias("delete-checkpoint")]
    ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IStoreMaintenance.CollectGarbageAsync"/>
    [Alias("collect-garbage"), ResponseTimeout("00:10:00")]
    ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun, TimeSpan? ageMin, CancellationToken cancellationToken = default);
}
