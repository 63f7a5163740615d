using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <summary>A batch, cut by shards.</summary>
public static class BatchParts
{
    /// <summary>The operations of each shard in their order; the shards in the order of their first operations. A range
    /// that lies in several shards is cut.</summary>
    public static IReadOnlyList<(uint Shard, WriteBatch Part)> Of(WriteBatch batch, ShardMap map)
    {
        if (map.Count == 1)
        {
            return [(ShardMap.Root, batch)];
        }

        var parts = new List<(uint Shard, WriteBatch Part)>();
        foreach (var operation in batch)
        {
            if (operation.Kind != WriteOperationKind.DeleteRange)
            {
                PartOf(map.Find(operation.Key).Shard).Append(operation);
                continue;
            }

            var range = new KeyRange(
                operation.Key.ToArray(),
                operation.HasNoEnd ? default(ReadOnlyMemory<byte>?) : operation.Value.ToArray());
            foreach (var segment in map.Segments(range))
            {
                PartOf(segment.Shard).DeleteRange(segment.Range);
            }
        }

        // Nothing but empty ranges, or nothing at all: as a store of one shard would take it.
        return parts.Count > 0 ? parts : [(ShardMap.Root, batch)];

        WriteBatch PartOf(uint shard)
        {
            var at = parts.FindIndex(one => one.Shard == shard);
            if (at < 0)
            {
                parts.Add((shard, new WriteBatch()));
                at = parts.Count - 1;
            }

            return parts[at].Part;
        }
    }

    /// <summary>What is left of a batch when its first parts are written.</summary>
    public static WriteBatch After(
        IReadOnlyList<(uint Shard, WriteBatch Part)> parts, int count)
    {
        var left = new WriteBatch();
        foreach (var (_, part) in parts.Skip(count))
        {
            foreach (var operation in part)
            {
                left.Append(operation);
            }
        }

        return left;
    }
}
