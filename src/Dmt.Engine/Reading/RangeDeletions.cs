using Dmt.Engine.Tables;

namespace Dmt.Engine.Reading;

/// <summary>The range tombstones of all sources of a read.</summary>
internal readonly struct RangeDeletions(RangeTombstoneSet[] sets)
{
    /// <summary>The usual case: there are none at all.</summary>
    public bool IsEmpty { get; } = Array.TrueForAll(sets, static set => set.IsEmpty);

    /// <summary>The newest tombstone, not above <paramref name="asOf"/>, that covers the key; 0 for none.</summary>
    public ulong CoveringSequence(ReadOnlySpan<byte> key, ulong asOf)
    {
        ulong newest = 0;
        foreach (var set in sets)
        {
            newest = Math.Max(newest, set.CoveringSequence(key, asOf));
        }

        return newest;
    }

    /// <summary>
    /// Where the fragment ends that covers the key with that sequence number; null is the end of all keys.
    /// </summary>
    public byte[]? EndOfCover(ReadOnlySpan<byte> key, ulong sequence)
    {
        foreach (var set in sets)
        {
            var index = set.IndexOf(key);
            if (index >= 0 && Array.IndexOf(set.Fragments[index].Sequences, sequence) >= 0)
            {
                return set.Fragments[index].End;
            }
        }

        throw new InvalidOperationException("no range tombstone covers the key with that sequence number");
    }
}
