namespace Dmt.Core;

/// <summary>A shard of a store.</summary>
/// <param name="Shard">Its number, from 1 (the root); never given to another shard of the store.</param>
/// <param name="Prefix">What all its keys begin with; empty for the root.</param>
/// <param name="Parent">The shard that would have its keys if it were merged; null for the root.</param>
/// <param name="Open">What it holds; null while it is not open, and so costs nothing.</param>
public sealed record ShardInfo(uint Shard, ReadOnlyMemory<byte> Prefix, uint? Parent, OpenShard? Open);

/// <summary>What an open shard holds.</summary>
/// <param name="TableBytes">Bytes in tables; of a table that it shares with other shards about its own part.</param>
/// <param name="EntriesMax">Entries in tables and memory, overwritten ones included; after a split or a merge an
/// estimate.</param>
/// <param name="LastSequence">Sequence number of its last write.</param>
/// <param name="Epoch">Counts its openings for writing, from 1.</param>
public sealed record OpenShard(long TableBytes, long EntriesMax, ulong LastSequence, ulong Epoch)
{
    /// <summary>Reads, writes and scans a second during the last 10 to 20 seconds, from samples: in steps of about 6.
    /// </summary>
    public long OperationsPerSecond { get; init; }
}
