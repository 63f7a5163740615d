namespace Dmt.Contracts;

/// <summary>Reads the shard map from the store, on whichever silo is asked; the key says nothing.</summary>
[Alias("dmt.shard-map-reader")]
public interface IShardMapReaderGrain : IGrainWithIntegerKey
{
    /// <summary>A newer map than the caller has, encoded as the store has it (<c>ShardMapCodec</c>).</summary>
    /// <param name="known">The version that the caller has; 0 for none.</param>
    /// <param name="newest">Ask the store, even where a newer one than that is known here.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null where there is none newer.</returns>
    [Alias("load")]
    ValueTask<byte[]?> LoadAsync(long known, bool newest, CancellationToken cancellationToken = default);
}
