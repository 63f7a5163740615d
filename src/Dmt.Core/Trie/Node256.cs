// More than 48 children, one place for each byte. The only kind that gains and loses entries in place:
//
//   0  header   2  count, 16 bits, for the writer only   4  value entry or 0
//   8  children, 256 of 4 bytes, 0 where there is none   1,032  the prefix
//
// It becomes a Node48 when it shrinks to CountMin, well under 48, so that a node at the border does not change back and
// forth.
using System.Runtime.CompilerServices;

namespace Dmt.Core.Trie;

/// <summary>An inner node with many children; see the top of the file.</summary>
internal static unsafe class Node256
{
    public const int CountMin = 37;
    public const int BodyBytes = 8 + (256 * 4);

    public static uint* Children(byte* node) => (uint*)(node + 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint* Child(byte* node, byte branch) => Children(node) + branch;

    /// <summary>
    /// The lowest byte with a child that is at least <paramref name="from"/> (0 to 256); 256 where there is none.
    /// </summary>
    public static int Next(byte* node, int from)
    {
        var children = Children(node);
        while (from < 256 && children[from] == 0)
        {
            from++;
        }

        return from;
    }

    /// <summary>
    /// The highest byte with a child that is at most <paramref name="from"/> (-1 to 255); -1 where there is none.
    /// </summary>
    public static int Previous(byte* node, int from)
    {
        var children = Children(node);
        while (from >= 0 && children[from] == 0)
        {
            from--;
        }

        return from;
    }
}
