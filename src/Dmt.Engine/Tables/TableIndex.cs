// The sparse index of a table: for each data block where it lies, and a separator: a key that is not lower than the
// block's last key and lower than the next block's first. It is kept in memory whole, as flat arrays. Search first
// compares eight bytes at a time, taken after the bytes that all separators share, and only among equals the keys
// themselves.
using System.Buffers.Binary;
using Dmt.Core;

namespace Dmt.Engine.Tables;

internal sealed class TableIndex
{
    private readonly byte[] _keys;
    private readonly int[] _keyOffsets;
    private readonly long[] _blockOffsets;
    private readonly ulong[] _heads;
    private readonly int _shared;

    private TableIndex(byte[] keys, int[] keyOffsets, long[] blockOffsets)
    {
        (_keys, _keyOffsets, _blockOffsets) = (keys, keyOffsets, blockOffsets);
        _shared = Count == 0 ? 0 : Separator(0).CommonPrefixLength(Separator(Count - 1));
        _heads = new ulong[Count];
        for (var i = 0; i < Count; i++)
        {
            _heads[i] = Head(Separator(i)[_shared..]);
        }
    }

    /// <summary>Number of data blocks.</summary>
    public int Count => _keyOffsets.Length - 1;

    public int MemoryBytes => _keys.Length + (_keyOffsets.Length * 20) + 64;

    public ReadOnlySpan<byte> Separator(int block) => _keys.AsSpan(_keyOffsets[block].._keyOffsets[block + 1]);

    public long BlockOffset(int block) => _blockOffsets[block];

    /// <summary>Stored bytes of the block, its trailer included.</summary>
    public int BlockLength(int block) => (int)(_blockOffsets[block + 1] - _blockOffsets[block]);

    /// <summary>
    /// The first block that can hold a key not lower than <paramref name="key"/>; <see cref="Count"/> when there is
    /// none.
    /// </summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        if (Count == 0)
        {
            return 0;
        }

        if (_shared > 0)
        {
            var order = key[..Math.Min(key.Length, _shared)].SequenceCompareTo(Separator(0)[.._shared]);
            if (order != 0)
            {
                return order < 0 ? 0 : Count;
            }
        }

        var head = Head(key[_shared..]);
        var heads = _heads;
        int low = 0, high = heads.Length;
        while (low < high)
        {
            var middle = (int)((uint)(low + high) >> 1);
            if (heads[middle] < head)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        if (low < heads.Length && heads[low] == head)
        {
            low = FindAmongEqualHeads(key, head, low);
        }

        return low;
    }

    private int FindAmongEqualHeads(ReadOnlySpan<byte> key, ulong head, int low)
    {
        var high = low;
        var step = 1;
        while (high < _heads.Length && _heads[high] == head)
        {
            high += step;
            step *= 2;
        }

        high = Math.Min(high, _heads.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (Separator(middle).SequenceCompareTo(key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The first eight bytes as a number that orders as they do; missing bytes count as zero.</summary>
    private static ulong Head(ReadOnlySpan<byte> key)
    {
        if (key.Length >= 8)
        {
            return BinaryPrimitives.ReadUInt64BigEndian(key);
        }

        ulong head = 0;
        for (var i = 0; i < key.Length; i++)
        {
            head |= (ulong)key[i] << (56 - (8 * i));
        }

        return head;
    }

    /// <summary>
    /// Reads the index section: block count varint, then for each block separator length, separator, block length.
    /// </summary>
    /// <exception cref="DmtException">Corruption where the bytes make no index.</exception>
    public static TableIndex Parse(ReadOnlySpan<byte> section, long dataLength, string objectName, long offset)
    {
        var at = 0;
        if (!Varint.TryRead(section, ref at, out var count) || count > (ulong)section.Length)
        {
            throw Damaged();
        }

        var keys = new byte[section.Length];
        var keyOffsets = new int[count + 1];
        var blockOffsets = new long[count + 1];
        for (var i = 0; i < (int)count; i++)
        {
            if (!Varint.TryRead(section, ref at, out var keyLength) || keyLength > (ulong)(section.Length - at))
            {
                throw Damaged();
            }

            section.Slice(at, (int)keyLength).CopyTo(keys.AsSpan(keyOffsets[i]));
            keyOffsets[i + 1] = keyOffsets[i] + (int)keyLength;
            at += (int)keyLength;
            if (!Varint.TryRead(section, ref at, out var blockLength)
                || blockLength <= BlockFormat.TrailerBytes || blockLength > int.MaxValue)
            {
                throw Damaged();
            }

            blockOffsets[i + 1] = blockOffsets[i] + (long)blockLength;
        }

        if (at != section.Length || blockOffsets[count] != dataLength)
        {
            throw Damaged();
        }

        Array.Resize(ref keys, keyOffsets[count]);
        return new TableIndex(keys, keyOffsets, blockOffsets);

        DmtException Damaged() =>
            DmtException.Corruption(objectName, offset, "the index does not match the data blocks");
    }
}
