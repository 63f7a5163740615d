using System.Runtime.CompilerServices;

namespace Dmt.Core.Trie;

public sealed unsafe partial class RadixTree
{
    /// <summary>Writer: removes <paramref name="key"/>.</summary>
    /// <returns>False when it was not there.</returns>
    /// <exception cref="DmtException">Closed after Dispose.</exception>
    public bool Delete(ReadOnlySpan<byte> key)
    {
        ThrowIfDisposed();
        bool removed;
        fixed (byte* bytes = key)
        {
            removed = Remove(bytes, key.Length);
        }

        if (removed)
        {
            Volatile.Write(ref _count, _count - 1);
            _retired.Tick();
        }

        return removed;
    }

    private bool Remove(byte* key, int length)
    {
        ref var link = ref _root;
        ref var parentLink = ref Unsafe.NullRef<uint>();
        byte* parent = null;
        var branch = Node.ValueEntry;
        while (!Unsafe.IsNullRef(ref link) && link != 0)
        {
            var node = _arena.Resolve(link);
            var header = Node.Header(node);
            var prefixLength = Node.Length(header);
            var isLeaf = Node.Kind(header) == Node.Leaf;
            var prefix = isLeaf ? Node.LeafSuffix(node) : Node.Prefix(node, header);
            if (prefixLength > length || !Node.Same(prefix, key, prefixLength))
            {
                return false;
            }

            key += prefixLength;
            length -= prefixLength;
            if (isLeaf)
            {
                if (length != 0)
                {
                    return false;
                }

                RemoveLeaf(ref link, node, ref parentLink, parent, branch);
                return true;
            }

            branch = length == 0 ? Node.ValueEntry : *key;
            parent = node;
            parentLink = ref link;
            link = ref Entry(node, header, branch);
            if (length != 0)
            {
                key++;
                length--;
            }
        }

        return false;
    }

    private void RemoveLeaf(ref uint link, byte* leaf, ref uint parentLink, byte* parent, int branch)
    {
        var handle = link;
        if (parent == null)
        {
            Volatile.Write(ref link, 0);
        }
        else if (Node.Kind(Node.Header(parent)) == Node.Kind256)
        {
            NodeWriter.RemoveInPlace(parent, branch);
            if (Node.Count(parent) <= Node256.CountMin)
            {
                Replace(ref parentLink, parent, _nodes.Shrink256(parent));
            }
        }
        else if (Node.Kind(Node.Header(parent)) == Node.Kind16
            && Node.Count(parent) + Node.HasValue(Node.Header(parent)) == 2)
        {
            Merge(ref parentLink, parent, branch);
        }
        else
        {
            Replace(ref parentLink, parent, _nodes.Without(parent, branch));
        }

        _retired.Add(handle, Node.Bytes(leaf));
    }

    /// <summary>
    /// Puts the other entry of a node with two in its place, with the path between them as part of its prefix.
    /// </summary>
    private void Merge(ref uint link, byte* node, int branchRemoved)
    {
        var header = Node.Header(node);
        var hasValue = Node.HasValue(header);
        var branches = Node16.Branches(node, header);
        var place = branchRemoved == Node.ValueEntry || (hasValue == 0 && branches[0] == branchRemoved) ? 1 : 0;
        var child = Node16.Entries(node)[place];
        var childNode = _arena.Resolve(child);
        var childHeader = Node.Header(childNode);
        var childLength = Node.Length(childHeader);
        var childPrefix = Node.Kind(childHeader) == Node.Leaf
            ? Node.LeafSuffix(childNode)
            : Node.Prefix(childNode, childHeader);
        var length = Node.Length(header);
        var prefix = stackalloc byte[length + 1 + childLength];
        Node.Copy(Node.Prefix(node, header), prefix, length);
        var isValue = hasValue != 0 && place == 0;
        if (!isValue)
        {
            prefix[length++] = branches[place - hasValue];
        }

        Node.Copy(childPrefix, prefix + length, childLength);
        Replace(ref link, node, _nodes.WithPrefix(childNode, prefix, length + childLength));
        _retired.Add(child, Node.Bytes(childNode));
    }
}
