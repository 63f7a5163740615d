using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <summary>An interval of keys that belongs to one shard, the whole of it.</summary>
/// <param name="Shard">The shard's number.</param>
/// <param name="Range">The interval; some key lies in it.</param>
public readonly record struct ShardSegment(uint Shard, KeyRange Range);
