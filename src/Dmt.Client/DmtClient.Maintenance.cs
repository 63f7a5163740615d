using Dmt.Contracts;
using Dmt.Core;
using Dmt.Core.Sharding;

namespace Dmt.Client;

/// <content>Checkpoints and garbage, which the owner of the root shard sees to.</content>
public sealed partial class DmtClient : IStoreMaintenance
{
    /// <inheritdoc/>
    /// <remarks>Over several shards: each is flushed by itself, as of some moment of the call. A call that is tried
    /// again may find what an attempt before has made, and says Conflict.</remarks>
    public ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return OnRootAsync(
            () => $"the checkpoint \"{name}\" could not be made",
            (root, stop) => root.CheckpointAsync(name, stop),
            cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(
        CancellationToken cancellationToken = default) =>
        await OnRootAsync(
            static () => "the checkpoints could not be read",
            static (root, stop) => root.ListCheckpointsAsync(stop),
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>False, too, where an attempt before has deleted it without being able to say so.</remarks>
    public ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return OnRootAsync(
            () => $"the checkpoint \"{name}\" could not be deleted",
            (root, stop) => root.DeleteCheckpointAsync(name, stop),
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun = false, TimeSpan? ageMin = null, CancellationToken cancellationToken = default) =>
        OnRootAsync(
            static () => "garbage could not be collected",
            (root, stop) => root.CollectGarbageAsync(dryRun, ageMin, stop),
            cancellationToken);

    private ValueTask<T> OnRootAsync<T>(
        Func<string> what,
        Func<IStoreMaintenanceGrain, CancellationToken, ValueTask<T>> call,
        CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        return _retries.RunAsync(
            what,
            _grains.GetGrain<IStoreMaintenanceGrain>(GrainKeys.OfShard(ShardMap.Root)),
            call,
            static (_, _) => ValueTask.CompletedTask,
            cancellationToken);
    }
}
