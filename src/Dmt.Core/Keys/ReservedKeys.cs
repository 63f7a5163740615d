using System.Buffers.Binary;

namespace Dmt.Core.Keys;

/// <summary>
/// Keys that begin with eight bytes 0xFF are the store's own: it keeps the permuted copies of keyspaces there (see
/// docs/formats/keyspaces.md). They are the last of all keys, no text makes one, and nobody else reads or writes them.
/// </summary>
public static class ReservedKeys
{
    /// <summary>The first of them.</summary>
    private static readonly byte[] First = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

    /// <summary>All of them.</summary>
    public static KeyRange Range => new(First, null);

    public static bool Contains(ReadOnlySpan<byte> key) =>
        key.Length >= sizeof(ulong) && BinaryPrimitives.ReadUInt64LittleEndian(key) == ulong.MaxValue;

    /// <summary>What of a range is not reserved; an empty range where all of it is.</summary>
    public static KeyRange Clip(KeyRange range) =>
        range.End is { } end && end.Span.SequenceCompareTo(First) <= 0 ? range : new KeyRange(range.Start, First);

    /// <exception cref="DmtException">InvalidArgument for a key that is reserved.</exception>
    public static void Refuse(ReadOnlySpan<byte> key)
    {
        if (Contains(key))
        {
            throw Refusal();
        }
    }

    /// <summary>A range to delete, without the reserved keys.</summary>
    /// <exception cref="DmtException">InvalidArgument for a range that begins with one.</exception>
    public static KeyRange ClipWritten(KeyRange range) => Contains(range.Start.Span) ? throw Refusal() : Clip(range);

    private static DmtException Refusal() =>
        DmtException.InvalidArgument("keys that begin with eight bytes 0xFF are the store's own");
}
