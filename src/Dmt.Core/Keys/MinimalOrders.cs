// The fewest orders of n segments such that any set of them stands at the front of one.
//
// Sets of the same size never share an order (each order has one set of each size at its front), so at least
// C(n, n/2) orders are needed. That many are enough: the sets of n things fall into C(n, n/2) chains, each of which
// grows by one element at a time from some size k to size n - k, so that every set is in exactly one chain (a symmetric
// chain decomposition: de Bruijn, van Ebbenhorst Tengbergen and Kruyswijk, "On the set of divisors of a number", Nieuw
// Archief voor Wiskunde 23, 1951). A chain becomes an order: the elements of its smallest set, then those that join, in
// turn, then the rest.
//
// Which chain a set is in is told by brackets (Greene and Kleitman, "Strong versions of Sperner's theorem", JCTA 20,
// 1976): write an element that is in the set as ")", one that is not as "(", and match the brackets. Sets of a chain
// have the same matched pairs. Of the unmatched elements, which read ")))(((", the smallest set has none, and they join
// from left to right. So the smallest set of a chain, its bottom, is a set without an unmatched ")".

using System.Numerics;

namespace Dmt.Core.Keys;

/// <summary>
/// The C(n, n/2) orders of n segments in which every set of segments is a prefix of at least one: three orders for
/// three segments, where six are possible. The first is the identity. Immutable, safe for concurrent use.
/// </summary>
public sealed class MinimalOrders
{
    /// <summary>The most segments: 12,870 orders.</summary>
    public const int SegmentsMax = 16;

    private readonly int[][] _orders;
    private readonly Dictionary<int, int> _byBottom;

    /// <param name="segments">The number of segments, 1 to <see cref="SegmentsMax"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for a number out of range.</exception>
    public MinimalOrders(int segments)
    {
        if (segments is < 1 or > SegmentsMax)
        {
            throw DmtException.InvalidArgument($"the number of segments is {segments}: expected 1 to {SegmentsMax}");
        }

        SegmentCount = segments;
        var bottoms = Enumerable.Range(0, 1 << segments).Where(set => Bottom(set) == set)
            .OrderBy(set => BitOperations.PopCount((uint)set)).ThenBy(set => set).ToArray();
        _orders = Array.ConvertAll(bottoms, OrderOf);
        _byBottom = new Dictionary<int, int>(bottoms.Length);
        foreach (var bottom in bottoms)
        {
            _byBottom.Add(bottom, _byBottom.Count);
        }
    }

    /// <summary>The number of segments.</summary>
    public int SegmentCount { get; }

    /// <summary>The number of orders.</summary>
    public int Count => _orders.Length;

    /// <summary>The order at <paramref name="position"/>: which segment comes first, second, and so on.</summary>
    /// <param name="position">0 (the identity) to <see cref="Count"/> - 1.</param>
    /// <exception cref="DmtException">InvalidArgument for a position out of range.</exception>
    public ReadOnlySpan<int> this[int position] => (uint)position < (uint)_orders.Length
        ? _orders[position]
        : throw DmtException.InvalidArgument($"there is no order {position}: expected 0 to {_orders.Length - 1}");

    /// <summary>The position of an order that has exactly the segments of <paramref name="subset"/> in front.</summary>
    /// <param name="subset">Bit i is set for segment i; 0 to 2^n - 1.</param>
    /// <exception cref="DmtException">InvalidArgument for a bit that is no segment.</exception>
    public int OrderFor(int subset) => (uint)subset < 1u << SegmentCount
        ? _byBottom[Bottom(subset)]
        : throw DmtException.InvalidArgument(
            $"the subset is {subset}: expected 0 to {(1 << SegmentCount) - 1} for {SegmentCount} segments");

    /// <summary>The smallest set of the chain that <paramref name="set"/> is in.</summary>
    private int Bottom(int set)
    {
        var (bottom, open) = (set, 0);
        for (var i = 0; i < SegmentCount; i++)
        {
            if ((set & (1 << i)) == 0)
            {
                open++;
            }
            else if (open > 0)
            {
                open--;
            }
            else
            {
                bottom &= ~(1 << i);
            }
        }

        return bottom;
    }

    /// <summary>The order that the chain above <paramref name="bottom"/> makes.</summary>
    private int[] OrderOf(int bottom)
    {
        // What stays open is the unmatched "(": the elements that join, and after them the matched "(" that never do.
        var unmatched = new Stack<int>();
        for (var i = 0; i < SegmentCount; i++)
        {
            if ((bottom & (1 << i)) == 0)
            {
                unmatched.Push(i);
            }
            else
            {
                unmatched.Pop();
            }
        }

        var joining = unmatched.Aggregate(0, (set, i) => set | (1 << i));
        return [.. Elements(bottom), .. Elements(joining), .. Elements(~bottom & ~joining)];
    }

    private IEnumerable<int> Elements(int set) =>
        Enumerable.Range(0, SegmentCount).Where(i => (set & (1 << i)) != 0);
}
