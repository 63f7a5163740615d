using System.Buffers.Binary;
using System.IO.Compression;
using Dmt.Core;
using Dmt.Engine.Checksums;

namespace Dmt.Engine.Tables;

/// <summary>
/// Between a data block in memory and its stored form: compressed where that helps, with its trailer.
/// </summary>
internal static class BlockCodec
{
    private const int BrotliQuality = 1;
    private const int BrotliWindow = 18;

    /// <summary>
    /// Writes the stored form of <paramref name="block"/> to <paramref name="to"/>; returns its length.
    /// </summary>
    /// <param name="block">A finished block.</param>
    /// <param name="compression">What to try; the block is stored as it is when that does not make it smaller.</param>
    /// <param name="to">At least the block's length, 4 bytes and <see cref="BlockFormat.TrailerBytes"/>.</param>
    public static int Store(ReadOnlySpan<byte> block, Compression compression, Span<byte> to)
    {
        var length = 0;
        if (compression == Compression.Brotli)
        {
            // Four bytes of decompressed length go first, so a reader can size its buffer.
            BinaryPrimitives.WriteInt32LittleEndian(to, block.Length);
            var room = to[sizeof(int)..Math.Max(sizeof(int), block.Length)];
            if (BrotliEncoder.TryCompress(block, room, out var written, BrotliQuality, BrotliWindow))
            {
                length = sizeof(int) + written;
            }
        }

        if (length == 0)
        {
            compression = Compression.None;
            block.CopyTo(to);
            length = block.Length;
        }

        to[length++] = (byte)compression;
        BinaryPrimitives.WriteUInt32LittleEndian(to[length..], Crc32C.Compute(to[..length]));
        return length + sizeof(uint);
    }

    /// <summary>The block whose stored form is <paramref name="stored"/>; takes the array over.</summary>
    /// <exception cref="DmtException">Corruption naming the object and the offset.</exception>
    public static Block Load(byte[] stored, string objectName, long offset)
    {
        var body = stored.Length - BlockFormat.TrailerBytes;
        var expected = BinaryPrimitives.ReadUInt32LittleEndian(stored.AsSpan(body + 1));
        if (Crc32C.Compute(stored.AsSpan(0, body + 1)) != expected)
        {
            throw DmtException.Corruption(objectName, offset, "the checksum of the data block is wrong");
        }

        switch ((Compression)stored[body])
        {
            case Compression.None:
                return Block.Parse(stored, body, objectName, offset);
            case Compression.Brotli when body > sizeof(int):
                var length = BinaryPrimitives.ReadInt32LittleEndian(stored);
                if (length is <= 0 or > int.MaxValue / 2)
                {
                    break;
                }

                var bytes = GC.AllocateUninitializedArray<byte>(length);
                if (BrotliDecoder.TryDecompress(stored.AsSpan(sizeof(int)..body), bytes, out var written)
                    && written == length)
                {
                    return Block.Parse(bytes, length, objectName, offset);
                }

                break;
        }

        throw DmtException.Corruption(
            objectName, offset, $"a data block of compression {stored[body]} cannot be decompressed");
    }
}
