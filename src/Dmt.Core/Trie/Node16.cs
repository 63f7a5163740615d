// 1 to 16 children, stored exactly (this is both node 4 and node 16 of the paper: as adding a child makes a copy
// anyway, there is no reason to keep free places):
//
//   0  header   2  count, 16 bits   4  entries, 4 bytes each: the value entry (where there is one), then the children
//   then the branching bytes, ascending; then the prefix
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dmt.Core.Trie;

/// <summary>An inner node with few children; see the top of the file.</summary>
internal static unsafe class Node16
{
    public const int CountMax = 16;

    public static int BodyBytes(int count, int hasValue) => 4 + (5 * count) + (4 * hasValue);

    public static uint* Entries(byte* node) => (uint*)(node + 4);

    public static byte* Branches(byte* node, int header) =>
        node + 4 + (4 * (Node.Count(node) + Node.HasValue(header)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint* Child(byte* node, int header, byte branch)
    {
        var count = Node.Count(node);
        var hasValue = Node.HasValue(header);
        var branches = Vector128.Load(node + 4 + (4 * (count + hasValue)));
        var same = Vector128.Equals(branches, Vector128.Create(branch)).ExtractMostSignificantBits();
        var found = same & ((1u << count) - 1);
        return found == 0 ? null : Entries(node) + hasValue + BitOperations.TrailingZeroCount(found);
    }

    /// <summary>How many branching bytes are below <paramref name="branch"/> (0 to 256).</summary>
    public static int Rank(byte* node, int header, int branch)
    {
        if (branch > 255)
        {
            return Node.Count(node);
        }

        var branches = Vector128.Load(Branches(node, header));
        var below = Vector128.LessThan(branches, Vector128.Create((byte)branch)).ExtractMostSignificantBits();
        return BitOperations.PopCount(below & ((1u << Node.Count(node)) - 1));
    }
}
