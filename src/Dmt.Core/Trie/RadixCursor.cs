// A position in a tree: the stack of inner nodes on the path to a leaf, and the key that the path spells.
//
// While it has a position the cursor holds an epoch pin, so every node on the stack stays as it was when the cursor
// came by, though the writer may have replaced it since. So a key that is in the tree throughout is met exactly once in
// a walk in one direction; a key that is added or removed meanwhile may or may not be met.
//
// A frame's index is the entry that the path takes: of a Node16 its number, the value entry included; of the others the
// branching byte, or -1 for the value entry.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dmt.Core.Trie;

/// <summary>
/// Walks the keys of a <see cref="RadixTree"/> in both directions. Used by one thread at a time, not always the same;
/// reusable; no step allocates. While it is positioned, it keeps replaced nodes of all trees with the same epochs from
/// being freed: dispose it, or <see cref="Reset()"/> it, soon. The tree may be written to meanwhile.
/// </summary>
public sealed unsafe partial class RadixCursor : IDisposable
{
    /// <summary>Copies of short strings write whole 16 bytes.</summary>
    private const int Slack = NativeArena.OverreadBytes;

    private readonly byte[] _key = new byte[Keys.Key.BytesMax + Slack];
    private Frame[] _frames = new Frame[16];
    private int _depth;
    private int _keyLength;
    private ulong* _value;
    private RadixTree _tree;
    private EpochPin _pin;

    internal RadixCursor(RadixTree tree)
    {
        _tree = tree;
        _pin = tree.Epochs.CreatePin();
    }

    /// <summary>True when the cursor is at a key; <see cref="Key"/> and <see cref="Value"/> may be read then.</summary>
    public bool IsValid => _value != null;

    /// <summary>The key at the position. Valid until the cursor moves.</summary>
    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    /// <summary>
    /// The payload at the position, read with acquire. Where the writer has moved the key to another node since the
    /// cursor came here, it is the payload that the key had then, or later.
    /// </summary>
    /// <exception cref="InvalidOperationException">The cursor is not at a key.</exception>
    public ulong Value
    {
        get
        {
            if (_value == null)
            {
                ThrowNotValid();
            }

            return Volatile.Read(ref *_value);
        }
    }

    /// <summary>Moves to the first key.</summary>
    /// <returns>False when there is none; so for all moves.</returns>
    public bool SeekFirst() => Begin() is var root && root != 0 ? DescendFirst(root, 0) : End();

    /// <summary>Moves to the last key.</summary>
    public bool SeekLast() => Begin() is var root && root != 0 ? DescendLast(root, 0) : End();

    /// <summary>Moves to the next key.</summary>
    public bool MoveNext() => _value != null && AscendNext();

    /// <summary>Moves to the key before.</summary>
    public bool MovePrev() => _value != null && AscendPrev();

    /// <summary>Gives up the position, and the hold on the tree's nodes with it.</summary>
    public void Reset() => End();

    /// <summary>Gives up the position and turns to another tree, so that cursors can be pooled.</summary>
    public void Reset(RadixTree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        End();
        if (tree.Epochs != _tree.Epochs)
        {
            _pin.Dispose();
            _pin = tree.Epochs.CreatePin();
        }

        _tree = tree;
    }

    public void Dispose()
    {
        End();
        _pin.Dispose();
    }

    [DoesNotReturn]
    private static void ThrowNotValid() => throw new InvalidOperationException("the cursor is not at a key");

    /// <summary>Pins the present state of the tree.</summary>
    /// <returns>Its root, 0 where it is empty.</returns>
    private uint Begin()
    {
        _value = null;
        _depth = 0;
        _keyLength = 0;
        _pin.Renew();
        var root = _tree.ReadRoot();
        if (root == 0)
        {
            End();
            _tree.ThrowIfDisposed();
        }

        return root;
    }

    private bool End()
    {
        _value = null;
        _depth = 0;
        _keyLength = 0;
        _pin.Exit();
        return false;
    }

    private bool AscendNext()
    {
        while (_depth > 0)
        {
            ref var frame = ref _frames[_depth - 1];
            var entry = NextEntry(ref frame, out var keyLength);
            if (entry != 0)
            {
                return DescendFirst(entry, keyLength);
            }

            _depth--;
        }

        return End();
    }

    private bool AscendPrev()
    {
        while (_depth > 0)
        {
            ref var frame = ref _frames[_depth - 1];
            var entry = PreviousEntry(ref frame, out var keyLength);
            if (entry != 0)
            {
                return DescendLast(entry, keyLength);
            }

            _depth--;
        }

        return End();
    }

    /// <summary>Moves to the first key below an entry. An inner node is never empty, so there is one.</summary>
    /// <param name="entry">Not 0.</param>
    /// <param name="keyLength">Length of the path to it, which the key buffer holds.</param>
    private bool DescendFirst(uint entry, int keyLength)
    {
        while (true)
        {
            var node = _tree.Arena.Resolve(entry);
            var header = Node.Header(node);
            if (Node.Kind(header) == Node.Leaf)
            {
                return Land(node, header, keyLength);
            }

            var kind = Node.Kind(header);
            ref var frame = ref Push(node, header, kind == Node.Kind16 ? -1 : -2, keyLength);
            Prefetch(node, header);
            entry = NextEntry(ref frame, out keyLength);
        }
    }

    private bool DescendLast(uint entry, int keyLength)
    {
        while (true)
        {
            var node = _tree.Arena.Resolve(entry);
            var header = Node.Header(node);
            if (Node.Kind(header) == Node.Leaf)
            {
                return Land(node, header, keyLength);
            }

            var after = Node.Kind(header) == Node.Kind16 ? Node.Count(node) + Node.HasValue(header) : 256;
            ref var frame = ref Push(node, header, after, keyLength);
            Prefetch(node, header);
            entry = PreviousEntry(ref frame, out keyLength);
        }
    }

    private bool Land(byte* leaf, int header, int keyLength)
    {
        var length = Node.Length(header);
        Append(Node.LeafSuffix(leaf), length, keyLength);
        _keyLength = keyLength + length;
        _value = Node.LeafValue(leaf, header);
        return true;
    }

    /// <summary>Puts an inner node on the stack, its prefix into the key.</summary>
    private ref Frame Push(byte* node, int header, int index, int keyLength)
    {
        var length = Node.Length(header);
        if (length != 0)
        {
            Append(Node.Prefix(node, header), length, keyLength);
        }

        if (_depth == _frames.Length)
        {
            Array.Resize(ref _frames, _depth * 2);
        }

        ref var frame = ref _frames[_depth++];
        frame.Node = node;
        frame.Index = index;
        frame.KeyLength = keyLength + length;
        return ref frame;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Append(byte* from, int length, int keyLength)
    {
        ref var to = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_key), keyLength);
        Unsafe.CopyBlockUnaligned(ref to, ref *from, Slack);
        if (length > Slack)
        {
            new ReadOnlySpan<byte>(from, length).CopyTo(MemoryMarshal.CreateSpan(ref to, length));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SetBranch(int keyLength, byte branch) =>
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_key), keyLength) = branch;

    /// <summary>Steps a frame to its next entry.</summary>
    /// <returns>The entry, 0 when there is none.</returns>
    private uint NextEntry(ref Frame frame, out int keyLength)
    {
        var node = frame.Node;
        var header = Node.Header(node);
        keyLength = frame.KeyLength;
        if (Node.Kind(header) == Node.Kind16)
        {
            var hasValue = Node.HasValue(header);
            var count = Node.Count(node);
            var index = ++frame.Index;
            if (index + 1 < count + hasValue)
            {
                PrefetchBelow(Volatile.Read(ref Node16.Entries(node)[index + 1]));
            }

            return index < count + hasValue ? Entry16(node, hasValue, count, index, ref keyLength) : 0;
        }

        while (frame.Index < 256)
        {
            frame.Index = frame.Index < Node.ValueEntry ? Node.ValueEntry : NextBranch(node, header, frame.Index + 1);
            var entry = EntryAt(node, header, frame.Index, ref keyLength);
            if (entry != 0)
            {
                return entry;
            }
        }

        return 0;
    }

    private uint PreviousEntry(ref Frame frame, out int keyLength)
    {
        var node = frame.Node;
        var header = Node.Header(node);
        keyLength = frame.KeyLength;
        if (Node.Kind(header) == Node.Kind16)
        {
            var index = --frame.Index;
            return index >= 0 ? Entry16(node, Node.HasValue(header), Node.Count(node), index, ref keyLength) : 0;
        }

        while (frame.Index >= 0)
        {
            frame.Index = PreviousBranch(node, header, frame.Index - 1);
            var entry = EntryAt(node, header, frame.Index, ref keyLength);
            if (entry != 0)
            {
                return entry;
            }
        }

        return 0;
    }

    private uint Entry16(byte* node, int hasValue, int count, int index, ref int keyLength)
    {
        var entries = Node16.Entries(node);
        if (index >= hasValue)
        {
            SetBranch(keyLength++, *((byte*)(entries + hasValue + count) + index - hasValue));
        }

        return Volatile.Read(ref entries[index]);
    }

    /// <summary>An entry of a Node48 or Node256; 0 where it has gone since the index was found.</summary>
    private uint EntryAt(byte* node, int header, int index, ref int keyLength)
    {
        if (index == Node.ValueEntry)
        {
            return Node.Value(node, header);
        }

        if (index > 255)
        {
            return 0;
        }

        var entry = Volatile.Read(ref *Node.Child(node, header, (byte)index));
        if (entry != 0)
        {
            SetBranch(keyLength++, (byte)index);
        }

        return entry;
    }

    private static int NextBranch(byte* node, int header, int from) =>
        Node.Kind(header) == Node.Kind48 ? Node48.Next(node, from) : Node256.Next(node, from);

    private static int PreviousBranch(byte* node, int header, int from) =>
        Node.Kind(header) == Node.Kind48 ? Node48.Previous(node, from) : Node256.Previous(node, from);

    /// <summary>
    /// Fetches the first children ahead, so that their cache misses overlap instead of following each other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Prefetch(byte* node, int header)
    {
        if (Node.Kind(header) != Node.Kind16)
        {
            return;
        }

        var entries = Node16.Entries(node);
        var count = Node.Count(node) + Node.HasValue(header);
        for (var i = 0; i < count; i++)
        {
            Node.Prefetch(_tree.Arena.Resolve(Volatile.Read(ref entries[i])));
        }
    }

    /// <summary>Fetches ahead what is below a child that was itself fetched ahead before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PrefetchBelow(uint entry)
    {
        var node = _tree.Arena.Resolve(entry);
        var header = Node.Header(node);
        if (Node.Kind(header) == Node.Kind16)
        {
            Prefetch(node, header);
        }
    }

    private struct Frame
    {
        public byte* Node;
        public int Index;

        /// <summary>Length of the path to the node, its prefix included.</summary>
        public int KeyLength;
    }
}
