// Where to cut a shard that has grown too large, so that what goes and what stays are best balanced.
//
// The samples are a sketch of the shard's trie: keys in order, each with the bytes that lie from it to the next. Walked
// down from the shard's prefix: of the subtries one byte further
//   where some have a quarter to three quarters of all weight, the one nearest to half is carved, alone;
//   where one has more than that, the walk goes on in it;
//   where all have less, the heaviest of them are carved until half is gone, at most SiblingsMax.
// Where a heavy subtrie is one key, the walk ends with nothing: a key cannot be cut.
//
// So if any subtrie has a quarter to three quarters of the weight, one is found: on the way to it every subtrie has at
// least a quarter, and those with more than three quarters are walked into. What goes is an eighth to three quarters.
using Dmt.Core.Keys;

namespace Dmt.Engine.Shards;

internal static class CarvePicker
{
    /// <summary>So many at most: then it is looked again.</summary>
    public const int SiblingsMax = 64;

    /// <summary>Longer prefixes are not looked at: keys that share so much are as good as one.</summary>
    public const int PrefixBytesMax = 64;

    /// <summary>The prefixes to carve out of a shard; none where its keys cannot be told apart.</summary>
    /// <param name="prefix">The shard's own.</param>
    /// <param name="owned">The ranges that it owns, in order.</param>
    /// <param name="samples">In any order; those outside of the ranges do not count.</param>
    /// <returns>In order, none under another, each longer than the shard's and with some weight.</returns>
    public static IReadOnlyList<byte[]> Pick(
        byte[] prefix, IReadOnlyList<KeyRange> owned, IEnumerable<WeightedKey> samples)
    {
        WeightedKey[] sorted =
        [
            .. samples.Where(one => one.Weight > 0 && one.Key.AsSpan().StartsWith(prefix)
                && owned.Any(range => range.Contains(one.Key))),
        ];
        Array.Sort(sorted, static (x, y) => x.Key.AsSpan().SequenceCompareTo(y.Key));
        var total = sorted.Sum(static one => one.Weight);
        var node = new Subtrie(prefix, 0, sorted.Length, total);
        while (node.Prefix.Length < PrefixBytesMax)
        {
            var below = Below(sorted, node);
            var fit = below.Where(one => one.Weight >= total / 4.0 && one.Weight <= total * 0.75).ToList();
            if (fit.Count > 0)
            {
                return [fit.MinBy(one => Math.Abs(one.Weight - (total / 2.0)))!.Prefix];
            }

            if (below.Find(one => one.Weight > total * 0.75) is not { } heavy)
            {
                return PickSiblings(below, total);
            }

            node = heavy;
        }

        return [];
    }

    private static IReadOnlyList<byte[]> PickSiblings(List<Subtrie> below, long total)
    {
        var picked = new List<Subtrie>();
        long gone = 0;
        foreach (var one in below.OrderByDescending(static one => one.Weight).Take(SiblingsMax))
        {
            if (gone >= total / 2.0)
            {
                break;
            }

            picked.Add(one);
            gone += one.Weight;
        }

        // So little would make the shard no smaller to speak of: what is heavy in it is one key.
        return gone < total / 8.0 ? [] : [.. picked.OrderBy(static one => one.First).Select(static one => one.Prefix)];
    }

    /// <summary>The subtries one byte below a node, in order. What lies at the node itself is in none.</summary>
    private static List<Subtrie> Below(WeightedKey[] sorted, Subtrie node)
    {
        var below = new List<Subtrie>();
        var depth = node.Prefix.Length;
        for (var first = node.First; first < node.End;)
        {
            var key = sorted[first].Key;
            var weight = sorted[first].Weight;
            var end = first + 1;
            for (; end < node.End && key.Length > depth
                && sorted[end].Key[depth] == key[depth]; end++)
            {
                weight += sorted[end].Weight;
            }

            if (key.Length > depth)
            {
                below.Add(new Subtrie(key[..(depth + 1)], first, end, weight));
            }

            first = end;
        }

        return below;
    }

    /// <summary>The samples under a prefix: those from one index up to another.</summary>
    private sealed record Subtrie(byte[] Prefix, int First, int End, long Weight);
}

/// <summary>About so many bytes lie from the key to the next one.</summary>
internal readonly record struct WeightedKey(byte[] Key, long Weight);
