using System.Buffers.Binary;
using Dmt.Core;

namespace Dmt.Engine.Tables;

/// <summary>
/// A decoded data block in memory. Immutable; kept alive by whoever reads it, so the cache may drop it at any time.
/// </summary>
internal sealed class Block
{
    private readonly byte[] _bytes;
    private readonly int _restartsOffset;

    /// <summary>
    /// Set by readers, cleared by the cache's clock hand: the block was used since the hand last passed.
    /// </summary>
    public bool Touched;

    private Block(byte[] bytes, int entriesLength, int restartCount)
    {
        _bytes = bytes;
        _restartsOffset = entriesLength;
        RestartCount = restartCount;
    }

    /// <summary>The entries, without restart points.</summary>
    public ReadOnlySpan<byte> Entries => _bytes.AsSpan(0, _restartsOffset);

    public int RestartCount { get; }

    /// <summary>Memory that keeping the block costs.</summary>
    public int MemoryBytes => _bytes.Length + 64;

    public byte[] Bytes => _bytes;

    public int EntriesLength => _restartsOffset;

    /// <param name="bytes">The block, decompressed; what follows <paramref name="length"/> is ignored.</param>
    /// <param name="length">Bytes of the block.</param>
    /// <param name="objectName">The table, for errors.</param>
    /// <param name="offset">Where the block lies in it, for errors.</param>
    /// <exception cref="DmtException">Corruption where the restart points make no sense.</exception>
    public static Block Parse(byte[] bytes, int length, string objectName, long offset)
    {
        if (length >= 2 * sizeof(uint))
        {
            var count = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(length - sizeof(uint)));
            var entriesLength = length - sizeof(uint) - ((long)count * sizeof(uint));
            if (count >= 1 && entriesLength > 0)
            {
                return new Block(bytes, (int)entriesLength, count);
            }
        }

        throw DmtException.Corruption(objectName, offset, $"a block of {length} bytes has no valid restart points");
    }

    /// <summary>Offset of the entry at a restart point.</summary>
    public int Restart(int index) =>
        BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(_restartsOffset + (index * sizeof(uint))));
}
