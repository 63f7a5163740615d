// CRC-32C (Castagnoli), the checksum of every DMT format.
//
// One hardware CRC instruction takes 8 bytes and has a latency of three cycles, but one can start each cycle. So large
// inputs are cut into three neighbouring lanes whose checksums run side by side, and are joined afterwards: the
// checksum is linear over GF(2), so crc(a ++ b) = shift(crc(a), |b|) ^ crc'(b), where crc' starts from zero and shift
// appends |b| zero bytes. For the two lane lengths the shift is four table look-ups.
using System.Buffers.Binary;
using System.Numerics;

namespace Dmt.Engine.Checksums;

/// <summary>
/// CRC-32C: polynomial 0x1EDC6F41 reflected, initial and final complement. Of "123456789": 0xE3069283.
/// </summary>
public static class Crc32C
{
    private const int LongLane = 1024;
    private const int ShortLane = 128;

    private static readonly uint[] ShiftLong = ShiftTable(LongLane);
    private static readonly uint[] ShiftShort = ShiftTable(ShortLane);

    /// <summary>The checksum of <paramref name="bytes"/>; 0 for none.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>
    /// The checksum of what <paramref name="crc"/> is the checksum of, followed by <paramref name="bytes"/>.
    /// </summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        if (bytes.Length >= 3 * ShortLane)
        {
            crc = Lanes(crc, ref bytes, LongLane, ShiftLong);
            crc = Lanes(crc, ref bytes, ShortLane, ShiftShort);
        }

        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }

    private static uint Lanes(uint crc, ref ReadOnlySpan<byte> bytes, int lane, uint[] shift)
    {
        while (bytes.Length >= 3 * lane)
        {
            var first = bytes[..lane];
            var second = bytes.Slice(lane, lane);
            var third = bytes.Slice(2 * lane, lane);
            uint b = 0, c = 0;
            for (var i = 0; i <= lane - 8; i += 8)
            {
                crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(first[i..]));
                b = BitOperations.Crc32C(b, BinaryPrimitives.ReadUInt64LittleEndian(second[i..]));
                c = BitOperations.Crc32C(c, BinaryPrimitives.ReadUInt64LittleEndian(third[i..]));
            }

            crc = Shift(shift, Shift(shift, crc) ^ b) ^ c;
            bytes = bytes[(3 * lane)..];
        }

        return crc;
    }

    private static uint Shift(uint[] table, uint crc) =>
        table[crc & 0xFF] ^ table[256 + ((crc >> 8) & 0xFF)]
        ^ table[512 + ((crc >> 16) & 0xFF)] ^ table[768 + (crc >> 24)];

    /// <summary>What appending <paramref name="zeros"/> zero bytes makes of each byte of a checksum.</summary>
    private static uint[] ShiftTable(int zeros)
    {
        var table = new uint[4 * 256];
        for (var bit = 0; bit < 32; bit++)
        {
            var shifted = 1u << bit;
            for (var i = 0; i < zeros; i += 8)
            {
                shifted = BitOperations.Crc32C(shifted, 0ul);
            }

            for (var value = 0; value < 256; value++)
            {
                if ((value & (1 << (bit & 7))) != 0)
                {
                    table[((bit >> 3) * 256) + value] ^= shifted;
                }
            }
        }

        return table;
    }
}
