namespace Dmt.Core;

/// <summary>What an operator does with the shards of a store.</summary>
public interface IShardAdministration
{
    /// <summary>
    /// All shards, in bytewise order of their prefixes: the root first, each parent before its children. Opens none.
    /// </summary>
    /// <exception cref="DmtException">Closed; Unavailable where a server does not answer.</exception>
    ValueTask<IReadOnlyList<ShardInfo>> ListShardsAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Makes the keys under each of the prefixes a shard of their own, all at once or none. Nothing is copied; writers
    /// of these keys wait for a moment.
    /// </summary>
    /// <param name="prefixes">
    /// At least one; 1 to 1,024 bytes each, all in one shard, none under another, none that is a shard's already.
    /// </param>
    /// <param name="cancellationToken">Gives up, before it is done.</param>
    /// <returns>The new shards, in the order of the prefixes.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for the prefixes; Unavailable also while snapshots are open; Fenced; Closed.
    /// </exception>
    ValueTask<IReadOnlyList<ShardInfo>> SplitShardAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken = default);

    /// <summary>
    /// Gives the keys of a shard back to its parent, which becomes the parent of its children too. Nothing is copied;
    /// writers of both wait for a moment.
    /// </summary>
    /// <param name="shard">Its number.</param>
    /// <param name="cancellationToken">Gives up, before it is done.</param>
    /// <returns>False when there is no such shard.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for the root; Unavailable also while snapshots are open; Fenced; Closed.
    /// </exception>
    ValueTask<bool> MergeShardAsync(uint shard, CancellationToken cancellationToken = default);
}
