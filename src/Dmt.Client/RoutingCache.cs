using System.Collections.Concurrent;
using System.Security.Cryptography;
using Dmt.Contracts;
using Dmt.Core.Sharding;

namespace Dmt.Client;

/// <summary>Which shard has a key, as far as the client knows. A shard that refuses a key says that the map is old.
/// </summary>
internal sealed class RoutingCache(IGrainFactory grains, DmtClientOptions options)
{
    private readonly ConcurrentDictionary<uint, ShardHandle> _shards = [];
    private readonly IShardMapReaderGrain _reader = grains.GetGrain<IShardMapReaderGrain>(0);
    private readonly Lock _lock = new(); // guards _loading, and the replacement of _map
    private ShardMap? _map;
    private Task<ShardMap>? _loading;

    /// <summary>The map, as far as it is known; null before it was asked for.</summary>
    public ShardMap? Known => Volatile.Read(ref _map);

    /// <summary>The map, asked for where there is none yet.</summary>
    public ValueTask<ShardMap> MapAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref _map) is { } map ? ValueTask.FromResult(map) : RefreshAsync(null, cancellationToken);

    /// <summary>A newer map than the one that turned out to be old; that one again where there is none.</summary>
    /// <param name="old">Null for none at all.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<ShardMap> RefreshAsync(ShardMap? old, CancellationToken cancellationToken)
    {
        Task<ShardMap> loading;
        lock (_lock)
        {
            if (_map is { } map && map.Version > (old?.Version ?? 0))
            {
                return map;
            }

            loading = _loading ??= LoadAsync(_map);
        }

        return await loading.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The map as the store has it now.</summary>
    public async ValueTask<ShardMap> NewestAsync(CancellationToken cancellationToken)
    {
        var known = await MapAsync(cancellationToken).ConfigureAwait(false);
        var encoded = await _reader.LoadAsync(known.Version, newest: true, cancellationToken).ConfigureAwait(false);
        return encoded is null ? known : Note(Decode(encoded));
    }

    public ShardHandle this[uint shard]
    {
        get
        {
            if (_shards.TryGetValue(shard, out var handle))
            {
                return handle;
            }

            var client = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
            return _shards.GetOrAdd(
                shard,
                new ShardHandle(grains.GetGrain<IShardGrain>(GrainKeys.OfShard(shard)), client, options));
        }
    }

    private static ShardMap Decode(byte[] encoded) => ShardMapCodec.Decode(encoded, "the cluster's shard map");

    /// <summary>The newer one stays.</summary>
    private ShardMap Note(ShardMap map)
    {
        lock (_lock)
        {
            if (_map is null || map.Version > _map.Version)
            {
                Volatile.Write(ref _map, map);
            }

            return _map!;
        }
    }

    private async Task<ShardMap> LoadAsync(ShardMap? known)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            var encoded = await _reader.LoadAsync(known?.Version ?? 0, newest: false).ConfigureAwait(false);
            return encoded is null ? known! : Note(Decode(encoded));
        }
        finally
        {
            lock (_lock)
            {
                _loading = null;
            }
        }
    }
}
