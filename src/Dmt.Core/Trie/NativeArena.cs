// Unmanaged memory of one tree.
//
// A reference is a 32-bit handle: the upper 15 bits name a chunk, the lower 17 bits the place in it in units of 8
// bytes. That halves the child arrays of the tree against pointers. Handle 0 means nothing: the first unit of the first
// chunk is never given out. Chunks start at 4 KiB (a tree with few keys is small) and double up to 1 MiB; what is
// larger than LargeBytesMin has a chunk of its own, at offset 0, so that it may be of any size.
//
// Sizes are rounded up to a class: every multiple of 8 up to 1,152 bytes (all nodes of 4, 16, 48, and most of 256
// children, fit exactly), then 8 classes to a doubling. Freed memory goes to the list of its class, linked through its
// own bytes 4..7.
//
// One writer allocates and frees. Any thread resolves handles: the chunk table is only ever replaced by a longer copy,
// published by a release store before any handle into the new chunk can be, and old tables live as long as the arena.
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dmt.Core.Trie;

/// <summary>
/// Unmanaged, pooled memory: a bump allocator with free lists by size, addressed by 32-bit handles. One thread at a
/// time may allocate and free; any number may resolve handles meanwhile. Not cleared: fresh memory holds anything.
/// </summary>
public sealed unsafe class NativeArena : IDisposable
{
    /// <summary>
    /// Bytes past the end of every allocation that may be read (not interpreted): lets vector loads overrun.
    /// </summary>
    public const int OverreadBytes = 16;

    private const int OffsetBits = 17;
    private const uint OffsetMask = (1u << OffsetBits) - 1;
    private const int ChunksMax = 1 << (32 - OffsetBits);
    private const int FirstChunkBytes = 4096;
    private const int LargeBytesMin = 64 * 1024;
    private const int ExactBytesMax = 1152;
    private const int ExactClasses = (ExactBytesMax / 8) + 1;
    private const int Classes = ExactClasses + 47;
    private const byte Poison = 0xDD;

    private readonly bool _poisonFreed;
    private readonly List<nint> _tables = [];
    private readonly Stack<int> _freeChunks = new();
    private nint _table;
    private long[] _chunkBytes = [];
    private int _chunkCount;
    private int _nextChunkBytes = FirstChunkBytes;
    private byte* _bump;
    private byte* _limit;
    private uint _bumpHandle;
    private uint[]? _free;
    private long _bytesUsed;
    private long _bytesReserved;

    public NativeArena()
    {
    }

    /// <param name="poisonFreed">
    /// Overwrite what is freed, so that a reader of freed memory is found out. For tests.
    /// </param>
    internal NativeArena(bool poisonFreed) => _poisonFreed = poisonFreed;

    ~NativeArena() => Release();

    /// <summary>Bytes given out and not freed, rounded up to size classes. 0 when nothing is allocated.</summary>
    public long BytesUsed => Volatile.Read(ref _bytesUsed);

    /// <summary>Bytes taken from the operating system (or the chunk pool). 0 until the first allocation.</summary>
    public long BytesReserved => Volatile.Read(ref _bytesReserved);

    /// <summary>
    /// The address behind a handle. Valid until it is freed. Undefined for a handle that this arena never gave out.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Resolve(uint handle) => ((byte**)_table)[handle >> OffsetBits] + ((nuint)(handle & OffsetMask) << 3);

    /// <summary>Memory of at least <paramref name="bytes"/> bytes, aligned to 8, with anything in it.</summary>
    /// <param name="bytes">1 or more.</param>
    /// <param name="handle">The compact reference to it; never 0.</param>
    /// <exception cref="DmtException">
    /// Unavailable when all 32,768 chunks (32 GiB) are taken; Closed after Dispose.
    /// </exception>
    /// <exception cref="OutOfMemoryException">The system has no more memory.</exception>
    public byte* Allocate(int bytes, out uint handle)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        if (bytes > LargeBytesMin)
        {
            return AllocateLarge(bytes, out handle);
        }

        var size = Round(bytes, out var sizeClass);
        Volatile.Write(ref _bytesUsed, _bytesUsed + size);
        if (_free is { } free && free[sizeClass] != 0)
        {
            handle = free[sizeClass];
            var reused = Resolve(handle);
            free[sizeClass] = *(uint*)(reused + 4);
            return reused;
        }

        if (_limit - _bump < size)
        {
            AddChunk(size);
        }

        var fresh = _bump;
        handle = _bumpHandle;
        _bump += size;
        _bumpHandle += (uint)size >> 3;
        return fresh;
    }

    /// <summary>Takes back what <see cref="Allocate"/> gave out.</summary>
    /// <param name="handle">As returned by <see cref="Allocate"/>.</param>
    /// <param name="bytes">The same number as was asked for.</param>
    public void Free(uint handle, int bytes)
    {
        if (bytes > LargeBytesMin)
        {
            FreeLarge(handle, bytes);
            return;
        }

        var size = Round(bytes, out var sizeClass);
        Volatile.Write(ref _bytesUsed, _bytesUsed - size);
        Push(handle, size, sizeClass);
    }

    /// <summary>Bytes that an allocation of <paramref name="bytes"/> counts for in <see cref="BytesUsed"/>.</summary>
    internal static int Round(int bytes, out int sizeClass)
    {
        if (bytes <= ExactBytesMax)
        {
            var units = (bytes + 7) >> 3;
            sizeClass = units;
            return units << 3;
        }

        var exponent = BitOperations.Log2((uint)bytes - 1);
        var step = 1 << (exponent - 3);
        var size = (bytes + step - 1) & -step;
        sizeClass = ExactClasses - 2 + ((exponent - 10) * 8) + ((size - (1 << exponent)) / step);
        return size;
    }

    /// <summary>Frees all memory. Nothing may resolve handles any more.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Push(uint handle, int size, int sizeClass)
    {
        var memory = Resolve(handle);
        if (_poisonFreed)
        {
            new Span<byte>(memory, size).Fill(Poison);
        }

        var free = _free ??= new uint[Classes];
        *(uint*)(memory + 4) = free[sizeClass];
        free[sizeClass] = handle;
    }

    private void AddChunk(int bytesNeeded)
    {
        var index = TakeChunkIndex();
        var tail = (int)(_limit - _bump);
        if (tail is >= 8 and <= ExactBytesMax)
        {
            Push(_bumpHandle, tail, tail >> 3);
        }

        while (_nextChunkBytes < bytesNeeded + 8 + OverreadBytes)
        {
            _nextChunkBytes *= 2;
        }

        var bytes = _nextChunkBytes;
        _nextChunkBytes = Math.Min(bytes * 2, ChunkPool.ChunkBytes);
        var chunk = bytes == ChunkPool.ChunkBytes ? ChunkPool.Rent() : (byte*)NativeMemory.Alloc((nuint)bytes);
        Publish(index, chunk, bytes);

        // Handle 0 means nothing, so chunk 0 begins with a unit that is never given out.
        var skipped = index == 0 ? 8 : 0;
        _bump = chunk + skipped;
        _limit = chunk + bytes - OverreadBytes;
        _bumpHandle = ((uint)index << OffsetBits) + ((uint)skipped >> 3);
    }

    private byte* AllocateLarge(int bytes, out uint handle)
    {
        if (_chunkCount == 0)
        {
            AddChunk(8);
        }

        var index = TakeChunkIndex();
        var chunk = (byte*)NativeMemory.Alloc((nuint)bytes + OverreadBytes);
        Publish(index, chunk, (long)bytes + OverreadBytes);
        Volatile.Write(ref _bytesUsed, _bytesUsed + bytes);
        handle = (uint)index << OffsetBits;
        return chunk;
    }

    private void FreeLarge(uint handle, int bytes)
    {
        var index = (int)(handle >> OffsetBits);
        NativeMemory.Free(((byte**)_table)[index]);
        ((byte**)_table)[index] = null;
        Volatile.Write(ref _bytesUsed, _bytesUsed - bytes);
        Volatile.Write(ref _bytesReserved, _bytesReserved - _chunkBytes[index]);
        _chunkBytes[index] = 0;
        _freeChunks.Push(index);
    }

    private int TakeChunkIndex()
    {
        if (_chunkCount < 0)
        {
            throw DmtException.Closed("the arena");
        }

        if (_freeChunks.TryPop(out var reused))
        {
            return reused;
        }

        if (_chunkCount == ChunksMax)
        {
            throw DmtException.Unavailable(
                $"the arena is full: all {ChunksMax} chunks are taken ({_bytesReserved} bytes)");
        }

        if (_chunkCount == _chunkBytes.Length)
        {
            GrowTable();
        }

        return _chunkCount++;
    }

    private void GrowTable()
    {
        var capacity = Math.Max(4, _chunkBytes.Length * 2);
        var table = (byte**)NativeMemory.Alloc((nuint)capacity * (nuint)sizeof(byte*));
        new Span<nint>((void*)_table, _chunkCount).CopyTo(new Span<nint>(table, capacity));
        _tables.Add((nint)table);
        Array.Resize(ref _chunkBytes, capacity);

        // Ordered before the store of any handle into a new chunk, because every such store is a release.
        Volatile.Write(ref _table, (nint)table);
    }

    private void Publish(int index, byte* chunk, long bytes)
    {
        ((byte**)_table)[index] = chunk;
        _chunkBytes[index] = bytes;
        Volatile.Write(ref _bytesReserved, _bytesReserved + bytes);
    }

    private void Release()
    {
        for (var i = 0; i < _chunkCount; i++)
        {
            if (_chunkBytes[i] == ChunkPool.ChunkBytes)
            {
                ChunkPool.Return(((byte**)_table)[i]);
            }
            else
            {
                NativeMemory.Free(((byte**)_table)[i]);
            }
        }

        foreach (var table in _tables)
        {
            NativeMemory.Free((void*)table);
        }

        _tables.Clear();
        _chunkCount = -1;
        _bump = _limit = null;
        _free = null;
        _bytesUsed = _bytesReserved = 0;
    }
}
