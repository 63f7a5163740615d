using Dmt.Engine.Manifests;

namespace Dmt.Engine.Log;

/// <summary>Where the logs of all incarnations of all nodes lie.</summary>
internal interface ILogStore
{
    /// <summary>Only one process at a time can have the store, its logs included.</summary>
    bool IsExclusive { get; }

    /// <summary>Starts the log of a new incarnation.</summary>
    INodeLog Create(string incarnation);

    /// <summary>Incarnations whose logs are this node's to clean up, oldest first.</summary>
    IReadOnlyList<string> ListOwnIncarnations();

    /// <summary>
    /// Many shards are about to be recovered: where replaying means reading everything, it is read once for all.
    /// </summary>
    /// <param name="incarnations">Whose logs.</param>
    /// <returns>The shards that have records there; none where a shard finds its own without the others.</returns>
    IReadOnlyCollection<uint> BeginRecovery(IReadOnlyList<string> incarnations) => [];

    /// <summary>What was kept for it may go.</summary>
    void EndRecovery()
    {
    }

    /// <summary>
    /// Sees to it that whoever writes that log cannot append to it any more: its next append fails. Where only one
    /// process at a time can have the logs, what it wrote is made durable instead.
    /// </summary>
    ValueTask SealAsync(LogRange range, CancellationToken cancellationToken);

    /// <summary>
    /// Throws Corruption when the range is damaged, where finding out is cheap: before anything is changed.
    /// </summary>
    void Check(LogRange range);

    /// <summary>
    /// Hands out, in order, a shard's records from the range on. Other shards' records may come along.
    /// </summary>
    ValueTask ReplayAsync(LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken);

    /// <summary>Deletes a log that no manifest names.</summary>
    void Delete(string incarnation);
}
