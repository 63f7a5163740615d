// Layout of nodes, common part. Nodes live in a NativeArena, are aligned to 8 bytes, and begin with a 16-bit header:
//
//   bits 0-1   kind: 0 leaf, 1 Node16, 2 Node48, 3 Node256
//   bit  2     Node16 only: there is a value entry
//   bits 3-13  length of the prefix (inner nodes) or of the suffix (leaves), 0 to 1,024
//
// An inner node stands for a string: the path down to it, its branching bytes and prefixes put together. Its prefix is
// stored whole, whatever its length. Its entries are its children, by branching byte, and at most one value entry: the
// leaf of the key that ends exactly here. The value entry orders before all children.
//
// A leaf holds what is left of its key below its parent, and the payload:
//
//   0  header   2  suffix   (2 + length, rounded up to 8)  payload, 8 bytes
//
// What never changes once a node is published: header, prefix, suffix, and the branching bytes of Node16 and Node48.
// What changes in place, each by one aligned release store: a child reference (a child was replaced), an entry of
// Node256 (a child or value was added or removed), a payload. Everything else is done on a copy that takes the node's
// place in its parent.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Dmt.Core.Trie;

/// <summary>Reads what all nodes have in common; see the top of the file.</summary>
internal static unsafe class Node
{
    public const int Leaf = 0;
    public const int Kind16 = 1;
    public const int Kind48 = 2;
    public const int Kind256 = 3;

    /// <summary>In place of a branching byte: the value entry.</summary>
    public const int ValueEntry = -1;

    private const int KindMask = 3;
    private const int HasValueBit = 4;
    private const int LengthShift = 3;

    public static int Header(byte* node) => *(ushort*)node;

    public static int Kind(int header) => header & KindMask;

    /// <summary>1 where a Node16 has a value entry, else 0: so many entries come before its children.</summary>
    public static int HasValue(int header) => (header >> 2) & 1;

    /// <summary>Length of the prefix or suffix, bytes.</summary>
    public static int Length(int header) => header >> LengthShift;

    public static void SetHeader(byte* node, int kind, int hasValue, int length) =>
        *(ushort*)node = (ushort)(kind | (hasValue * HasValueBit) | (length << LengthShift));

    /// <summary>Number of children. Of a Node256 it is for the writer only.</summary>
    public static int Count(byte* node) => *(ushort*)(node + 2);

    public static void SetCount(byte* node, int count) => *(ushort*)(node + 2) = (ushort)count;

    public static byte* LeafSuffix(byte* leaf) => leaf + 2;

    public static ulong* LeafValue(byte* leaf, int header) => (ulong*)(leaf + LeafValueOffset(Length(header)));

    public static int LeafBytes(int suffixLength) => LeafValueOffset(suffixLength) + 8;

    /// <summary>Bytes of an inner node that come before its prefix.</summary>
    public static int BodyBytes(byte* node, int header) => Kind(header) switch
    {
        Kind16 => Node16.BodyBytes(Count(node), HasValue(header)),
        Kind48 => Node48.BodyBytes(Count(node)),
        _ => Node256.BodyBytes,
    };

    public static byte* Prefix(byte* node, int header) => node + BodyBytes(node, header);

    /// <summary>Bytes that the node was allocated with.</summary>
    public static int Bytes(byte* node)
    {
        var header = Header(node);
        return Kind(header) == Leaf ? LeafBytes(Length(header)) : BodyBytes(node, header) + Length(header);
    }

    /// <summary>The value entry of an inner node, 0 where there is none.</summary>
    public static uint Value(byte* node, int header) => Kind(header) switch
    {
        Kind16 => HasValue(header) != 0 ? Volatile.Read(ref *Node16.Entries(node)) : 0,
        _ => Volatile.Read(ref *(uint*)(node + 4)),
    };

    /// <summary>
    /// The place of the child under <paramref name="branch"/>; null, or a place that holds 0, where there is none.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint* Child(byte* node, int header, byte branch) => Kind(header) switch
    {
        Kind16 => Node16.Child(node, header, branch),
        Kind48 => Node48.Child(node, branch),
        _ => Node256.Child(node, branch),
    };

    /// <summary>
    /// Whether <paramref name="length"/> bytes are equal; made for the short strings that prefixes are.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Same(byte* a, byte* b, int length)
    {
        if (length >= 8)
        {
            return length <= 16
                ? ((*(ulong*)a ^ *(ulong*)b) | (*(ulong*)(a + length - 8) ^ *(ulong*)(b + length - 8))) == 0
                : new ReadOnlySpan<byte>(a, length).SequenceEqual(new ReadOnlySpan<byte>(b, length));
        }

        if (length >= 4)
        {
            return ((*(uint*)a ^ *(uint*)b) | (*(uint*)(a + length - 4) ^ *(uint*)(b + length - 4))) == 0;
        }

        return length == 0 || (*a == *b && a[length - 1] == b[length - 1] && a[length >> 1] == b[length >> 1]);
    }

    /// <summary>How many leading bytes are equal.</summary>
    public static int Common(byte* a, int lengthA, byte* b, int lengthB) =>
        new ReadOnlySpan<byte>(a, lengthA).CommonPrefixLength(new ReadOnlySpan<byte>(b, lengthB));

    /// <summary>Asks for memory ahead of its use, where the processor can be asked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* memory)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(memory);
        }
    }

    public static void Copy(byte* from, byte* to, int bytes) => NativeMemory.Copy(from, to, (nuint)bytes);

    private static int LeafValueOffset(int suffixLength) => (2 + suffixLength + 7) & ~7;
}
