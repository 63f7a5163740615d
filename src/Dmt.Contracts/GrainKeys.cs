using System.Globalization;
using Dmt.Core;

namespace Dmt.Contracts;

/// <summary>How grains are called.</summary>
public static class GrainKeys
{
    /// <summary>The one <see cref="IShardMapGrain"/>.</summary>
    public const string Map = "map";

    public static string OfShard(uint shard) => shard.ToString(CultureInfo.InvariantCulture);

    /// <param name="shard">The shard's number.</param>
    /// <param name="copy">From 1; the primary would be 0.</param>
    public static string OfReplica(uint shard, int copy) =>
        string.Create(CultureInfo.InvariantCulture, $"{shard}/{copy}");

    /// <summary>The shard, and which copy of it: 0 for the primary.</summary>
    /// <exception cref="DmtException">InvalidArgument where the key is neither a shard's nor a replica's.</exception>
    public static (uint Shard, int Copy) Parse(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var copy = 0;
        return uint.TryParse(slash < 0 ? key : key.AsSpan(0, slash), CultureInfo.InvariantCulture, out var shard)
            && (slash < 0
                || int.TryParse(key.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out copy))
            ? (shard, copy)
            : throw DmtException.InvalidArgument(
                $"\"{key}\" names no shard: expected a number, or a number, a slash and the number of a copy");
    }
}
