using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <summary>What the prefixes of new shards must be.</summary>
public static class ShardPrefixes
{
    /// <exception cref="DmtException">InvalidArgument: none, too long, or one under another.</exception>
    public static void Validate(IReadOnlyList<ReadOnlyMemory<byte>> prefixes)
    {
        if (prefixes.Count == 0)
        {
            throw DmtException.InvalidArgument("no prefix is given: expected at least 1");
        }

        foreach (var prefix in prefixes)
        {
            if (prefix.Length is < 1 or > Key.BytesMax)
            {
                throw DmtException.InvalidArgument(
                    $"a shard's prefix of {prefix.Length} bytes: expected 1 to {Key.BytesMax}");
            }
        }

        // In order, whatever lies under a prefix follows it directly.
        var sorted = prefixes.ToArray();
        Array.Sort(sorted, static (a, b) => a.Span.SequenceCompareTo(b.Span));
        for (var i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Span.StartsWith(sorted[i - 1].Span))
            {
                throw DmtException.InvalidArgument(
                    $"\"{Key.ToDisplay(sorted[i].Span)}\" lies under \"{Key.ToDisplay(sorted[i - 1].Span)}\": "
                    + "expected prefixes of which none is under another");
            }
        }
    }
    /// <summary>The shard that the prefixes are to be carved out of.</summary>
    /// <param name="map">Where the shards are now.</param>
    /// <param name="prefixes">At least one, 1 to 1,024 bytes each.</param>
    /// <exception cref="DmtException">InvalidArgument: not all in one shard, one under another, or one that is a
    /// shard's already.</exception>
    public static uint ParentOf(ShardMap map, IReadOnlyList<ReadOnlyMemory<byte>> prefixes)
    {
        Validate(prefixes);
        uint? parent = null;
        foreach (var prefix in prefixes)
        {
            var found = map.Find(prefix.Span);
            if (found.Prefix.Length == prefix.Length)
            {
                throw DmtException.InvalidArgument(
                    $"\"{Key.ToDisplay(prefix.Span)}\" is the prefix of shard {found.Shard} already");
            }

            if (parent is { } other && other != found.Shard)
            {
                throw DmtException.InvalidArgument(
                    $"the prefixes lie in shards {other} and {found.Shard}: expected all in one");
            }

            parent = found.Shard;
        }

        return parent!.Value;
    }

    /// <summary>The shard that a shard can be merged into.</summary>
    /// <exception cref="DmtException">InvalidArgument for the root, and where there is no such shard.</exception>
    public static uint ParentOf(ShardMap map, uint shard) => map.Parent(shard)?.Shard
        ?? throw DmtException.InvalidArgument(
            $"shard {ShardMap.Root} is the root: it has no parent to be merged into; any other shard is allowed");
}
