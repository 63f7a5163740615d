using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Batches;

public sealed class VarintTests
{
    /// <summary>Numbers of every length, and those beside the powers of two.</summary>
    private static readonly Gen<ulong> Numbers =
        from shift in Gen.Choose(0, 63)
        from around in Gen.Choose(-2, 2)
        from low in Gen.Choose(0, int.MaxValue)
        from wide in Gen.Elements(0ul, 1ul)
        select unchecked((1ul << shift) + (ulong)around + (wide * (ulong)low * (ulong)low));

    [Theory]
    [InlineData(0, "00")]
    [InlineData(127, "7F")]
    [InlineData(128, "8001")]
    [InlineData(300, "AC02")]
    [InlineData(ulong.MaxValue, "FFFFFFFFFFFFFFFFFF01")]
    public void Seven_bits_a_byte_low_bits_first(ulong value, string hex)
    {
        var bytes = new byte[Varint.BytesMax64];

        Assert.Equal(hex, Convert.ToHexString(bytes, 0, Varint.Write(bytes, value)));
    }

    [Fact]
    public void The_longest_32_bit_number_takes_five_bytes() =>
        Assert.Equal(Varint.BytesMax32, Varint.Length(uint.MaxValue));

    [Fact]
    public void What_was_written_is_read_and_not_a_byte_more() => Property.Holds(
        Numbers,
        value =>
        {
            var bytes = Enumerable.Repeat((byte)0xFF, 3 + Varint.BytesMax64).ToArray();
            var length = Varint.Write(bytes.AsSpan(3), value);
            var position = 3;
            return length == Varint.Length(value)
                && Varint.TryRead(bytes, ref position, out var read) && read == value && position == 3 + length;
        },
        5000);

    [Fact]
    public void A_number_cut_short_is_refused_and_the_position_stays() => Property.Holds(
        Numbers,
        value =>
        {
            var bytes = new byte[Varint.BytesMax64];
            var length = Varint.Write(bytes, value);
            return Enumerable.Range(0, length).All(cut => Refuses(bytes.AsSpan(0, cut), 0));
        });

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFFFF02")]
    [InlineData("FFFFFFFFFFFFFFFFFF8101")]
    [InlineData("8080808080808080808000")]
    public void More_than_64_bits_are_refused(string hex) => Assert.True(Refuses(Convert.FromHexString(hex), 0));

    [Fact]
    public void A_position_outside_the_bytes_is_refused()
    {
        Assert.True(Refuses([1, 2], 2));
        Assert.True(Refuses([1, 2], -1));
        Assert.True(Refuses([1, 2], int.MaxValue));
    }

    [Fact]
    public void Any_bytes_are_read_or_refused() => Property.Holds(
        Gen.OneOf(Property.Bytes(0, 12), ArbMap.Default.GeneratorFor<byte[]>()),
        bytes =>
        {
            var position = 0;
            return Varint.TryRead(bytes, ref position, out var value)
                ? position is >= 1 and <= Varint.BytesMax64 && Varint.Length(value) <= position
                : position == 0 && value == 0;
        },
        5000);

    private static bool Refuses(ReadOnlySpan<byte> bytes, int at)
    {
        var position = at;
        return !Varint.TryRead(bytes, ref position, out var value) && position == at && value == 0;
    }
}
