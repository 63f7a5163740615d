using Dmt.Core;

namespace Dmt.Engine.Replication;

/// <content>Shards: the main's to change, in a bucket.</content>
public sealed partial class RoleStore : IShardAdministration
{
    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ShardInfo>> ListShardsAsync(CancellationToken cancellationToken = default) =>
        Current is ReplicaStore replica
            ? ValueTask.FromResult(replica.ListShards())
            : ((TrieStore)Current).ListShardsAsync(cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="DmtException">NotOwner on a replica; InvalidArgument over folders.</exception>
    public ValueTask<IReadOnlyList<ShardInfo>> SplitShardAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken = default) =>
        _medium.IsShared || Current is ReplicaStore
            ? Changing().SplitShardAsync(prefixes, cancellationToken)
            : throw ReplicationMedium.OneShardOnly("shards cannot be split");

    /// <inheritdoc/>
    /// <exception cref="DmtException">NotOwner on a replica.</exception>
    public ValueTask<bool> MergeShardAsync(uint shard, CancellationToken cancellationToken = default) =>
        Changing().MergeShardAsync(shard, cancellationToken);

    private TrieStore Changing() => Current switch
    {
        ReplicaStore replica => throw replica.Refusal(),
        var main => (TrieStore)main,
    };
}
