namespace Dmt.Core;

/// <summary>What was written to one shard.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="Version">Of the last operation.</param>
public readonly record struct ShardVersion(uint Shard, ulong Version);
