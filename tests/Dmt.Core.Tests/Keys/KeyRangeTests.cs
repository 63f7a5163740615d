using Dmt.Core.Keys;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Keys;

public sealed class KeyRangeTests
{
    private static readonly Gen<KeyRange> Ranges =
        from start in Property.Bytes(0, 3)
        from end in Property.Bytes(0, 3)
        from open in Gen.Elements(false, false, true)
        select new KeyRange(start, open ? null : (ReadOnlyMemory<byte>?)end);

    [Fact]
    public void The_default_range_holds_every_key()
    {
        Assert.Equal(KeyRange.All, default);
        Assert.True(KeyRange.All.Contains([0]));
        Assert.True(KeyRange.All.Contains([0xFF, 0xFF]));
        Assert.False(KeyRange.All.IsEmpty);
    }

    [Fact]
    public void The_start_belongs_to_the_range_and_the_end_does_not()
    {
        var range = new KeyRange("b"u8.ToArray(), "d"u8.ToArray());

        Assert.True(range.Contains("b"u8));
        Assert.True(range.Contains("czz"u8));
        Assert.False(range.Contains("d"u8));
        Assert.False(range.Contains("a"u8));
    }

    [Fact]
    public void A_prefix_range_holds_exactly_the_keys_that_begin_with_it() => Property.Holds(
        from prefix in Property.Bytes(0, 3)
        from key in Property.Bytes(1, 5)
        select (prefix, key),
        x => KeyRange.Prefix(x.prefix).Contains(x.key) == x.key.AsSpan().StartsWith(x.prefix),
        5000);

    [Theory]
    [InlineData(new byte[0], null)]
    [InlineData(new byte[] { 0xFF, 0xFF }, null)]
    [InlineData(new byte[] { 1, 0xFF, 0xFF }, new byte[] { 2 })]
    [InlineData(new byte[] { 1, 2 }, new byte[] { 1, 3 })]
    public void The_end_of_a_prefix_is_the_next_of_its_length_or_shorter(byte[] prefix, byte[]? end) =>
        Assert.Equal(end, KeyRange.PrefixEnd(prefix)?.ToArray());

    [Fact]
    public void A_range_is_empty_when_no_key_can_be_in_it() => Property.Holds(
        Ranges,
        range =>
        {
            // The first key that could be in the range is its start, or the least key there is.
            ReadOnlySpan<byte> first = range.Start.IsEmpty ? [0] : range.Start.Span;
            return range.IsEmpty != range.Contains(first);
        },
        5000);

    /// <summary>Where a scan goes on behind a key of 1,024 bytes.</summary>
    [Fact]
    public void Behind_the_longest_key_only_the_next_of_its_length_or_shorter_follows()
    {
        var behind = new byte[Key.BytesMax + 1];
        behind.AsSpan(0, Key.BytesMax).Fill((byte)'x');
        var next = KeyRange.PrefixEnd(behind.AsSpan(0, Key.BytesMax))!.Value;

        Assert.True(new KeyRange(behind, next).IsEmpty);
        Assert.False(new KeyRange(behind, (byte[])[.. next.Span, 0]).IsEmpty);
        Assert.False(new KeyRange(behind, null).IsEmpty);
        behind.AsSpan().Fill(0xFF);
        Assert.True(new KeyRange(behind, null).IsEmpty);
    }

    [Fact]
    public void Ranges_are_equal_by_their_bytes() => Property.Holds(
        from a in Ranges
        from b in Gen.OneOf(Ranges, Gen.Constant(Copy(a)))
        select (a, b),
        x =>
        {
            var same = x.a.Start.Span.SequenceEqual(x.b.Start.Span) && x.a.End.HasValue == x.b.End.HasValue
                && x.a.End.GetValueOrDefault().Span.SequenceEqual(x.b.End.GetValueOrDefault().Span);
            return (x.a == x.b) == same && (!same || x.a.GetHashCode() == x.b.GetHashCode());
        },
        2000);

    private static KeyRange Copy(KeyRange range) =>
        new(range.Start.ToArray(), range.End is { } end ? end.ToArray() : (ReadOnlyMemory<byte>?)null);
}
