using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Simulation.Shards;

/// <summary>A process that opens the shards that it is told to open.</summary>
internal sealed class ShardSimNode(SimWorld world, int number, ShardBook book) : SimProcess(world, number)
{
    public required ShardNode Node { get; set; }

    /// <summary>It opens a shard, and the store answers badly meanwhile.</summary>
    public bool IsOpeningBadly { get; set; }

    public bool IsUsable => !IsDead && !IsEnding;

    public override void NoteAppend(uint shard, ulong epoch, ulong sequence, in WriteOperation operation) =>
        book.NoteAppend(this, shard, epoch, sequence, operation);
}

/// <summary>A shard that is open on a node, whether or not it has been taken over since.</summary>
internal sealed record Activation(ShardSimNode Node, HostedShard Shard, ShardOwner Owner)
{
    /// <summary>It has said that it cannot be used any more.</summary>
    public bool IsBad { get; set; }

    public bool IsUsable => Node.IsUsable && !IsBad;

    public override string ToString() => $"shard {Shard.Id} on node {Node.Number}, epoch {Shard.Epoch}";
}

/// <summary>One opening of a shard, as the checks know it.</summary>
internal sealed class ShardOwner(ShardSimNode node, uint shard, ulong epoch, string prefix, SimHistory history)
{
    public ShardSimNode Node { get; } = node;

    public uint Shard { get; } = shard;

    public ulong Epoch { get; } = epoch;

    public string Prefix { get; } = prefix;

    public SimHistory History { get; } = history;

    public required string Incarnation { get; init; }

    /// <summary>The sequence number that was recovered.</summary>
    public ulong Recovered { get; } = history.Last;

    /// <summary>The highest sequence number that was acknowledged as durable.</summary>
    public ulong Durable { get; set; } = history.Last;

    /// <summary>What belongs to others: parts under these prefixes.</summary>
    public HashSet<string> Carved { get; } = [];

    /// <summary>It has given itself up.</summary>
    public bool IsMerged { get; set; }

    /// <summary>Whether the key is the shard's, as far as this owner has changed that.</summary>
    public bool Owns(string key) => key.StartsWith(Prefix, StringComparison.Ordinal)
        && !Carved.Any(part => key.StartsWith(part, StringComparison.Ordinal));
}
