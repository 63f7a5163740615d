using System.Text;
using Dmt.Core.Hashing;

namespace Dmt.Core.Tests.Hashing;

public sealed class XxHash64Tests
{
    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    public void Known_values_are_computed(string text, ulong expected) =>
        Assert.Equal(expected, XxHash64.Compute(Encoding.UTF8.GetBytes(text)));

    /// <summary>
    /// The sanity buffer of the specification's own test program: byte i is the top byte of a product of primes.
    /// </summary>
    [Theory]
    [InlineData(1, 0xE934A84ADB052768)]
    [InlineData(4, 0x9136A0DCA57457EE)]
    [InlineData(14, 0x8282DCC4994E35C8)]
    [InlineData(222, 0xB641AE8CB691C174)]
    public void The_sanity_buffer_of_the_specification_has_its_hashes(int length, ulong expected)
    {
        var buffer = new byte[length];
        ulong state = 2654435761;
        for (var i = 0; i < length; i++)
        {
            buffer[i] = (byte)(state >> 56);
            state *= 11400714785074694797;
        }

        Assert.Equal(expected, XxHash64.Compute(buffer));
    }

    [Fact]
    public void Every_bit_of_every_length_matters()
    {
        var data = new byte[100];
        new Random(3).NextBytes(data);
        var seen = new HashSet<ulong>();
        for (var length = 0; length <= data.Length; length++)
        {
            Assert.True(seen.Add(XxHash64.Compute(data.AsSpan(0, length))), $"length {length}");
            for (var bit = 0; bit < length * 8; bit++)
            {
                data[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.True(seen.Add(XxHash64.Compute(data.AsSpan(0, length))), $"length {length}, bit {bit}");
                data[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
    }
}
