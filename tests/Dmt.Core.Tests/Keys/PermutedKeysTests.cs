using Dmt.Core.Keys;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Keys;

public sealed class PermutedKeysTests
{
    [Fact]
    public void Every_set_of_fixed_segments_is_the_front_of_the_copies_in_its_order() => Property.Holds(
        from case_ in Cases()
        from other in Gen.Choose(0, 1 << case_.Keyspace.Segments)
        select (case_, other),
        x =>
        {
            var (keyspace, segments) = x.case_;
            var key = KeyOf(keyspace, segments);
            var permuted = new PermutedKeys(keyspace);
            for (var subset = 0; subset < 1 << keyspace.Segments; subset++)
            {
                var pattern = new SegmentPattern(
                    keyspace,
                    [.. segments.Select((s, i) => (subset & (1 << i)) != 0 ? s : default(ReadOnlyMemory<byte>?))]);
                var order = permuted.OrderFor(pattern, out var front, out var isWhole);
                var copy = Encode(permuted, order, key);
                if (!copy.AsSpan().StartsWith(front) || !pattern.Matches(key)
                    || isWhole != (subset == (1 << keyspace.Segments) - 1) || (isWhole && copy.Length != front.Length))
                {
                    return false;
                }
            }

            return true;
        });

    [Fact]
    public void Only_keys_that_match_have_the_front_of_a_pattern() => Property.Holds(
        from one in Cases()
        from segments in Gen.CollectToSequence(
            one.Segments.Select((s, i) => Segment(one.Keyspace, i)).ToArray())
        from subset in Gen.Choose(0, (1 << one.Keyspace.Segments) - 1)
        select (one, segments.ToArray(), subset),
        x =>
        {
            var (keyspace, fixedTo) = x.one;
            var key = KeyOf(keyspace, x.Item2);
            var permuted = new PermutedKeys(keyspace);
            var pattern = new SegmentPattern(
                keyspace,
                [.. fixedTo.Select((s, i) => (x.subset & (1 << i)) != 0 ? s : default(ReadOnlyMemory<byte>?))]);
            var order = permuted.OrderFor(pattern, out var front, out var isWhole);
            var copy = Encode(permuted, order, key);
            var found = isWhole ? copy.AsSpan().SequenceEqual(front) : copy.AsSpan().StartsWith(front);
            return found == pattern.Matches(key);
        });

    [Fact]
    public void Every_copy_is_turned_back_into_its_key_and_has_the_length_that_was_foretold() => Property.Holds(
        Cases(),
        x =>
        {
            var permuted = new PermutedKeys(x.Keyspace);
            var key = KeyOf(x.Keyspace, x.Segments);
            Span<Range> ranges = stackalloc Range[x.Keyspace.Segments];
            Assert.True(permuted.TryCut(key, ranges));
            var longest = permuted.Length(key, ranges);
            for (var order = 0; order < permuted.Count; order++)
            {
                var copy = Encode(permuted, order, key);
                if (copy.Length > longest || !key.AsSpan().SequenceEqual(permuted.TryDecode(order, copy)))
                {
                    return false;
                }
            }

            return true;
        });

    [Fact]
    public void Copies_of_one_order_lie_in_the_order_of_their_segments() => Property.Holds(
        from one in Cases()
        from segments in Gen.CollectToSequence(one.Segments.Select((s, i) => Segment(one.Keyspace, i)).ToArray())
        select (one, segments.ToArray()),
        x =>
        {
            var permuted = new PermutedKeys(x.one.Keyspace);
            for (var order = 1; order < permuted.Count; order++)
            {
                var expected = 0;
                foreach (var segment in permuted.OrderAt(order))
                {
                    expected = expected != 0 ? expected
                        : x.one.Segments[segment].AsSpan().SequenceCompareTo(x.Item2[segment]);
                }

                var found = Encode(permuted, order, KeyOf(x.one.Keyspace, x.one.Segments)).AsSpan()
                    .SequenceCompareTo(Encode(permuted, order, KeyOf(x.one.Keyspace, x.Item2)));
                if (Math.Sign(expected) != Math.Sign(found))
                {
                    return false;
                }
            }

            return true;
        });

    [Theory]
    [InlineData("a/b", false)]
    [InlineData("a/b/c", true)]
    [InlineData("a/b/c/d", false)]
    [InlineData("a//c", false)]
    [InlineData("a/b/", false)]
    [InlineData("/b/c", false)]
    [InlineData("", false)]
    public void Keys_with_another_number_of_segments_or_an_empty_one_are_not_of_the_keyspace(string rest, bool isOne)
    {
        var permuted = new PermutedKeys(Keyspace.Separated("k", "p:", "/", 3));
        Assert.Equal(isOne, permuted.TryCut(Key.PrefixFromText("p:" + rest), new Range[3]));
        Assert.False(permuted.TryCut(Key.PrefixFromText("q:" + rest), new Range[3]));
    }

    [Theory]
    [InlineData("abcdef", true)]
    [InlineData("abcde", false)]
    [InlineData("abcdefg", false)]
    public void Keys_of_fixed_widths_have_exactly_their_sum(string key, bool isOne) => Assert.Equal(
        isOne,
        new PermutedKeys(Keyspace.FixedWidths("k", [], 1, 3, 2)).TryCut(Key.PrefixFromText(key), new Range[3]));

    [Fact]
    public void Bytes_that_are_no_copy_are_told_from_one()
    {
        var separated = new PermutedKeys(Keyspace.Separated("k", "", "/", 3));
        Assert.Null(separated.TryDecode(1, "a\0b\0"u8));
        Assert.Null(separated.TryDecode(1, "a\0b\0c"u8));
        Assert.Null(separated.TryDecode(1, "a\0b\0c\0d"u8));
        Assert.Null(separated.TryDecode(1, "a\0b\0c\u0001\0"u8));
        Assert.NotNull(separated.TryDecode(1, "a\0b\0c\u0001\u0001\0"u8));
        var fixedWidths = new PermutedKeys(Keyspace.FixedWidths("k", [], 1, 2));
        Assert.Null(fixedWidths.TryDecode(1, "ab"u8));
        Assert.Null(fixedWidths.TryDecode(1, "abcd"u8));
        Assert.Equal("cab"u8.ToArray(), fixedWidths.TryDecode(1, "abc"u8));
    }

    private static byte[] Encode(PermutedKeys permuted, int order, byte[] key)
    {
        var ranges = new Range[permuted.Keyspace.Segments];
        Assert.True(permuted.TryCut(key, ranges));
        var room = new byte[permuted.Length(key, ranges)];
        return room[..permuted.Encode(order, key, ranges, room)];
    }

    private static byte[] KeyOf(Keyspace keyspace, byte[][] segments) =>
        [.. keyspace.Prefix.Span, .. keyspace.Schema.Join([.. segments.Select(s => (ReadOnlyMemory<byte>)s)])];

    /// <summary>Any separator, or widths, 2 to 6 segments, of bytes that need escapes, too.</summary>
    private static FsCheck.Gen<(Keyspace Keyspace, byte[][] Segments)> Cases() =>
        from count in Gen.Choose(2, 6)
        from prefix in Property.Bytes(0, 3)
        from separator in Gen.Elements<byte[]>([(byte)'/'], [0], [1], "::"u8.ToArray(), [0xFF, 0])
        from widths in Gen.Choose(1, 3).ArrayOf(count)
        from hasWidths in Gen.Elements(true, false)
        let keyspace = hasWidths ? Keyspace.FixedWidths("k", prefix, widths)
            : Keyspace.Separated("k", prefix, separator, count)
        from segments in Gen.CollectToSequence(
            Enumerable.Range(0, count).Select(i => Segment(keyspace, i)).ToArray())
        select (keyspace, segments.ToArray());

    private static FsCheck.Gen<byte[]> Segment(Keyspace keyspace, int index) =>
        from length in keyspace.Widths.Count > 0 ? Gen.Constant(keyspace.Widths[index]) : Gen.Choose(1, 4)
        from bytes in Gen.Elements<byte>(0, 1, 2, (byte)':', (byte)'a', 0xFF).ArrayOf(length)
        select Possible(keyspace, bytes);

    /// <summary>Without the separator, nor half of one at the end.</summary>
    private static byte[] Possible(Keyspace keyspace, byte[] bytes) => keyspace.Separator.IsEmpty ? bytes
        : [.. bytes.Select(b => keyspace.Separator.Span.Contains(b) ? (byte)'x' : b)];
}
