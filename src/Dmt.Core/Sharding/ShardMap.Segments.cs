using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <content>The intervals: how they are built, searched and walked. ShardMap.cs says what holds of them.</content>
public sealed partial class ShardMap
{
    private readonly byte[][] _starts;

    /// <summary>For each interval the index of the entry that owns it.</summary>
    private readonly int[] _owners;

    /// <summary>The eight bytes of each start that follow the shared ones, as a number.</summary>
    private readonly ulong[] _heads;

    /// <summary>How many bytes all starts but the first have in common at their beginning.</summary>
    private readonly int _sharedLength;

    /// <summary>For each entry its first interval; -1 for a root that owns none.</summary>
    private readonly int[] _firstIntervals;

    /// <summary>For each interval the next one of the same owner; -1 after the last.</summary>
    private readonly int[] _nextIntervals;

    /// <summary>The segment that holds <paramref name="key"/>, the whole of it.</summary>
    /// <param name="key">A key, or a place between keys; empty is the place before all keys.</param>
    public ShardSegment SegmentAt(ReadOnlySpan<byte> key)
    {
        var interval = IntervalOf(key);
        return new(_entries[_owners[interval]].Shard, RangeOf(interval));
    }

    /// <summary>
    /// The intervals of one shard each that make up <paramref name="range"/>: without overlap, in order of keys, none
    /// without a possible key in it. Neighbours belong to different shards. They are made as they are asked for.
    /// </summary>
    /// <param name="range">What is to be covered; the first and the last segment end with it.</param>
    /// <param name="reverse">The last keys first.</param>
    public IEnumerable<ShardSegment> Segments(KeyRange range, bool reverse = false)
    {
        var first = IntervalOf(range.Start.Span);
        var last = range.End is { } end ? IntervalOf(end.Span) : _starts.Length - 1;
        for (var i = 0; i <= last - first; i++)
        {
            var interval = reverse ? last - i : first + i;
            var part = Clip(RangeOf(interval), range);
            if (!part.IsEmpty)
            {
                yield return new(_entries[_owners[interval]].Shard, part);
            }
        }
    }

    /// <summary>
    /// The keys of a shard: its prefix less the prefixes of its children, as intervals in order. A root of which
    /// everything was carved out owns none.
    /// </summary>
    /// <exception cref="DmtException">InvalidArgument where the shard is not in the map.</exception>
    public IEnumerable<KeyRange> OwnedBy(uint shard)
    {
        return Walk(_firstIntervals[IndexOf(shard)]);

        IEnumerable<KeyRange> Walk(int first)
        {
            for (var interval = first; interval >= 0; interval = _nextIntervals[interval])
            {
                yield return RangeOf(interval);
            }
        }
    }

    /// <summary>The interval that holds a key or a place: the last one that begins at or before it.</summary>
    private int IntervalOf(ReadOnlySpan<byte> key)
    {
        if (_starts.Length == 1)
        {
            return 0;
        }

        var compared =
            key[..Math.Min(key.Length, _sharedLength)].SequenceCompareTo(_starts[1].AsSpan(0, _sharedLength));
        if (compared != 0)
        {
            return compared < 0 ? 0 : _starts.Length - 1;
        }

        var head = Head(key[_sharedLength..]);
        var after = CountUpTo(head);
        if (_heads[after - 1] != head || _starts[after - 1].AsSpan().SequenceCompareTo(key) <= 0)
        {
            return after - 1;
        }

        // Among the starts that look alike: the ones before them are below the key, the last of them is above it.
        var low = head == 0 ? 1 : CountUpTo(head - 1);
        var high = after - 1;
        while (low < high)
        {
            var middle = (int)((uint)(low + high) >> 1);
            (low, high) = _starts[middle].AsSpan().SequenceCompareTo(key) <= 0 ? (middle + 1, high) : (low, middle);
        }

        return low - 1;
    }

    /// <summary>How many heads are at most <paramref name="head"/>, the first start's taken to be. Without branches
    /// that depend on the heads: none could be foretold, and that would be most of the time.</summary>
    private int CountUpTo(ulong head)
    {
        ReadOnlySpan<ulong> heads = _heads;
        var (count, rest) = (1, heads.Length - 1);
        while (rest > 0)
        {
            var half = (rest + 1) >> 1;
            count += half & -(heads[count + half - 1] <= head ? 1 : 0);
            rest -= half;
        }

        return count;
    }

    private KeyRange RangeOf(int interval) =>
        new(_starts[interval], interval + 1 < _starts.Length ? (ReadOnlyMemory<byte>?)_starts[interval + 1] : null);

    private static KeyRange Clip(KeyRange whole, KeyRange to)
    {
        var start = whole.Start.Span.SequenceCompareTo(to.Start.Span) >= 0 ? whole.Start : to.Start;
        var end = whole.End is not { } mine ? to.End
            : to.End is not { } other || mine.Span.SequenceCompareTo(other.Span) <= 0 ? mine
            : other;
        return new(start, end);
    }

    /// <summary>Walks the entries as a tree, and finds parents and ends of subtrees on the way.</summary>
    private void BuildIntervals(out byte[][] starts, out int[] owners)
    {
        var (builtStarts, builtOwners) = (new List<byte[]>(2 * Count), new List<int>(2 * Count));
        var open = -1;
        for (var i = 0; i < Count; i++)
        {
            while (open >= 0 && !_entries[i].PrefixBytes.AsSpan().StartsWith(_entries[open].PrefixBytes))
            {
                Close(i);
            }

            _parents[i] = open;
            open = i;
            Begin(_entries[i].PrefixBytes, i);
        }

        while (open >= 0)
        {
            Close(Count);
        }

        (starts, owners) = ([.. builtStarts], [.. builtOwners]);

        void Close(int next)
        {
            _subtreeEnds[open] = next;
            var end = _entries[open].EndBytes;
            open = _parents[open];
            if (end is not null)
            {
                Begin(end, open);
            }
        }

        void Begin(byte[] start, int owner)
        {
            // No key is empty: what lies between the empty one and one zero byte holds none.
            if (builtStarts.Count > 0 && new KeyRange(builtStarts[^1], start).IsEmpty)
            {
                builtStarts.RemoveAt(builtStarts.Count - 1);
                builtOwners.RemoveAt(builtOwners.Count - 1);
            }

            builtStarts.Add(start);
            builtOwners.Add(owner);
        }
    }

    private static (int SharedLength, ulong[] Heads) CompressStarts(byte[][] starts)
    {
        if (starts.Length == 1)
        {
            return (0, []);
        }

        var shared = starts[1].AsSpan().CommonPrefixLength(starts[^1]);
        var heads = new ulong[starts.Length];
        for (var i = 1; i < starts.Length; i++)
        {
            heads[i] = Head(starts[i].AsSpan(shared));
        }

        return (shared, heads);
    }

    private static (int[] First, int[] Next) ChainIntervals(int[] owners, int entries)
    {
        var first = new int[entries];
        var next = new int[owners.Length];
        Array.Fill(first, -1);
        for (var interval = owners.Length - 1; interval >= 0; interval--)
        {
            (next[interval], first[owners[interval]]) = (first[owners[interval]], interval);
        }

        return (first, next);
    }
}
