using System.Runtime.CompilerServices;
using Dmt.Core.Keys;

namespace Dmt.Core.Trie;

public sealed unsafe partial class RadixTree
{
    /// <summary>Writer: sets the payload of <paramref name="key"/>.</summary>
    /// <param name="key">0 to 1,024 bytes.</param>
    /// <param name="value">Any payload.</param>
    /// <returns>True when the key is new, false when its payload was replaced.</returns>
    /// <exception cref="DmtException">TooLarge for a longer key; Closed after Dispose.</exception>
    public bool Insert(ReadOnlySpan<byte> key, ulong value)
    {
        ref var place = ref GetOrAdd(key, value, out var added);
        if (!added)
        {
            Volatile.Write(ref place, value);
        }

        return added;
    }

    /// <summary>
    /// Writer: finds or adds <paramref name="key"/> in one descent. A new key becomes visible to readers with
    /// <paramref name="valueIfAbsent"/>, all of what was written before included. An existing one is left as it is.
    /// </summary>
    /// <param name="key">0 to 1,024 bytes.</param>
    /// <param name="valueIfAbsent">The payload of a new key.</param>
    /// <param name="added">True when the key is new.</param>
    /// <returns>
    /// The payload in place, to be replaced with <see cref="Volatile.Write(ref ulong, ulong)"/>. Valid until the next
    /// write to the tree.
    /// </returns>
    /// <exception cref="DmtException">TooLarge for a longer key; Closed after Dispose.</exception>
    public ref ulong GetOrAdd(ReadOnlySpan<byte> key, ulong valueIfAbsent, out bool added)
    {
        Key.ValidatePrefix(key);
        ThrowIfDisposed();
        ulong* place;
        fixed (byte* bytes = key)
        {
            place = FindOrAdd(bytes, key.Length, valueIfAbsent, out added);
        }

        if (added)
        {
            Volatile.Write(ref _count, _count + 1);
            _retired.Tick();
        }

        return ref *place;
    }

    private ulong* FindOrAdd(byte* key, int length, ulong value, out bool added)
    {
        added = true;
        ulong* place;
        ref var link = ref _root;
        if (link == 0)
        {
            Volatile.Write(ref link, _nodes.NewLeaf(key, length, value, out place));
            return place;
        }

        while (true)
        {
            var node = _arena.Resolve(link);
            var header = Node.Header(node);
            var prefixLength = Node.Length(header);
            var isLeaf = Node.Kind(header) == Node.Leaf;
            var prefix = isLeaf ? Node.LeafSuffix(node) : Node.Prefix(node, header);
            var isPrefixOfKey = prefixLength <= length && Node.Same(prefix, key, prefixLength);
            if (isLeaf && isPrefixOfKey && prefixLength == length)
            {
                added = false;
                return Node.LeafValue(node, header);
            }

            if (isLeaf || !isPrefixOfKey)
            {
                return Split(ref link, node, prefix, prefixLength, key, length, value);
            }

            key += prefixLength;
            length -= prefixLength;
            var branch = length == 0 ? Node.ValueEntry : *key;
            ref var next = ref Entry(node, header, branch);
            if (Unsafe.IsNullRef(ref next) || next == 0)
            {
                var rest = Math.Min(length, 1);
                Add(ref link, node, branch, _nodes.NewLeaf(key + rest, length - rest, value, out place));
                return place;
            }

            if (branch == Node.ValueEntry)
            {
                added = false;
                var leaf = _arena.Resolve(next);
                return Node.LeafValue(leaf, Node.Header(leaf));
            }

            key++;
            length--;
            link = ref next;
        }
    }

    /// <summary>
    /// The place of an entry of an inner node; a null reference, or a place that holds 0, where there is none.
    /// </summary>
    private static ref uint Entry(byte* node, int header, int branch)
    {
        if (branch != Node.ValueEntry)
        {
            return ref *Node.Child(node, header, (byte)branch);
        }

        if (Node.Kind(header) == Node.Kind16)
        {
            return ref *(Node.HasValue(header) != 0 ? Node16.Entries(node) : null);
        }

        return ref *(uint*)(node + 4);
    }

    /// <summary>
    /// Puts an inner node where the key leaves the prefix (or a leaf's suffix), with the rest of both below it.
    /// </summary>
    private ulong* Split(ref uint link, byte* node, byte* prefix, int prefixLength, byte* key, int length, ulong value)
    {
        var common = Node.Common(prefix, prefixLength, key, length);
        var branchOld = common == prefixLength ? Node.ValueEntry : prefix[common];
        var branchNew = common == length ? Node.ValueEntry : key[common];
        var skipOld = Math.Min(common + 1, prefixLength);
        var skipNew = Math.Min(common + 1, length);
        var below = _nodes.WithPrefix(node, prefix + skipOld, prefixLength - skipOld);
        var leaf = _nodes.NewLeaf(key + skipNew, length - skipNew, value, out var place);
        Replace(ref link, node, _nodes.NewPair(key, common, branchOld, below, branchNew, leaf));
        return place;
    }

    private void Add(ref uint link, byte* node, int branch, uint entry)
    {
        if (Node.Kind(Node.Header(node)) == Node.Kind256)
        {
            NodeWriter.AddInPlace(node, branch, entry);
        }
        else
        {
            Replace(ref link, node, _nodes.With(node, branch, entry));
        }
    }

    private void Replace(ref uint link, byte* node, uint replacement)
    {
        var replaced = link;
        Volatile.Write(ref link, replacement);
        _retired.Add(replaced, Node.Bytes(node));
    }
}
