using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Shards;

/// <summary>What prefixes of new shards must be, wherever they are.</summary>
internal static class ShardPrefixes
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
}
