using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Batches;

public sealed class WriteOperationTests
{
    [Fact]
    public void What_was_encoded_is_decoded_wherever_it_lies() => Property.Holds(
        Operation.Any,
        operation =>
        {
            byte[] bytes = [0xEE, 0xEE, .. operation.Encode(), 0xEE];
            var position = 2;
            return WriteOperation.TryDecode(bytes, ref position, out var decoded)
                && Operation.Of(decoded) == operation && position == bytes.Length - 1;
        },
        3000);

    [Fact]
    public void An_encoding_cut_at_any_byte_is_refused_and_the_position_stays() => Property.Holds(
        Operation.Any,
        operation =>
        {
            var bytes = operation.Encode();
            return Enumerable.Range(0, bytes.Length).All(cut => Refuses(bytes.AsSpan(0, cut)));
        });

    [Fact]
    public void Any_bytes_are_decoded_or_refused_and_never_throw() => Property.Holds(
        Gen.OneOf(Property.Bytes(0, 30), ArbMap.Default.GeneratorFor<byte[]>(), Mangled()),
        bytes =>
        {
            var position = 0;
            return WriteOperation.TryDecode(bytes, ref position, out var operation)
                ? position >= 2 && position <= bytes.Length && Again(operation)
                : Refuses(bytes);
        },
        20_000);

    [Theory]
    [InlineData("", "nothing")]
    [InlineData("00016B", "kind 0")]
    [InlineData("82016B", "bit 7")]
    [InlineData("0200", "a delete without key")]
    [InlineData("010000", "a put without key")]
    [InlineData("42016B", "a delete without end")]
    [InlineData("4101006B", "a put without end")]
    [InlineData("43000161", "a range with an end and without one")]
    [InlineData("01FFFFFFFFFFFFFFFFFF0101", "a key of 2^64 - 1 bytes")]
    [InlineData("0101FFFFFFFFFFFFFFFFFF016B", "a value of 2^64 - 1 bytes")]
    [InlineData("050100FFFFFFFFFFFFFFFFFF016B", "an expiry over 63 bits")]
    public void What_makes_no_operation_is_refused(string hex, string what) =>
        Assert.True(Refuses(Convert.FromHexString(hex)), what);

    [Fact]
    public void A_key_over_the_limit_is_refused_in_foreign_bytes_too()
    {
        Assert.False(Refuses(Bytes(WriteOperationKind.Put, 1024)));
        Assert.True(Refuses(Bytes(WriteOperationKind.Put, 1025)));
        Assert.True(Refuses(Bytes(WriteOperationKind.Delete, 1025)));
        Assert.True(Refuses(Bytes(WriteOperationKind.DeleteRange, 1025)));

        static byte[] Bytes(WriteOperationKind kind, int keyBytes)
        {
            var hex = new string('6', 2 * keyBytes);
            return new Operation(kind, hex, "", kind == WriteOperationKind.DeleteRange, "", 0, default).Encode();
        }
    }

    [Fact]
    public void The_layout_is_pinned()
    {
        var put = new Operation(WriteOperationKind.Put, "6B", "7676", false, "6D", 300, WriteCondition.VersionIs(5));
        var delete = new Operation(WriteOperationKind.Delete, "6B", "", false, "", 0, WriteCondition.Absent);
        var range = new Operation(WriteOperationKind.DeleteRange, "61", "63", false, "", 0, default);
        var tail = new Operation(WriteOperationKind.DeleteRange, "61", "", true, "", 0, default);

        Assert.Equal("3D0102AC020105" + "6B" + "7676" + "6D", Convert.ToHexString(put.Encode()));
        Assert.Equal("12016B", Convert.ToHexString(delete.Encode()));
        Assert.Equal("0301016163", Convert.ToHexString(range.Encode()));
        Assert.Equal("43010061", Convert.ToHexString(tail.Encode()));
    }

    [Fact]
    public void A_delete_carries_no_value() => Assert.Equal(
        "02016B",
        Convert.ToHexString(new Operation(WriteOperationKind.Delete, "6B", "7676", false, "", 0, default).Encode()));

    /// <summary>Encodings with a byte changed: nearer to the real thing than random bytes.</summary>
    private static Gen<byte[]> Mangled() =>
        from operation in Operation.Any
        from place in Gen.Choose(0, 8)
        from value in Gen.Choose(0, 255)
        select Changed(operation.Encode(), place, (byte)value);

    private static byte[] Changed(byte[] bytes, int place, byte value)
    {
        bytes[place % bytes.Length] = value;
        return bytes;
    }

    /// <summary>What was decoded comes back from its own encoding.</summary>
    private static bool Again(in WriteOperation operation)
    {
        var kept = Operation.Of(operation);
        var position = 0;
        return WriteOperation.TryDecode(kept.Encode(), ref position, out var again) && Operation.Of(again) == kept;
    }

    private static bool Refuses(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        return !WriteOperation.TryDecode(bytes, ref position, out _) && position == 0;
    }
}
