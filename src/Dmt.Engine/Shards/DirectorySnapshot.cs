using System.Collections.Concurrent;

namespace Dmt.Engine.Shards;

/// <summary>The sequence number to read at, for each shard.</summary>
internal sealed class DirectorySnapshot
{
    private readonly ConcurrentDictionary<uint, (Shard Shard, ulong Sequence)> _at = [];

    /// <summary>The highest one.</summary>
    public ulong Version { get; private set; }

    /// <summary>Where the shard stands in it.</summary>
    public ulong this[Shard shard] => _at[shard.Id].Sequence;

    public void Add(Shard shard)
    {
        var sequence = shard.OpenSnapshot();
        _at[shard.Id] = (shard, sequence);
        Version = Math.Max(Version, sequence);
    }

    public void Close()
    {
        foreach (var (shard, sequence) in _at.Values)
        {
            shard.CloseSnapshot(sequence);
        }
    }
}
