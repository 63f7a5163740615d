using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <content>Checkpoints, garbage, and the opening of what they keep.</content>
public sealed partial class TrieStore
{
    private CheckpointStore Checkpoints => new(Host.Objects);

    private StoreMaintenance Maintenance => new(Host);

    /// <inheritdoc/>
    public async ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        Checkpoint.ValidateName(name);
        using var held = await Host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        var manifests = await Shards.FlushedManifestsAsync(cancellationToken).ConfigureAwait(false);
        var checkpoint = new Checkpoint(name, Host.Time.GetUtcNow(), manifests);
        if (!await Checkpoints.TryCreateAsync(checkpoint, cancellationToken).ConfigureAwait(false))
        {
            throw new DmtException(DmtErrorKind.Conflict, $"there is a checkpoint \"{name}\" already");
        }

        // A successor may have deleted tables that it names, unless it comes after the checkpoint.
        try
        {
            await Shards.ThrowIfTakenOverAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced)
        {
            await Checkpoints.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            throw;
        }

        return checkpoint.Info;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(
        CancellationToken cancellationToken = default) => Maintenance.ListCheckpointsAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default) =>
        Maintenance.DeleteCheckpointAsync(name, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun = false, TimeSpan? ageMin = null, CancellationToken cancellationToken = default) =>
        Maintenance.CollectGarbageAsync(dryRun, ageMin, cancellationToken);

    /// <summary>Opens the present state, or the checkpoint that the options name in its place.</summary>
    private static async ValueTask<ShardDirectory> OpenShardsAsync(ShardHost host, CancellationToken cancellationToken)
    {
        var shards = await ShardDirectory.LoadAsync(host, cancellationToken).ConfigureAwait(false);
        if (host.Options.RestoreFrom is { } name)
        {
            await RestoreAsync(host, shards, name, cancellationToken).ConfigureAwait(false);
            return shards;
        }

        var kFactor = host.Options.KFactor;
        kFactor = kFactor > 0 && await IsNewAsync(host, cancellationToken).ConfigureAwait(false) ? kFactor : 0;
        await shards.OpenRootAsync(null, cancellationToken).ConfigureAwait(false);
        try
        {
            await PreSplitAsync(shards, kFactor, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await shards.CloseAsync().ConfigureAwait(false);
            throw;
        }

        return shards;
    }

    private static async ValueTask RestoreAsync(
        ShardHost host, ShardDirectory shards, string name, CancellationToken cancellationToken)
    {
        var checkpoints = new CheckpointStore(host.Objects);
        var checkpoint = await checkpoints.FindAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw DmtException.InvalidArgument($"there is no checkpoint \"{name}\" in {host.Objects.Description}");
        await shards.RestoreAsync(checkpoint.Manifests, cancellationToken).ConfigureAwait(false);

        // See GarbageCollector.cs: from here on the manifests keep the tables, if the checkpoint did until here.
        if (await checkpoints.FindAsync(name, cancellationToken).ConfigureAwait(false) is null)
        {
            throw DmtException.Unavailable(
                $"the checkpoint \"{name}\" was deleted while it was restored: its tables may be gone");
        }
    }
}
