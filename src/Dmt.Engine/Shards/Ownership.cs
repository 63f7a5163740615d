using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <summary>Which keys a shard owns: those under its prefix, less those under prefixes that were carved out. Immutable.
/// </summary>
internal sealed class Ownership
{
    private readonly uint _shard;
    private readonly byte[] _prefix;
    private readonly CarvedShard[] _carved;
    private readonly bool _isEverything;

    /// <summary>Nothing is owned any more.</summary>
    private Ownership(uint shard)
    {
        (_shard, _prefix, _carved, Ranges) = (shard, [], [new CarvedShard(0, [])], []);
    }

    public Ownership(Manifest manifest)
    {
        _shard = manifest.Shard;
        _prefix = manifest.Prefix;
        _carved = [.. manifest.Carved];
        _isEverything = _prefix.Length == 0 && _carved.Length == 0;
        Ranges = [.. Gaps(KeyRange.Prefix(_prefix), _carved)];
    }

    /// <summary>Of a shard that was merged.</summary>
    public static Ownership NoneOf(uint shard) => new(shard);

    /// <summary>The parts of the key space that it owns, in order.</summary>
    public IReadOnlyList<KeyRange> Ranges { get; }

    public bool Owns(ReadOnlySpan<byte> key)
    {
        if (_isEverything)
        {
            return true;
        }

        if (!key.StartsWith(_prefix))
        {
            return false;
        }

        var after = CountUpTo(key);
        return after == 0 || !key.StartsWith(_carved[after - 1].Prefix);
    }

    /// <exception cref="DmtException">NotOwner.</exception>
    public void Check(ReadOnlySpan<byte> key)
    {
        if (!_isEverything && !Owns(key))
        {
            throw NotOwner($"the key \"{Key.ToDisplay(key)}\"");
        }
    }

    /// <exception cref="DmtException">NotOwner where a part of the range belongs to another shard.</exception>
    public void Check(KeyRange range)
    {
        if (_isEverything || range.IsEmpty)
        {
            return;
        }

        foreach (var owned in Ranges)
        {
            if (owned.Start.Span.SequenceCompareTo(range.Start.Span) <= 0
                && (owned.End is not { } ownedEnd
                    || (range.End is { } end && end.Span.SequenceCompareTo(ownedEnd.Span) <= 0)))
            {
                return;
            }
        }

        throw NotOwner($"the range from \"{Key.ToDisplay(range.Start.Span)}\"");
    }

    /// <summary>
    /// What of a table belongs to the shard, in order of keys; the table itself where all of it does.
    /// </summary>
    public IEnumerable<TableInfo> Cut(TableInfo table, Func<KeyRange, long> estimate)
    {
        if (_isEverything)
        {
            return [table];
        }

        var parts = Ranges.Select(range => table.Cut(range, estimate)).OfType<TableInfo>().ToList();
        return parts is [{ } whole] && whole == (table with { IsShared = true }) ? [table] : parts;
    }

    private static IEnumerable<KeyRange> Gaps(KeyRange whole, CarvedShard[] carved)
    {
        var start = whole.Start;
        foreach (var hole in carved)
        {
            var gap = new KeyRange(start, hole.Prefix);
            if (!gap.IsEmpty)
            {
                yield return gap;
            }

            if (KeyRange.PrefixEnd(hole.Prefix) is not { } next)
            {
                yield break;
            }

            start = next;
        }

        var last = new KeyRange(start, whole.End);
        if (!last.IsEmpty)
        {
            yield return last;
        }
    }

    /// <summary>How many carved prefixes are not above the key.</summary>
    private int CountUpTo(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _carved.Length;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            (low, high) = _carved[middle].Prefix.AsSpan().SequenceCompareTo(key) <= 0 ? (middle + 1, high)
                : (low, middle);
        }

        return low;
    }

    private DmtException NotOwner(string what) => new(
        DmtErrorKind.NotOwner, $"{what} does not belong to shard {_shard} any more: look into the shard map again");
}
