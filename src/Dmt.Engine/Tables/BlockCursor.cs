// Walks the entries of one block. The key is rebuilt in a buffer as entries share prefixes with the one before; values
// and metadata are slices of the block. Backwards means: from the restart point before, forwards up to the entry
// wanted.
//
// Invariant: when Valid, _key[.._keyLength] is the key of the entry that began at _entryStart, and _next is where the
// one after begins.
using System.Runtime.CompilerServices;
using Dmt.Core;

namespace Dmt.Engine.Tables;

internal struct BlockCursor
{
    private readonly byte[] _key;
    private Block? _block;
    private byte[] _bytes;
    private int _end;
    private int _entryStart;
    private int _next;
    private int _keyLength;
    private int _valueStart;
    private int _valueLength;
    private int _metadataLength;

    public BlockCursor()
    {
        _key = new byte[Core.Keys.Key.BytesMax];
        _bytes = [];
    }

    public bool Valid { get; private set; }

    public readonly Block? Block => _block;

    public ulong SequenceDelta { get; private set; }

    public EntryKind Kind { get; private set; }

    public long ExpiresAtMs { get; private set; }

    public readonly ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    public readonly ReadOnlySpan<byte> Value => _bytes.AsSpan(_valueStart, _valueLength);

    public readonly ReadOnlySpan<byte> Metadata => _bytes.AsSpan(_valueStart + _valueLength, _metadataLength);

    /// <summary>Lets go of the block.</summary>
    public void Clear()
    {
        _block = null;
        _bytes = [];
        Valid = false;
    }

    /// <summary>Attaches the cursor to a block, before its first entry.</summary>
    public void Open(Block block)
    {
        _block = block;
        _bytes = block.Bytes;
        _end = block.EntriesLength;
        _next = 0;
        _keyLength = 0;
        Valid = false;
    }

    /// <summary>Moves to the next entry; false, and not valid, at the end of the block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MoveNext()
    {
        if (_next >= _end)
        {
            return Valid = false;
        }

        Decode();
        return true;
    }

    /// <summary>Moves to the entry before; false, and not valid, at the start of the block.</summary>
    public bool MovePrevious()
    {
        var before = Valid ? _entryStart : _end;
        return before != 0 ? PositionBefore(before) : Valid = false;
    }

    public bool MoveLast() => PositionBefore(_end);

    /// <summary>
    /// Moves to the first entry whose key is not lower than <paramref name="key"/>; false when there is none.
    /// </summary>
    public bool Seek(ReadOnlySpan<byte> key)
    {
        // The last restart point whose key is lower: versions of one key may span restart points, so equal is too late.
        int low = 0, high = _block!.RestartCount - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >> 1;
            if (RestartKey(middle).SequenceCompareTo(key) < 0)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        _next = _block.Restart(low);
        _keyLength = 0;
        while (MoveNext())
        {
            if (Key.SequenceCompareTo(key) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Moves to the last entry whose key is lower than <paramref name="key"/>; false when there is none.
    /// </summary>
    public bool SeekBefore(ReadOnlySpan<byte> key) => Seek(key) ? MovePrevious() : MoveLast();

    private bool PositionBefore(int offset)
    {
        int low = 0, high = _block!.RestartCount - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >> 1;
            if (_block.Restart(middle) < offset)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        _next = _block.Restart(low);
        _keyLength = 0;
        do
        {
            Decode();
        }
        while (_next < offset);
        return true;
    }

    private readonly ReadOnlySpan<byte> RestartKey(int index)
    {
        var at = _block!.Restart(index);
        if ((uint)at >= (uint)_end)
        {
            ThrowDamaged(at);
        }

        var bytes = _bytes.AsSpan(0, _end);
        var good = Varint.TryRead(bytes, ref at, out _);
        good &= Varint.TryRead(bytes, ref at, out var length);
        var tag = good && at < _end ? bytes[at++] : (byte)0;
        good &= Varint.TryRead(bytes, ref at, out _);
        good &= (tag & BlockFormat.KindMask) != (byte)EntryKind.Put || Varint.TryRead(bytes, ref at, out _);
        good &= (tag & BlockFormat.ExpiryBit) == 0 || Varint.TryRead(bytes, ref at, out _);
        good &= (tag & BlockFormat.MetadataBit) == 0 || Varint.TryRead(bytes, ref at, out _);
        if (!good || length > (ulong)(_end - at))
        {
            ThrowDamaged(at);
        }

        return bytes.Slice(at, (int)length);
    }

    private void Decode()
    {
        var bytes = _bytes.AsSpan(0, _end);
        var at = _next;
        ulong valueLength = 0, expiry = 0, metadataLength = 0;
        var good = Varint.TryRead(bytes, ref at, out var shared);
        good &= Varint.TryRead(bytes, ref at, out var unshared);
        var tag = good && (uint)at < (uint)bytes.Length ? bytes[at++] : (byte)0;
        good &= Varint.TryRead(bytes, ref at, out var sequenceDelta);
        var kind = (EntryKind)(tag & BlockFormat.KindMask);
        if (kind == EntryKind.Put)
        {
            good &= Varint.TryRead(bytes, ref at, out valueLength);
        }

        if ((tag & (BlockFormat.ExpiryBit | BlockFormat.MetadataBit)) != 0)
        {
            good &= (tag & BlockFormat.ExpiryBit) == 0 || Varint.TryRead(bytes, ref at, out expiry);
            good &= (tag & BlockFormat.MetadataBit) == 0 || Varint.TryRead(bytes, ref at, out metadataLength);
        }

        // Lengths are checked one by one against what is left, so that no sum can overflow.
        var left = (ulong)(bytes.Length - at);
        if (!good || kind is not (EntryKind.Put or EntryKind.Tombstone) || shared > (ulong)_keyLength
            || unshared > Core.Keys.Key.BytesMax || shared + unshared > Core.Keys.Key.BytesMax
            || unshared > left || valueLength > left - unshared || metadataLength > left - unshared - valueLength)
        {
            ThrowDamaged(_next);
        }

        bytes.Slice(at, (int)unshared).CopyTo(_key.AsSpan((int)shared));
        _keyLength = (int)(shared + unshared);
        _valueStart = at + (int)unshared;
        _valueLength = (int)valueLength;
        _metadataLength = (int)metadataLength;
        SequenceDelta = sequenceDelta;
        Kind = kind;
        ExpiresAtMs = (long)expiry;
        _entryStart = _next;
        _next = _valueStart + _valueLength + _metadataLength;
        Valid = true;
    }

    // The checksum was right, so this is a bug or a collision; it must still not become wrong data.
    private static void ThrowDamaged(int offset) =>
        throw DmtException.Corruption("a data block with a valid checksum", offset, "the bytes make no entry");
}
