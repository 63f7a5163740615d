// 17 to 48 children, stored exactly, under a bitmap of the branching bytes (the paper has an index of 256 bytes
// instead; the bitmap takes 32, and finds the next child as fast as the one under a byte):
//
//   0  header   2  count, 16 bits   4  value entry or 0   8  bitmap, 4 words of 64 bits
//   40  children, 4 bytes each, ascending
//   then the prefix
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dmt.Core.Trie;

/// <summary>An inner node with tens of children; see the top of the file.</summary>
internal static unsafe class Node48
{
    public const int CountMax = 48;
    private const int ChildrenOffset = 40;

    public static int BodyBytes(int count) => ChildrenOffset + (4 * count);

    public static ulong* Bitmap(byte* node) => (ulong*)(node + 8);

    public static uint* Children(byte* node) => (uint*)(node + ChildrenOffset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint* Child(byte* node, byte branch) =>
        (Bitmap(node)[branch >> 6] & (1ul << (branch & 63))) == 0 ? null : Children(node) + Rank(node, branch);

    /// <summary>How many branching bytes are below <paramref name="branch"/> (0 to 255).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Rank(byte* node, int branch)
    {
        var bitmap = Bitmap(node);
        var word = branch >> 6;
        var rank = BitOperations.PopCount(bitmap[word] & ((1ul << (branch & 63)) - 1));
        while (--word >= 0)
        {
            rank += BitOperations.PopCount(bitmap[word]);
        }

        return rank;
    }

    /// <summary>
    /// The lowest branching byte that is at least <paramref name="from"/> (0 to 256); 256 where there is none.
    /// </summary>
    public static int Next(byte* node, int from)
    {
        var bitmap = Bitmap(node);
        for (var word = from >> 6; word < 4; word++, from = word << 6)
        {
            var bits = bitmap[word] >> (from & 63);
            if (bits != 0)
            {
                return from + BitOperations.TrailingZeroCount(bits);
            }
        }

        return 256;
    }

    /// <summary>
    /// The highest branching byte that is at most <paramref name="from"/> (-1 to 255); -1 where there is none.
    /// </summary>
    public static int Previous(byte* node, int from)
    {
        var bitmap = Bitmap(node);
        for (var word = from >> 6; word >= 0; word--, from = (word << 6) + 63)
        {
            var bits = bitmap[word] << (63 - (from & 63));
            if (bits != 0)
            {
                return from - BitOperations.LeadingZeroCount(bits);
            }
        }

        return -1;
    }
}
