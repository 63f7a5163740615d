namespace Dmt.Core;

/// <summary>What an operator does with a store as a whole: keep states of it, and clean up behind it.</summary>
public interface IStoreMaintenance
{
    /// <summary>
    /// Keeps the present state under a name: everything acknowledged before the call is in it. Costs a flush and one
    /// small object; later also the space of tables that only it still needs.
    /// </summary>
    /// <param name="name">1 to 64 of a-z A-Z 0-9 - _ .</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DmtException">
    /// InvalidArgument for the name; Conflict when there is one of that name; Fenced; Unavailable.
    /// </exception>
    ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>All checkpoints, in order of names.</summary>
    ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(CancellationToken cancellationToken = default);

    /// <summary>Lets a checkpoint go; what only it needed becomes garbage.</summary>
    /// <returns>False when there was none of that name.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for the name; Conflict when a clone of the store needs it; Unavailable.
    /// </exception>
    ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>
    /// Looks through all objects of the store and deletes those that nothing refers to and that are old enough.
    /// </summary>
    /// <param name="dryRun">Delete nothing, report only.</param>
    /// <param name="ageMin">
    /// Minimum age by the store's clock; null for the store's own: 1 hour in a bucket, 0 in a folder.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DmtException">
    /// Fenced when another process owns the store; Corruption when a checkpoint or a manifest cannot be read; then
    /// nothing is deleted. Unavailable.
    /// </exception>
    ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun = false, TimeSpan? ageMin = null, CancellationToken cancellationToken = default);
}
