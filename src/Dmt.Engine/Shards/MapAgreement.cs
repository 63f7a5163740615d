using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Shards;

/// <summary>What a manifest says of a shard's children goes before what the map says.</summary>
internal static class MapAgreement
{
    /// <summary>The map, with the children that the manifest of a shard names; the same one where it has
    /// them.</summary>
    /// <param name="map">Any version.</param>
    /// <param name="shard">The parent.</param>
    /// <param name="carved">What was carved out of it.</param>
    public static ShardMap Of(ShardMap map, uint shard, IReadOnlyList<CarvedShard> carved)
    {
        if (!map.TryGet(shard, out _))
        {
            return map;
        }

        foreach (var lacking in carved.Where(one => !map.TryGet(one.Shard, out _)).ToList())
        {
            // After a restore there is another one of that prefix.
            var there = map.Find(lacking.Prefix);
            map = there.Prefix.Length == lacking.Prefix.Length ? map.Merge(there.Shard) : map;
            map = map.Add(lacking.Shard, lacking.Prefix);
        }

        while (map.Children(shard).FirstOrDefault(one => carved.All(c => c.Shard != one.Shard)) is { } gone)
        {
            map = map.Merge(gone.Shard);
        }

        return map;
    }

    /// <summary>The map without a shard that was merged.</summary>
    public static ShardMap Without(ShardMap map, uint shard) => map.TryGet(shard, out _) ? map.Merge(shard) : map;
}
