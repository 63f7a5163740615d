using Dmt.Contracts.Messages;
using Dmt.Core.Keys;

namespace Dmt.Contracts;

/// <summary>
/// A replica of a shard: it follows the owner's log and tables in the store, answers reads, a little late, and keeps
/// warm what the silo needs that takes the shard over. The key is the shard's number, a slash, and the number of the
/// copy, from 1.
/// </summary>
[Alias("dmt.shard-replica")]
public interface IShardReplicaGrain : IGrainWithStringKey
{
    /// <summary>What the key held, as far as the replica has followed, and how old that is.</summary>
    [Alias("get")]
    ValueTask<ReplicaRead> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default);

    /// <summary>One page of a range that is the shard's as a whole.</summary>
    [Alias("scan")]
    ValueTask<ShardScanPage> ScanAsync(ShardScan scan, CancellationToken cancellationToken = default);

    /// <summary>The number of keys in a range that is the shard's as a whole.</summary>
    [Alias("count")]
    ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default);

    /// <summary>How far it has followed.</summary>
    [Alias("describe")]
    ValueTask<ReplicaDescription> DescribeAsync(CancellationToken cancellationToken = default);
}
