namespace Dmt.Contracts;

/// <summary>
/// Decides about carves and merges, one change at a time; there is one (<see cref="GrainKeys.Map"/>). The map itself is
/// in the store, and read through <see cref="IShardMapReaderGrain"/>: finding a shard needs no particular silo.
/// </summary>
[Alias("dmt.shard-map")]
public interface IShardMapGrain : IGrainWithStringKey
{
    /// <summary>Makes the keys under each of the prefixes, all in one shard, a shard of their own.</summary>
    /// <returns>The new shards.</returns>
    [Alias("split")]
    ValueTask<uint[]> SplitAsync(ReadOnlyMemory<byte>[] prefixes, CancellationToken cancellationToken = default);

    /// <summary>Gives the keys of a shard back to the one above it.</summary>
    /// <returns>False where there is no such shard.</returns>
    [Alias("merge")]
    ValueTask<bool> MergeAsync(uint shard, CancellationToken cancellationToken = default);

    /// <summary>Looks at all shards that are open, and does what their sizes and loads ask for.</summary>
    /// <returns>How many changes were made.</returns>
    [Alias("balance")]
    ValueTask<int> BalanceAsync(CancellationToken cancellationToken = default);
}
