using Dmt.Core.Keys;

namespace Dmt.Engine.Tables;

/// <summary>All keys of a range were deleted at a sequence number.</summary>
/// <param name="Start">First key; empty means from the beginning.</param>
/// <param name="End">First key after the range; null means to the end of all keys.</param>
/// <param name="Sequence">Versions with a lower sequence number are deleted.</param>
internal readonly record struct RangeTombstone(byte[] Start, byte[]? End, ulong Sequence)
{
    public bool Covers(ReadOnlySpan<byte> key) =>
        key.SequenceCompareTo(Start) >= 0 && (End is null || key.SequenceCompareTo(End) < 0);

    public KeyRange Range => End is null ? new KeyRange(Start, null) : new KeyRange(Start, End);

    /// <summary>Compares ends, where null is after all.</summary>
    public static int CompareEnds(byte[]? a, byte[]? b) => (a, b) switch
    {
        (null, null) => 0,
        (null, _) => 1,
        (_, null) => -1,
        _ => a.AsSpan().SequenceCompareTo(b),
    };
}
