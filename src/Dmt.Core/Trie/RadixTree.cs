// An adaptive radix tree (V. Leis, A. Kemper, T. Neumann, "The Adaptive Radix Tree: ARTful Indexing for Main-Memory
// Databases", ICDE 2013) with one writer and readers that never block.
//
// The path from the root spells a key; see Node.cs for what nodes hold. Invariants:
//   - An inner node has at least two entries, so every node branches, and no chain of single children exists.
//   - A leaf's key is the path to it and its suffix. A leaf under a value entry has an empty suffix.
//   - What a reader can reach is complete: nodes are filled first and linked by a release store after. Readers load
//     references with acquire. A replaced node stays as it was (but for stores into it by the reader's past), and stays
//     allocated while a reader that may hold it is inside the epochs, so that a reader on an old path sees all that was
//     there when the path was current.
//   - A child reference is changed in the current version of its node only. A reader in an old version follows old
//     references to nodes that were current when the version was replaced, hence are retired no earlier than it.

namespace Dmt.Core.Trie;

/// <summary>
/// An ordered map from byte strings (0 to 1,024 bytes, any bytes) to 8-byte payloads, in unmanaged memory. One thread
/// at a time may write (the caller sees to it); any number of threads may read meanwhile, without locks and without
/// waiting.
/// </summary>
public sealed unsafe partial class RadixTree : IDisposable
{
    private readonly NativeArena _arena;
    private readonly ReaderEpochs _epochs;
    private readonly RetiredNodes _retired;
    private readonly NodeWriter _nodes;
    private uint _root;
    private long _count;
    private bool _isDisposed;

    /// <param name="epochs">Protects readers; share one between the trees of an engine. Null: one of its own.</param>
    public RadixTree(ReaderEpochs? epochs = null)
        : this(epochs, new NativeArena())
    {
    }

    internal RadixTree(ReaderEpochs? epochs, NativeArena arena)
    {
        _arena = arena;
        _epochs = epochs ?? new ReaderEpochs();
        _retired = new RetiredNodes(_arena, _epochs);
        _nodes = new NodeWriter(_arena);
    }

    /// <summary>
    /// Where the nodes live. The writer may allocate records of its own here; any thread may resolve them.
    /// </summary>
    public NativeArena Arena => _arena;

    /// <summary>What keeps replaced nodes alive while readers hold them.</summary>
    public ReaderEpochs Epochs => _epochs;

    /// <summary>How many keys there are.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>Finds the payload of <paramref name="key"/>. From any thread.</summary>
    /// <exception cref="DmtException">Closed after Dispose.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, out ulong value)
    {
        var slot = _epochs.EnterThread();
        ulong* place;
        fixed (byte* bytes = key)
        {
            place = Find(Volatile.Read(ref _root), bytes, key.Length);
        }

        value = place == null ? 0 : Volatile.Read(ref *place);
        ReaderEpochs.Exit(slot);
        if (place == null)
        {
            ThrowIfDisposed();
        }

        GC.KeepAlive(this);
        return place != null;
    }

    /// <summary>
    /// Finds the longest stored key that is a prefix of <paramref name="text"/> (or equal to it). From any thread.
    /// </summary>
    /// <param name="text">Any bytes, of any length.</param>
    /// <param name="length">Length of the key found, bytes.</param>
    /// <param name="value">Its payload.</param>
    /// <exception cref="DmtException">Closed after Dispose.</exception>
    public bool TryLongestPrefix(ReadOnlySpan<byte> text, out int length, out ulong value)
    {
        var slot = _epochs.EnterThread();
        ulong* place;
        fixed (byte* bytes = text)
        {
            place = FindLongestPrefix(bytes, text.Length, out length);
        }

        value = place == null ? 0 : Volatile.Read(ref *place);
        ReaderEpochs.Exit(slot);
        if (place == null)
        {
            ThrowIfDisposed();
        }

        GC.KeepAlive(this);
        return place != null;
    }

    /// <summary>A cursor over the keys in order. Dispose it; it may be reused any number of times before.</summary>
    public RadixCursor CreateCursor() => new(this);

    /// <summary>Writer: frees the replaced nodes that no reader can hold. Happens by itself as writes go on.</summary>
    public void Reclaim() => _retired.Reclaim();

    /// <summary>
    /// Frees all memory as soon as the readers of now have left; to be called by the writer. Cursors that are
    /// positioned go on. With readers inside, the memory is freed at a later <see cref="ReaderEpochs.TryReclaim"/>.
    /// </summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        Volatile.Write(ref _isDisposed, true);
        Volatile.Write(ref _root, 0);
        Volatile.Write(ref _count, 0);
        _epochs.Retire(_arena, static arena => arena.Dispose());
        _epochs.TryReclaim();
    }

    /// <summary>The root, for a reader that is inside the epochs; 0 where the tree is empty.</summary>
    internal uint ReadRoot() => Volatile.Read(ref _root);

    internal void ThrowIfDisposed()
    {
        if (Volatile.Read(ref _isDisposed))
        {
            throw DmtException.Closed("the radix tree");
        }
    }

    private ulong* Find(uint handle, byte* key, int length)
    {
        if (handle == 0)
        {
            return null;
        }

        var arena = _arena;
        while (true)
        {
            var node = arena.Resolve(handle);
            var header = Node.Header(node);
            var prefixLength = Node.Length(header);
            if (prefixLength > length)
            {
                return null;
            }

            if (Node.Kind(header) == Node.Leaf)
            {
                return prefixLength == length && Node.Same(Node.LeafSuffix(node), key, length)
                    ? Node.LeafValue(node, header)
                    : null;
            }

            if (prefixLength != 0)
            {
                if (!Node.Same(Node.Prefix(node, header), key, prefixLength))
                {
                    return null;
                }

                key += prefixLength;
                length -= prefixLength;
            }

            if (length == 0)
            {
                handle = Node.Value(node, header);
            }
            else
            {
                var child = Node.Child(node, header, *key);
                if (child == null)
                {
                    return null;
                }

                handle = Volatile.Read(ref *child);
                key++;
                length--;
            }

            if (handle == 0)
            {
                return null;
            }
        }
    }

    private ulong* FindLongestPrefix(byte* text, int length, out int found)
    {
        found = 0;
        ulong* place = null;
        var depth = 0;
        var handle = Volatile.Read(ref _root);
        while (handle != 0)
        {
            var node = _arena.Resolve(handle);
            var header = Node.Header(node);
            var prefixLength = Node.Length(header);
            var isLeaf = Node.Kind(header) == Node.Leaf;
            var prefix = isLeaf ? Node.LeafSuffix(node) : Node.Prefix(node, header);
            if (prefixLength > length - depth || !Node.Same(prefix, text + depth, prefixLength))
            {
                return place;
            }

            depth += prefixLength;
            if (isLeaf)
            {
                found = depth;
                return Node.LeafValue(node, header);
            }

            var value = Node.Value(node, header);
            if (value != 0)
            {
                var leaf = _arena.Resolve(value);
                found = depth;
                place = Node.LeafValue(leaf, Node.Header(leaf));
            }

            if (depth == length)
            {
                return place;
            }

            var child = Node.Child(node, header, text[depth++]);
            handle = child == null ? 0 : Volatile.Read(ref *child);
        }

        return place;
    }
}
