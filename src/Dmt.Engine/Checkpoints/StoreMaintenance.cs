using Dmt.Core;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Checkpoints;

/// <summary>
/// What is the same whether one process has all shards or many have some: what is there of checkpoints, and garbage.
/// </summary>
internal sealed class StoreMaintenance(ShardHost host)
{
    private readonly CheckpointStore _checkpoints = new(host.Objects);

    /// <inheritdoc cref="IStoreMaintenance.ListCheckpointsAsync"/>
    public async ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(CancellationToken cancellationToken)
    {
        var all = await _checkpoints.LoadAllAsync(cancellationToken).ConfigureAwait(false);
        return [.. all.Select(static checkpoint => checkpoint.Info)];
    }

    /// <inheritdoc cref="IStoreMaintenance.DeleteCheckpointAsync"/>
    public async ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken)
    {
        Checkpoint.ValidateName(name);
        using var held = await host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (await host.Objects.GetAsync(Checkpoint.NameOf(name), cancellationToken)
            .ConfigureAwait(false) is not { } bytes)
        {
            return false;
        }

        if (Checkpoint.TryDecodePin(bytes, name) is { } pin)
        {
            await new StoreClone(host.Objects, host.Time).ThrowIfNeededAsync(pin, cancellationToken)
                .ConfigureAwait(false);
        }

        await _checkpoints.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
        host.Collector.CheckpointDeleted();
        return true;
    }

    /// <inheritdoc cref="IStoreMaintenance.CollectGarbageAsync"/>
    public ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun, TimeSpan? ageMin, CancellationToken cancellationToken) =>
        host.Collector.SweepAsync(dryRun, ageMin, cancellationToken);
}
