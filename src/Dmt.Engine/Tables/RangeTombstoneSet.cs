// Range tombstones, cut at all their ends into fragments that do not overlap, each with the sequence numbers of the
// tombstones that cover it, highest first. "Which tombstone deletes this key, as of this sequence number?" is then one
// binary search.
//
// Invariants: fragments are in key order and disjoint; every fragment has at least one sequence number; immutable.
using Dmt.Core.Keys;

namespace Dmt.Engine.Tables;

internal sealed class RangeTombstoneSet
{
    public static readonly RangeTombstoneSet Empty = new([]);

    private readonly Fragment[] _fragments;

    private RangeTombstoneSet(Fragment[] fragments) => _fragments = fragments;

    public bool IsEmpty => _fragments.Length == 0;

    public int Count => _fragments.Length;

    public ReadOnlySpan<Fragment> Fragments => _fragments;

    /// <summary>Cuts tombstones, which may overlap and come in any order, into fragments.</summary>
    public static RangeTombstoneSet Build(IReadOnlyCollection<RangeTombstone> tombstones)
    {
        if (tombstones.Count == 0)
        {
            return Empty;
        }

        // Sweep over the starts in order; `open` holds the tombstones that cover the key reached.
        var byStart = tombstones.Where(t => !t.Range.IsEmpty).ToArray();
        Array.Sort(byStart, static (a, b) => a.Start.AsSpan().SequenceCompareTo(b.Start));
        var fragments = new List<Fragment>();
        var open = new List<RangeTombstone>();
        var next = 0;
        byte[] at = [];
        while (next < byStart.Length || open.Count > 0)
        {
            if (open.Count == 0)
            {
                at = byStart[next].Start;
            }

            while (next < byStart.Length && byStart[next].Start.AsSpan().SequenceEqual(at))
            {
                open.Add(byStart[next++]);
            }

            var end = open[0].End;
            foreach (var tombstone in open)
            {
                end = RangeTombstone.CompareEnds(tombstone.End, end) < 0 ? tombstone.End : end;
            }

            if (next < byStart.Length && RangeTombstone.CompareEnds(byStart[next].Start, end) < 0)
            {
                end = byStart[next].Start;
            }

            var sequences = open.Select(t => t.Sequence).Distinct().OrderDescending().ToArray();
            fragments.Add(new Fragment(at, end, sequences));
            open.RemoveAll(t => RangeTombstone.CompareEnds(t.End, end) <= 0);
            at = end ?? at;
        }

        return new RangeTombstoneSet([.. fragments]);
    }

    /// <summary>
    /// The sequence number of the newest tombstone, not above <paramref name="asOf"/>, that covers the key; 0 for none.
    /// </summary>
    public ulong CoveringSequence(ReadOnlySpan<byte> key, ulong asOf)
    {
        var index = IndexOf(key);
        return index < 0 ? 0 : _fragments[index].Newest(asOf);
    }

    /// <summary>The fragment that covers the key; -1 for none.</summary>
    public int IndexOf(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _fragments.Length;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (key.SequenceCompareTo(_fragments[middle].Start) >= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low > 0 && (_fragments[low - 1].End is not { } end || key.SequenceCompareTo(end) < 0) ? low - 1 : -1;
    }

    /// <summary>What lies in the range of all of them.</summary>
    public RangeTombstoneSet Within(KeyRange range)
    {
        if (IsEmpty || range == KeyRange.All)
        {
            return this;
        }

        var fragments = new List<Fragment>();
        foreach (var fragment in _fragments)
        {
            var start = range.Start.Span.SequenceCompareTo(fragment.Start) > 0 ? range.Start.ToArray() : fragment.Start;
            var end = range.End is { } last && RangeTombstone.CompareEnds(last.ToArray(), fragment.End) < 0
                ? last.ToArray()
                : fragment.End;
            if (end is null || start.AsSpan().SequenceCompareTo(end) < 0)
            {
                fragments.Add(new Fragment(start, end, fragment.Sequences));
            }
        }

        return fragments.Count == 0 ? Empty : new RangeTombstoneSet([.. fragments]);
    }

    /// <summary>The tombstones, one for each fragment and sequence number.</summary>
    public IEnumerable<RangeTombstone> Tombstones()
    {
        foreach (var fragment in _fragments)
        {
            foreach (var sequence in fragment.Sequences)
            {
                yield return new RangeTombstone(fragment.Start, fragment.End, sequence);
            }
        }
    }

    /// <summary>A range and the tombstones that cover all of it, newest first.</summary>
    internal readonly record struct Fragment(byte[] Start, byte[]? End, ulong[] Sequences)
    {
        public ulong Newest(ulong asOf)
        {
            foreach (var sequence in Sequences)
            {
                if (sequence <= asOf)
                {
                    return sequence;
                }
            }

            return 0;
        }
    }
}
