using System.Collections.Concurrent;
using Dmt.Contracts.Messages;
using Dmt.Engine;

namespace Dmt.Grains.Shards;

/// <summary>The shards that are open on this silo, with their activations.</summary>
internal sealed class LocalShards
{
    private readonly ConcurrentDictionary<uint, (IGrainContext Activation, HostedShard Shard)> _shards = [];

    public IEnumerable<(IGrainContext Activation, HostedShard Shard)> All => _shards.Values;

    public void Add(uint id, IGrainContext activation, HostedShard shard) => _shards[id] = (activation, shard);

    /// <summary>The activation has none any more; another one of the shard may have taken its place already.</summary>
    public void Remove(uint id, IGrainContext activation)
    {
        if (_shards.TryGetValue(id, out var there) && ReferenceEquals(there.Activation, activation))
        {
            _shards.TryRemove(new(id, there));
        }
    }

    public static ShardDescription Describe(HostedShard shard)
    {
        var statistics = shard.Describe();
        return new ShardDescription
        {
            Shard = shard.Id,
            DataBytes = statistics.DataBytes,
            DataBytesMost = statistics.DataBytesMost,
            MemtableBytes = statistics.MemtableBytes,
            TableBytes = statistics.TableBytes,
            EntriesMax = statistics.EntriesMax,
            LastSequence = statistics.LastSequence,
            Epoch = statistics.Epoch,
            Problem = statistics.Problem,
            OperationsPerSecond = (long)Math.Round(statistics.OperationsPerSecond),
            IsHot = statistics.IsHot,
            CoolFor = statistics.CoolFor,
        };
    }
}
