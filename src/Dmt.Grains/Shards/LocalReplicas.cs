using System.Collections.Concurrent;

namespace Dmt.Grains.Shards;

/// <summary>The replicas that are active on this silo, by the keys of their grains.</summary>
internal sealed class LocalReplicas
{
    private readonly ConcurrentDictionary<string, IGrainContext> _replicas = [];

    public IEnumerable<KeyValuePair<string, IGrainContext>> All => _replicas;

    public void Add(string key, IGrainContext activation) => _replicas[key] = activation;

    public void Remove(string key, IGrainContext activation) => _replicas.TryRemove(new(key, activation));
}
