// All arrangements of a prefix's segments, in one fixed order.
//
// An arrangement is written as the indexes of the segments, in the order in which they stand. Segments with equal bytes
// are interchangeable: of the index orders that look alike only the one counts in which equal segments keep their own
// order, so that arrangements are distinct. They are listed lexicographically by index; the identity is thereby first.
//
// Neighbours in a lexicographic list differ near the end. So all arrangements within the limit share a head, which is
// never touched: the tail begins at the last segment from which on there are at least as many arrangements as the limit
// asks for (9 segments for 100,000, if distinct). That keeps every number small, and the j-th of 200 segments cheap.
//
// The j-th: of A arrangements of s segments, A * c / s begin with a given segment of which there are c; so walk the
// candidates in order, skip that many at a time, and go on with the rest (the factorial number system, for multisets).
// The next: at the rightmost place that can grow, put the smallest larger candidate from its right, sort what follows.

using System.Diagnostics;

namespace Dmt.Core.Keys;

/// <summary>
/// The distinct ordered arrangements of a prefix's segments: the identity first, the others in lexicographic order of
/// segment indexes, up to a limit. Nothing is enumerated before it is asked for. Immutable, safe for concurrent use.
/// </summary>
public sealed class PrefixPermutation
{
    /// <summary>The limit unless another is given: all arrangements of six segments.</summary>
    public const int LimitDefault = 720;

    /// <summary>The highest limit that can be given.</summary>
    public const int LimitMax = 100_000;

    /// <summary>Nine distinct segments have more arrangements than <see cref="LimitMax"/>: no tail has ten.</summary>
    private const int TailClassesMax = 9;

    private readonly ReadOnlyMemory<byte>[] _segments;

    /// <summary>For each segment the index of the first one with the same bytes.</summary>
    private readonly int[] _classes;

    /// <summary>The number of segments that stay in place in every arrangement within the limit.</summary>
    private readonly int _head;

    /// <summary>The number of arrangements of the segments from <see cref="_head"/> on.</summary>
    private readonly long _tailArrangements;

    /// <param name="segments">0 to <see cref="KeySchema.SegmentsCeiling"/>; the bytes must not change.</param>
    /// <param name="limit">The most arrangements, 1 to <see cref="LimitMax"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public PrefixPermutation(ReadOnlySpan<ReadOnlyMemory<byte>> segments, int limit = LimitDefault)
    {
        if (limit is < 1 or > LimitMax)
        {
            throw DmtException.InvalidArgument($"the limit of arrangements is {limit}: expected 1 to {LimitMax}");
        }

        if (segments.Length > KeySchema.SegmentsCeiling)
        {
            throw DmtException.InvalidArgument(
                $"{segments.Length} segments: expected 0 to {KeySchema.SegmentsCeiling}");
        }

        _segments = segments.ToArray();
        _classes = Classify(_segments);
        _head = _segments.Length;
        _tailArrangements = 1;
        Span<int> copies = stackalloc int[_segments.Length];
        while (_head > 0 && _tailArrangements < limit)
        {
            _head--;
            _tailArrangements = _tailArrangements * (_segments.Length - _head) / ++copies[_classes[_head]];
        }

        Count = (int)Math.Min(limit, _tailArrangements);
    }

    /// <summary>The number of arrangements: all distinct ones, or the limit where that is less. Never 0.</summary>
    public int Count { get; }

    /// <summary>The segments in their own order.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Segments => _segments;

    /// <summary>The arrangements of what <paramref name="schema"/> cuts <paramref name="prefix"/> into.</summary>
    /// <exception cref="DmtException">As the schema says; InvalidArgument for the limit.</exception>
    public static PrefixPermutation Of(KeySchema schema, ReadOnlyMemory<byte> prefix, int limit = LimitDefault) =>
        new(schema.Cut(prefix), limit);

    /// <summary>The orders that make every set of segments a prefix; see <see cref="Keys.MinimalOrders"/>.</summary>
    /// <param name="segments">1 to <see cref="Keys.MinimalOrders.SegmentsMax"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static MinimalOrders MinimalOrders(int segments) => new(segments);

    /// <summary>Writes the arrangement at <paramref name="position"/>, without those before it.</summary>
    /// <param name="position">0 (the identity) to <see cref="Count"/> - 1.</param>
    /// <param name="order">Gets the index of the segment that comes first, second, and so on; as long as
    /// <see cref="Segments"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public void OrderAt(int position, Span<int> order)
    {
        if ((uint)position >= (uint)Count)
        {
            throw DmtException.InvalidArgument($"there is no arrangement {position}: expected 0 to {Count - 1}");
        }

        if (order.Length != _segments.Length)
        {
            throw DmtException.InvalidArgument(
                $"the order has room for {order.Length}, not {_segments.Length} segments");
        }

        FillIdentity(order);
        Span<int> copies = stackalloc int[order.Length];
        foreach (var index in order[_head..])
        {
            copies[_classes[index]]++;
        }

        long skip = position;
        var arrangements = _tailArrangements;
        for (var place = _head; skip > 0; place++)
        {
            arrangements = PlaceNext(order[place..], copies, arrangements, ref skip);
        }
    }

    /// <summary>The segments in the arrangement at <paramref name="position"/>; see <see cref="OrderAt"/>.</summary>
    /// <exception cref="DmtException">InvalidArgument for a position out of range.</exception>
    public ReadOnlyMemory<byte>[] ArrangementAt(int position)
    {
        Span<int> order = stackalloc int[_segments.Length];
        OrderAt(position, order);
        return Arrange(order);
    }

    /// <summary>The segments in every arrangement, one after the other, as they are asked for.</summary>
    public IEnumerable<ReadOnlyMemory<byte>[]> Arrangements()
    {
        var orders = GetEnumerator();
        while (orders.MoveNext())
        {
            yield return Arrange(orders.Current);
        }
    }

    /// <summary>Walks the orders; allocates one array for the whole walk.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>
    /// Moves the candidate that the arrangement has next to the front of <paramref name="rest"/>, which is ascending
    /// and stays so after its first, and takes the arrangements before it off <paramref name="skip"/>.
    /// </summary>
    /// <returns>How many arrangements begin with it.</returns>
    private long PlaceNext(Span<int> rest, Span<int> copies, long arrangements, ref long skip)
    {
        Span<int> tried = stackalloc int[TailClassesMax];
        var triedCount = 0;
        for (var i = 0; i < rest.Length; i++)
        {
            var index = rest[i];
            var kind = _classes[index];
            if (tried[..triedCount].Contains(kind))
            {
                continue;
            }

            tried[triedCount++] = kind;
            var beginning = arrangements * copies[kind] / rest.Length;
            if (skip < beginning)
            {
                copies[kind]--;
                rest[..i].CopyTo(rest[1..]);
                rest[0] = index;
                return beginning;
            }

            skip -= beginning;
        }

        throw new UnreachableException("the arrangements of a tail add up to their number");
    }

    /// <summary>Turns the tail of an arrangement into that of the next one; there must be one.</summary>
    private void Advance(Span<int> tail)
    {
        // The smallest index of each class to the right of the place: only it may come to stand there.
        Span<int> candidates = stackalloc int[TailClassesMax];
        var count = 0;
        for (var place = tail.Length - 1; place >= 0; place--)
        {
            var here = tail[place];
            var (least, same) = (int.MaxValue, -1);
            for (var i = 0; i < count; i++)
            {
                if (_classes[candidates[i]] == _classes[here])
                {
                    same = i;
                }
                else if (candidates[i] > here)
                {
                    least = Math.Min(least, candidates[i]);
                }
            }

            if (least != int.MaxValue)
            {
                var right = tail[(place + 1)..];
                right[right.IndexOf(least)] = here;
                tail[place] = least;
                right.Sort();
                return;
            }

            candidates[same < 0 ? count++ : same] = here;
        }

        throw new UnreachableException("there is an arrangement after every one but the last");
    }

    private ReadOnlyMemory<byte>[] Arrange(ReadOnlySpan<int> order)
    {
        var arranged = new ReadOnlyMemory<byte>[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            arranged[i] = _segments[order[i]];
        }

        return arranged;
    }

    private static void FillIdentity(Span<int> order)
    {
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }
    }

    private static int[] Classify(ReadOnlyMemory<byte>[] segments)
    {
        var sorted = new int[segments.Length];
        FillIdentity(sorted);
        Array.Sort(sorted, (a, b) =>
            segments[a].Span.SequenceCompareTo(segments[b].Span) is var compared && compared != 0 ? compared : a - b);

        var classes = new int[segments.Length];
        for (var i = 0; i < sorted.Length; i++)
        {
            var asBefore = i > 0 && segments[sorted[i]].Span.SequenceEqual(segments[sorted[i - 1]].Span);
            classes[sorted[i]] = asBefore ? classes[sorted[i - 1]] : sorted[i];
        }

        return classes;
    }

    /// <summary>Walks the orders, the identity first.</summary>
    public struct Enumerator
    {
        private readonly PrefixPermutation _permutation;
        private readonly int[] _order;
        private int _position;

        internal Enumerator(PrefixPermutation permutation)
        {
            _permutation = permutation;
            _order = new int[permutation._segments.Length];
            _position = -1;
        }

        /// <summary>The index of the segment that comes first, second, and so on; valid until the next step.</summary>
        public readonly ReadOnlySpan<int> Current => _order;

        public bool MoveNext()
        {
            if (_position + 1 >= _permutation.Count)
            {
                return false;
            }

            if (++_position == 0)
            {
                FillIdentity(_order);
            }
            else
            {
                _permutation.Advance(_order.AsSpan(_permutation._head));
            }

            return true;
        }
    }
}
