using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Contracts;

/// <summary>
/// One shard, as its owner answers for it; the key is the shard's number. Keys that are not the shard's are refused
/// with NotOwner before anything is done: look into the map again. While it moves to another silo, and where its silo
/// was fenced, it answers Unavailable or Fenced; asked again, it is found at its next owner. Calls interleave: the
/// engine orders writes.
/// </summary>
[Alias("dmt.shard")]
public interface IShardGrain : IGrainWithStringKey
{
    /// <summary>What the key holds; null where it is absent.</summary>
    [Alias("get")]
    ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default);

    /// <summary>
    /// What each of the keys holds, or, where that is much, the first of them: at least one, and no more once there are
    /// 4 MiB. All must be the shard's.
    /// </summary>
    [Alias("get-many")]
    ValueTask<EntryList> GetManyAsync(KeyList keys, CancellationToken cancellationToken = default);

    /// <summary>Does one write.</summary>
    /// <returns>The new version.</returns>
    [Alias("write")]
    ValueTask<ulong> WriteAsync(ShardWrite write, CancellationToken cancellationToken = default);

    /// <summary>Does several writes that have nothing to do with each other, each with an outcome of its own.</summary>
    [Alias("write-many")]
    ValueTask<WriteOutcomeList> WriteManyAsync(ShardWriteList writes, CancellationToken cancellationToken = default);

    /// <summary>One page of a range that is the shard's as a whole.</summary>
    [Alias("scan")]
    ValueTask<ShardScanPage> ScanAsync(ShardScan scan, CancellationToken cancellationToken = default);

    /// <summary>The number of keys in a range that is the shard's as a whole, in one snapshot.</summary>
    [Alias("count")]
    ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default);

    /// <summary>Writes what is in memory into tables.</summary>
    /// <returns>The owner's epoch: everything that was acknowledged before is in tables that it has named.</returns>
    [Alias("flush"), ResponseTimeout("00:05:00")]
    ValueTask<ulong> FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>What it holds and does.</summary>
    [Alias("describe")]
    ValueTask<ShardDescription> DescribeAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Makes the keys under the prefixes shards of their own; without prefixes, those of the shard's own choice, and
    /// none where it has no good ones. The map has them when this returns. Called by <see cref="IShardMapGrain"/>.
    /// </summary>
    [Alias("carve")]
    ValueTask CarveAsync(ReadOnlyMemory<byte>[] prefixes, CancellationToken cancellationToken = default);

    /// <summary>
    /// Makes shards of their own of the keys that it is asked for most, where that balances its load; none where there
    /// is one key that has most of it. Called by <see cref="IShardMapGrain"/>.
    /// </summary>
    [Alias("carve-hot")]
    ValueTask CarveHotAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// The first half of a merge: the shard has no keys any more. Does nothing where that is done. Called by
    /// <see cref="IShardMapGrain"/>.
    /// </summary>
    /// <param name="parent">The shard that is to absorb it.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    [Alias("give-up")]
    ValueTask GiveUpAsync(uint parent, CancellationToken cancellationToken = default);

    /// <summary>The second half of a merge. Does nothing where that is done.</summary>
    /// <returns>Null when it is done; or the shard that is to absorb it instead.</returns>
    [Alias("absorb")]
    ValueTask<uint?> AbsorbAsync(uint child, CancellationToken cancellationToken = default);

    /// <summary>The caller's map says that keys which were refused are the shard's: the map is brought up to date.
    /// </summary>
    [Alias("agree")]
    ValueTask AgreeAsync(CancellationToken cancellationToken = default);
}
