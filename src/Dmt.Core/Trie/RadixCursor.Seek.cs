namespace Dmt.Core.Trie;

public sealed unsafe partial class RadixCursor
{
    /// <summary>Moves to the first key that is at least <paramref name="key"/>.</summary>
    /// <param name="key">Any bytes, of any length.</param>
    public bool Seek(ReadOnlySpan<byte> key)
    {
        fixed (byte* bytes = key)
        {
            var entry = Follow(bytes, key.Length, out var keyLength, out var order);
            if (entry != 0)
            {
                return order < 0 ? AscendNext() : DescendFirst(entry, keyLength);
            }

            if (_depth > 0 && Node.Kind(Node.Header(_frames[_depth - 1].Node)) == Node.Kind16)
            {
                _frames[_depth - 1].Index--;
            }

            return AscendNext();
        }
    }

    /// <summary>Moves to the last key that is at most <paramref name="key"/>.</summary>
    /// <param name="key">Any bytes, of any length.</param>
    public bool SeekForPrev(ReadOnlySpan<byte> key)
    {
        fixed (byte* bytes = key)
        {
            var entry = Follow(bytes, key.Length, out var keyLength, out var order);
            if (entry == 0 || order > 0)
            {
                return AscendPrev();
            }

            if (order < 0)
            {
                return DescendLast(entry, keyLength);
            }

            // The key ends at this node: everything below is longer, hence greater, but the key itself.
            var node = _tree.Arena.Resolve(entry);
            var header = Node.Header(node);
            if (Node.Kind(header) == Node.Leaf)
            {
                return Land(node, header, keyLength);
            }

            var value = Node.Value(node, header);
            if (value == 0)
            {
                return AscendPrev();
            }

            Push(node, header, Node.Kind(header) == Node.Kind16 ? 0 : Node.ValueEntry, keyLength);
            return DescendLast(value, _frames[_depth - 1].KeyLength);
        }
    }

    /// <summary>
    /// Moves to the first key with this prefix, and confines the cursor to keys with it until the next seek.
    /// </summary>
    public bool SeekPrefix(ReadOnlySpan<byte> prefix)
    {
        fixed (byte* bytes = prefix)
        {
            var entry = FindSubtree(bytes, prefix.Length, out var keyLength);
            return entry == 0 ? End() : DescendFirst(entry, keyLength);
        }
    }

    /// <summary>
    /// Moves to the last key with this prefix, and confines the cursor to keys with it until the next seek.
    /// </summary>
    public bool SeekPrefixLast(ReadOnlySpan<byte> prefix)
    {
        fixed (byte* bytes = prefix)
        {
            var entry = FindSubtree(bytes, prefix.Length, out var keyLength);
            return entry == 0 ? End() : DescendLast(entry, keyLength);
        }
    }

    /// <summary>Goes down along a key, as far as it goes, leaving the path on the stack.</summary>
    /// <param name="key">The key.</param>
    /// <param name="length">Its length, bytes.</param>
    /// <param name="keyLength">Length of the path to the entry that is returned.</param>
    /// <param name="order">
    /// How what is below that entry compares with the key: less, greater, or (0) the key ends there.
    /// </param>
    /// <returns>
    /// The entry where the path and the key part. 0 where they part between the entries of the node on top of the
    /// stack: its index then is one above the lower neighbour in a Node16, and the missing byte in the others.
    /// </returns>
    private uint Follow(byte* key, int length, out int keyLength, out int order)
    {
        var entry = Begin();
        keyLength = 0;
        order = 0;
        while (entry != 0)
        {
            var node = _tree.Arena.Resolve(entry);
            var header = Node.Header(node);
            var prefixLength = Node.Length(header);
            var isLeaf = Node.Kind(header) == Node.Leaf;
            var prefix = isLeaf ? Node.LeafSuffix(node) : Node.Prefix(node, header);
            var rest = length - keyLength;
            if (prefixLength > rest || !Node.Same(prefix, key + keyLength, prefixLength))
            {
                order = new ReadOnlySpan<byte>(prefix, prefixLength)
                    .SequenceCompareTo(new ReadOnlySpan<byte>(key + keyLength, rest));
                return entry;
            }

            if (prefixLength == rest || isLeaf)
            {
                order = prefixLength == rest ? 0 : -1;
                return entry;
            }

            var branch = key[keyLength + prefixLength];
            ref var frame = ref Push(node, header, 0, keyLength);
            keyLength += prefixLength + 1;
            entry = Choose(node, header, branch, ref frame.Index);
            if (entry != 0)
            {
                SetBranch(keyLength - 1, branch);
            }
        }

        return 0;
    }

    /// <summary>
    /// The child under a byte, and its index; 0 and the index as <see cref="Follow"/> leaves it where there is none.
    /// </summary>
    private static uint Choose(byte* node, int header, byte branch, ref int index)
    {
        var child = Node.Child(node, header, branch);
        var entry = child == null ? 0 : Volatile.Read(ref *child);
        if (Node.Kind(header) != Node.Kind16)
        {
            index = branch;
        }
        else
        {
            index = entry != 0
                ? (int)(child - Node16.Entries(node))
                : Node16.Rank(node, header, branch) + Node.HasValue(header);
        }

        return entry;
    }

    /// <summary>
    /// The topmost node that all keys with the prefix, and no others, are below; 0 where there are none.
    /// </summary>
    private uint FindSubtree(byte* key, int length, out int keyLength)
    {
        keyLength = 0;
        var entry = Begin();
        while (entry != 0)
        {
            var node = _tree.Arena.Resolve(entry);
            var header = Node.Header(node);
            var prefixLength = Node.Length(header);
            var isLeaf = Node.Kind(header) == Node.Leaf;
            var prefix = isLeaf ? Node.LeafSuffix(node) : Node.Prefix(node, header);
            var rest = length - keyLength;
            if (!Node.Same(prefix, key + keyLength, Math.Min(prefixLength, rest)))
            {
                return 0;
            }

            if (rest <= prefixLength)
            {
                new ReadOnlySpan<byte>(key, keyLength).CopyTo(_key);
                return entry;
            }

            if (isLeaf)
            {
                return 0;
            }

            keyLength += prefixLength;
            var child = Node.Child(node, header, key[keyLength++]);
            entry = child == null ? 0 : Volatile.Read(ref *child);
        }

        return 0;
    }
}
