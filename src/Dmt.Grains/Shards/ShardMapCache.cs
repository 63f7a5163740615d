using Dmt.Core.Sharding;

namespace Dmt.Grains.Shards;

/// <summary>
/// The shard map as this silo last saw it. Whoever finds it behind refreshes it; those who do so at the same time share
/// one request.
/// </summary>
internal sealed class ShardMapCache(SiloNode node)
{
    private readonly Lock _lock = new(); // guards the fields
    private ShardMap? _map;
    private Task<ShardMap>? _loading;
    private Task<ShardMap>? _loadingNext;

    /// <summary>The map, loaded where it was not yet.</summary>
    public ValueTask<ShardMap> GetAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref _map) is { } map ? ValueTask.FromResult(map) : RefreshAsync(cancellationToken);

    /// <summary>The newest map in the store, not older than the call.</summary>
    public async ValueTask<ShardMap> RefreshAsync(CancellationToken cancellationToken)
    {
        Task<ShardMap> loading;
        lock (_lock)
        {
            // The request that is under way may have looked already: all who come meanwhile share the next one.
            loading = _loading is { } before ? _loadingNext ??= LoadAfterAsync(before) : _loading = LoadAsync();
        }

        return await loading.WaitAsync(cancellationToken);
    }

    /// <summary>A map that somebody got to know: the newer one stays.</summary>
    public ShardMap Note(ShardMap map)
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

    private async Task<ShardMap> LoadAsync()
    {
        // Off the activation that happens to be first: its end must not end what others wait for.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            return Note(await node.Node.LoadMapAsync().ConfigureAwait(false));
        }
        finally
        {
            lock (_lock)
            {
                (_loading, _loadingNext) = (_loadingNext, null);
            }
        }
    }

    private async Task<ShardMap> LoadAfterAsync(Task<ShardMap> before)
    {
        await ((Task)before).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await LoadAsync().ConfigureAwait(false);
    }
}
