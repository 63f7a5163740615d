using System.Text;
using Dmt.Engine.Checksums;

namespace Dmt.Engine.Tests.Checksums;

public sealed class Crc32CTests
{
    [Fact]
    public void It_is_the_checksum_of_RFC_3720()
    {
        Assert.Equal(0u, Crc32C.Compute([]));
        Assert.Equal(0xE3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
    }

    [Fact]
    public void Every_length_agrees_with_the_definition_bit_by_bit()
    {
        var random = new Random(1);
        var bytes = new byte[7000];
        random.NextBytes(bytes);
        var lengths = Enumerable.Range(0, 900).Concat([1023, 3071, 3072, 3073, 3456, 4096, 6144, 6999]);
        foreach (var length in lengths)
        {
            var slice = bytes.AsSpan(random.Next(0, bytes.Length - length + 1), length);
            Assert.Equal(BitByBit(slice), Crc32C.Compute(slice));
        }
    }

    [Fact]
    public void Appending_in_pieces_is_computing_at_once()
    {
        var random = new Random(2);
        var bytes = new byte[20_000];
        random.NextBytes(bytes);
        for (var round = 0; round < 200; round++)
        {
            var first = random.Next(bytes.Length);
            var second = random.Next(first, bytes.Length);
            var crc = Crc32C.Append(0, bytes.AsSpan(0, first));
            crc = Crc32C.Append(crc, bytes.AsSpan(first, second - first));
            crc = Crc32C.Append(crc, bytes.AsSpan(second));
            Assert.Equal(Crc32C.Compute(bytes), crc);
        }
    }

    private static uint BitByBit(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78u);
            }
        }

        return ~crc;
    }
}
