// Builds the nodes that take the place of others. Nothing here touches a published node, except AddInPlace and
// RemoveInPlace, which change a Node256. The caller publishes the result by a release store of its handle, and retires
// what it replaces.
using System.Diagnostics;

namespace Dmt.Core.Trie;

/// <summary>Allocates and copies nodes for the writer of a tree.</summary>
internal readonly unsafe struct NodeWriter(NativeArena arena)
{
    public uint NewLeaf(byte* suffix, int length, ulong value, out ulong* place)
    {
        var leaf = arena.Allocate(Node.LeafBytes(length), out var handle);
        Node.SetHeader(leaf, Node.Leaf, 0, length);
        Node.Copy(suffix, Node.LeafSuffix(leaf), length);
        place = Node.LeafValue(leaf, Node.Header(leaf));
        *place = value;
        return handle;
    }

    /// <summary>
    /// An inner node with two entries. A branch may be <see cref="Node.ValueEntry"/>, of one of them.
    /// </summary>
    public uint NewPair(byte* prefix, int length, int branchA, uint a, int branchB, uint b)
    {
        Debug.Assert(branchA != branchB, "two entries under one byte");
        if (branchA > branchB)
        {
            (branchA, a, branchB, b) = (branchB, b, branchA, a);
        }

        var hasValue = branchA == Node.ValueEntry ? 1 : 0;
        var count = 2 - hasValue;
        var node = arena.Allocate(Node16.BodyBytes(count, hasValue) + length, out var handle);
        Node.SetHeader(node, Node.Kind16, hasValue, length);
        Node.SetCount(node, count);
        Node16.Entries(node)[0] = a;
        Node16.Entries(node)[1] = b;
        var branches = Node16.Branches(node, Node.Header(node));
        branches[0] = (byte)branchA;
        branches[count - 1] = (byte)branchB;
        Node.Copy(prefix, branches + count, length);
        return handle;
    }

    /// <summary>A copy with another prefix (of a leaf: suffix).</summary>
    public uint WithPrefix(byte* node, byte* prefix, int length)
    {
        var header = Node.Header(node);
        if (Node.Kind(header) == Node.Leaf)
        {
            return NewLeaf(prefix, length, *Node.LeafValue(node, header), out _);
        }

        var body = Node.BodyBytes(node, header);
        var copy = arena.Allocate(body + length, out var handle);
        Node.Copy(node, copy, body);
        Node.SetHeader(copy, Node.Kind(header), Node.HasValue(header), length);
        Node.Copy(prefix, copy + body, length);
        return handle;
    }

    /// <summary>A copy with one entry more.</summary>
    public uint With(byte* node, int branch, uint entry)
    {
        var header = Node.Header(node);
        if (Node.Kind(header) == Node.Kind16)
        {
            return branch == Node.ValueEntry || Node.Count(node) < Node16.CountMax
                ? With16(node, header, branch, entry)
                : Grow16(node, header, branch, entry);
        }

        if (branch == Node.ValueEntry)
        {
            var bytes = Node.Bytes(node);
            var copy = arena.Allocate(bytes, out var handle);
            Node.Copy(node, copy, bytes);
            *(uint*)(copy + 4) = entry;
            return handle;
        }

        return Node.Count(node) < Node48.CountMax
            ? With48(node, branch, entry)
            : Grow48(node, header, branch, entry);
    }

    /// <summary>A copy with one entry less, of a node with more than two.</summary>
    public uint Without(byte* node, int branch)
    {
        var header = Node.Header(node);
        if (Node.Kind(header) == Node.Kind16)
        {
            return Without16(node, header, branch);
        }

        if (branch == Node.ValueEntry)
        {
            return With(node, branch, 0);
        }

        return Node.Count(node) > Node16.CountMax + 1
            ? Without48(node, branch)
            : Shrink48(node, header, branch);
    }

    public static void AddInPlace(byte* node256, int branch, uint entry)
    {
        if (branch == Node.ValueEntry)
        {
            Volatile.Write(ref *(uint*)(node256 + 4), entry);
            return;
        }

        Volatile.Write(ref Node256.Children(node256)[branch], entry);
        Node.SetCount(node256, Node.Count(node256) + 1);
    }

    public static void RemoveInPlace(byte* node256, int branch)
    {
        if (branch == Node.ValueEntry)
        {
            Volatile.Write(ref *(uint*)(node256 + 4), 0);
            return;
        }

        Volatile.Write(ref Node256.Children(node256)[branch], 0);
        Node.SetCount(node256, Node.Count(node256) - 1);
    }

    /// <summary>A Node48 in place of a Node256 that is down to <see cref="Node256.CountMin"/>.</summary>
    public uint Shrink256(byte* node)
    {
        var copy = New48(node, Node.Count(node), out var handle);
        new Span<ulong>(Node48.Bitmap(copy), 4).Clear();
        var at = Node48.Children(copy);
        for (var branch = Node256.Next(node, 0); branch < 256; branch = Node256.Next(node, branch + 1))
        {
            Mark(copy, branch);
            *at++ = Node256.Children(node)[branch];
        }

        return handle;
    }

    private static void Mark(byte* node48, int branch) => Node48.Bitmap(node48)[branch >> 6] |= 1ul << (branch & 63);

    private static void CopyPrefix(byte* from, byte* to)
    {
        var header = Node.Header(from);
        Node.Copy(Node.Prefix(from, header), Node.Prefix(to, Node.Header(to)), Node.Length(header));
    }

    private byte* New16(byte* like, int count, int hasValue, out uint handle)
    {
        var length = Node.Length(Node.Header(like));
        var copy = arena.Allocate(Node16.BodyBytes(count, hasValue) + length, out handle);
        Node.SetHeader(copy, Node.Kind16, hasValue, length);
        Node.SetCount(copy, count);
        CopyPrefix(like, copy);
        return copy;
    }

    private byte* New48(byte* like, int count, out uint handle)
    {
        var header = Node.Header(like);
        var copy = arena.Allocate(Node48.BodyBytes(count) + Node.Length(header), out handle);
        Node.SetHeader(copy, Node.Kind48, 0, Node.Length(header));
        Node.SetCount(copy, count);
        *(uint*)(copy + 4) = Node.Value(like, header);
        CopyPrefix(like, copy);
        return copy;
    }

    private uint With16(byte* node, int header, int branch, uint entry)
    {
        var count = Node.Count(node);
        var hasValue = Node.HasValue(header);
        var isValue = branch == Node.ValueEntry ? 1 : 0;
        Debug.Assert((hasValue & isValue) == 0, "there is a value entry already");
        var copy = New16(node, count + 1 - isValue, hasValue + isValue, out var handle);
        var rank = isValue != 0 ? 0 : Node16.Rank(node, header, branch);
        var place = isValue != 0 ? 0 : hasValue + rank;
        var from = Node16.Entries(node);
        var to = Node16.Entries(copy);
        Node.Copy((byte*)from, (byte*)to, place * 4);
        to[place] = entry;
        Node.Copy((byte*)(from + place), (byte*)(to + place + 1), (count + hasValue - place) * 4);
        var branches = Node16.Branches(node, header);
        var newBranches = Node16.Branches(copy, Node.Header(copy));
        Node.Copy(branches, newBranches, rank);
        if (isValue == 0)
        {
            newBranches[rank] = (byte)branch;
        }

        Node.Copy(branches + rank, newBranches + rank + 1 - isValue, count - rank);
        return handle;
    }

    private uint Without16(byte* node, int header, int branch)
    {
        var count = Node.Count(node);
        var hasValue = Node.HasValue(header);
        var isValue = branch == Node.ValueEntry ? 1 : 0;
        var copy = New16(node, count - 1 + isValue, hasValue - isValue, out var handle);
        var rank = isValue != 0 ? 0 : Node16.Rank(node, header, branch);
        var place = isValue != 0 ? 0 : hasValue + rank;
        var from = Node16.Entries(node);
        var to = Node16.Entries(copy);
        Node.Copy((byte*)from, (byte*)to, place * 4);
        Node.Copy((byte*)(from + place + 1), (byte*)(to + place), (count + hasValue - place - 1) * 4);
        var branches = Node16.Branches(node, header);
        var newBranches = Node16.Branches(copy, Node.Header(copy));
        Node.Copy(branches, newBranches, rank);
        Node.Copy(branches + rank + 1 - isValue, newBranches + rank, count - rank - 1 + isValue);
        return handle;
    }

    private uint Grow16(byte* node, int header, int branch, uint entry)
    {
        var count = Node.Count(node);
        var copy = New48(node, count + 1, out var handle);
        new Span<ulong>(Node48.Bitmap(copy), 4).Clear();
        var branches = Node16.Branches(node, header);
        for (var i = 0; i < count; i++)
        {
            Mark(copy, branches[i]);
        }

        Mark(copy, branch);
        var children = Node16.Entries(node) + Node.HasValue(header);
        CopyWithGap(children, Node48.Children(copy), count, Node48.Rank(copy, branch), entry);
        return handle;
    }

    private uint With48(byte* node, int branch, uint entry)
    {
        var count = Node.Count(node);
        var copy = New48(node, count + 1, out var handle);
        Node.Copy((byte*)Node48.Bitmap(node), (byte*)Node48.Bitmap(copy), 32);
        Mark(copy, branch);
        CopyWithGap(Node48.Children(node), Node48.Children(copy), count, Node48.Rank(copy, branch), entry);
        return handle;
    }

    private uint Without48(byte* node, int branch)
    {
        var count = Node.Count(node);
        var copy = New48(node, count - 1, out var handle);
        Node.Copy((byte*)Node48.Bitmap(node), (byte*)Node48.Bitmap(copy), 32);
        Node48.Bitmap(copy)[branch >> 6] &= ~(1ul << (branch & 63));
        CopyWithoutOne(Node48.Children(node), Node48.Children(copy), count, Node48.Rank(node, branch));
        return handle;
    }

    private uint Shrink48(byte* node, int header, int branch)
    {
        var value = Node.Value(node, header);
        var hasValue = value != 0 ? 1 : 0;
        var count = Node.Count(node);
        var copy = New16(node, count - 1, hasValue, out var handle);
        var entries = Node16.Entries(copy);
        entries[0] = value;
        CopyWithoutOne(Node48.Children(node), entries + hasValue, count, Node48.Rank(node, branch));
        var branches = Node16.Branches(copy, Node.Header(copy));
        for (var b = Node48.Next(node, 0); b < 256; b = Node48.Next(node, b + 1))
        {
            if (b != branch)
            {
                *branches++ = (byte)b;
            }
        }

        return handle;
    }

    private uint Grow48(byte* node, int header, int branch, uint entry)
    {
        var length = Node.Length(header);
        var copy = arena.Allocate(Node256.BodyBytes + length, out var handle);
        Node.SetHeader(copy, Node.Kind256, 0, length);
        Node.SetCount(copy, Node.Count(node) + 1);
        *(uint*)(copy + 4) = Node.Value(node, header);
        CopyPrefix(node, copy);
        var children = Node256.Children(copy);
        new Span<uint>(children, 256).Clear();
        var from = Node48.Children(node);
        for (var b = Node48.Next(node, 0); b < 256; b = Node48.Next(node, b + 1))
        {
            children[b] = *from++;
        }

        children[branch] = entry;
        return handle;
    }

    private static void CopyWithGap(uint* from, uint* to, int count, int place, uint entry)
    {
        Node.Copy((byte*)from, (byte*)to, place * 4);
        to[place] = entry;
        Node.Copy((byte*)(from + place), (byte*)(to + place + 1), (count - place) * 4);
    }

    private static void CopyWithoutOne(uint* from, uint* to, int count, int place)
    {
        Node.Copy((byte*)from, (byte*)to, place * 4);
        Node.Copy((byte*)(from + place + 1), (byte*)(to + place), (count - place - 1) * 4);
    }
}
