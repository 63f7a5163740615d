using System.Text;
using Dmt.Core.Keys;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Keys;

public sealed class KeySchemaTests
{
    [Theory]
    [InlineData("a/b/c", "a|b|c")]
    [InlineData("a", "a")]
    [InlineData("", "")]
    [InlineData("/", "|")]
    [InlineData("a//b/", "a||b|")]
    public void A_separator_ends_each_segment_but_the_last(string key, string segments) =>
        Assert.Equal(segments, Cut(KeySchema.Separated("/"), key));

    [Fact]
    public void The_leftmost_separator_counts() => Assert.Equal("a|:b", Cut(KeySchema.Separated("::"), "a:::b"));

    [Fact]
    public void Fixed_widths_cut_whole_segments()
    {
        Assert.Equal("ab|cd|ef", Cut(KeySchema.FixedWidth(2), "abcdef"));
        Assert.Equal("a|bcd|ef", Cut(KeySchema.FixedWidths(1, 3, 2), "abcdef"));
        Assert.Equal("a|bcd", Cut(KeySchema.FixedWidths(1, 3, 2), "abcd"));
        Assert.Empty(KeySchema.FixedWidth(2).Cut(ReadOnlyMemory<byte>.Empty));
    }

    [Fact]
    public void Joining_what_was_cut_gives_the_key_for_any_separator() => Property.Holds(
        from key in Property.Bytes(0, 40)
        from separator in Property.Bytes(1, 3)
        select (key, separator),
        x => Same(KeySchema.Separated(x.separator), x.key));

    [Fact]
    public void Joining_what_was_cut_gives_the_key_for_any_widths() => Property.Holds(
        from widths in Gen.Choose(1, 5).NonEmptyListOf()
        from stop in Gen.Choose(0, widths.Count)
        from key in Property.Bytes(widths.Take(stop).Sum(), widths.Take(stop).Sum())
        select (key, widths),
        x => Same(KeySchema.FixedWidths(x.widths.ToArray()), x.key)
            && Same(KeySchema.FixedWidth(1), x.key));

    [Fact]
    public void Cutting_what_was_joined_gives_the_segments_or_joining_is_refused() => Property.Holds(
        from segments in Property.Bytes(0, 4).NonEmptyListOf()
        from order in Gen.Shuffle(Enumerable.Range(0, segments.Count).ToArray())
        from separator in Property.Bytes(1, 3)
        select (segments, order, separator),
        x =>
        {
            var schema = KeySchema.Separated(x.separator);
            var segments = x.segments.Select(s => (ReadOnlyMemory<byte>)s).ToArray();
            byte[] key;
            try
            {
                key = schema.Join(segments, x.order);
            }
            catch (DmtException e)
            {
                return e.Kind == DmtErrorKind.InvalidArgument;
            }

            return schema.Cut(key).Select(Hex).SequenceEqual(x.order.Select(i => Hex(segments[i])));
        },
        2000);

    [Fact]
    public void Reordered_widths_cut_the_reordered_key()
    {
        var schema = KeySchema.FixedWidths(1, 3, 2);
        int[] order = [2, 0, 1];
        var key = schema.Join(schema.Cut("abbbcc"u8.ToArray()), order);

        Assert.Equal("ccabbb", Encoding.UTF8.GetString(key));
        Assert.Equal("cc|a|bbb", Cut(schema.Reordered(order), "ccabbb"));
        var separated = KeySchema.Separated("/");
        Assert.Same(separated, separated.Reordered(order));
    }

    [Fact]
    public void A_key_has_at_most_the_segments_that_the_schema_allows()
    {
        Assert.Equal("a|b", Cut(KeySchema.Separated("/", 2), "a/b"));
        var error = Refused(() => Cut(KeySchema.Separated("/", 2), "a/b/c"));

        Assert.Contains("\"a/b/c\" has more than 2 segments", error.Message, StringComparison.Ordinal);
        Assert.Contains("at most 2", Refused(() => Cut(KeySchema.FixedWidth(1, 2), "abc")).Message);
        Assert.Contains("at most 2", Refused(() => Cut(KeySchema.FixedWidths(1, 1), "abc")).Message);
        Assert.Contains("expected 1 to 2",
            Refused(() => KeySchema.Separated("/", 2).Join(Segments("a", "b", "c"))).Message);
        Assert.Equal(1025, KeySchema.Separated("/").Cut(Enumerable.Repeat((byte)'/', 1024).ToArray()).Length);
    }

    [Fact]
    public void A_piece_of_a_segment_is_refused()
    {
        Assert.Contains("ends within segment 1: 1 bytes of 2",
            Refused(() => Cut(KeySchema.FixedWidth(2), "abc")).Message);
        Assert.Contains("segment 1", Refused(() => Cut(KeySchema.FixedWidths(1, 3), "abc")).Message);
    }

    [Fact]
    public void Segments_that_would_not_come_back_are_refused()
    {
        Assert.Contains("segment 1 \"b/c\"",
            Refused(() => KeySchema.Separated("/").Join(Segments("a", "b/c"))).Message);
        Assert.Contains("segment 0 \"a:\"", Refused(() => KeySchema.Separated("::").Join(Segments("a:", "b"))).Message);
        Assert.Contains("has 3 bytes: expected 2",
            Refused(() => KeySchema.FixedWidth(2).Join(Segments("ab", "cde"))).Message);
        Assert.Contains("0 segments", Refused(() => KeySchema.Separated("/").Join([])).Message);
    }

    [Fact]
    public void Overlong_keys_are_too_large()
    {
        var schema = KeySchema.Separated("/");
        var half = new string('x', 600);

        Assert.Equal(DmtErrorKind.TooLarge, Assert.Throws<DmtException>(() => schema.Cut(new byte[1025])).Kind);
        var error = Assert.Throws<DmtException>(() => schema.Join(Segments(half, half)));
        Assert.Equal(DmtErrorKind.TooLarge, error.Kind);
        Assert.Contains("1201 bytes", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { 0 })]
    [InlineData(new[] { 0, 0 })]
    [InlineData(new[] { 0, 2 })]
    [InlineData(new[] { 0, -1 })]
    [InlineData(new[] { 0, 1, 2 })]
    public void An_order_that_does_not_name_each_segment_once_is_refused(int[] order) => Assert.Contains(
        "does not name each of 2 segments once",
        Refused(() => KeySchema.Separated("/").Join(Segments("a", "b"), order)).Message);

    [Fact]
    public void Bad_schemas_are_refused_with_what_is_allowed()
    {
        Assert.Contains("is 0: expected 1 to 1024", Refused(() => KeySchema.Separated("")).Message);
        Assert.Contains("is 0: expected 1 to 1025", Refused(() => KeySchema.Separated("/", 0)).Message);
        Assert.Contains("is 0: expected 1 to 1024", Refused(() => KeySchema.FixedWidth(0)).Message);
        Assert.Contains("is 0: expected 1 to 1024", Refused(() => KeySchema.FixedWidths()).Message);
        Assert.Contains("is -1: expected 1 to 1024", Refused(() => KeySchema.FixedWidths(3, -1)).Message);
        Assert.Contains("is 2000: expected 1 to 1024", Refused(() => KeySchema.FixedWidths(1000, 1000)).Message);
    }

    private static bool Same(KeySchema schema, byte[] key) => schema.Join(schema.Cut(key)).AsSpan().SequenceEqual(key);

    private static string Cut(KeySchema schema, string key) => string.Join(
        '|', schema.Cut(Encoding.UTF8.GetBytes(key)).Select(s => Encoding.UTF8.GetString(s.Span)));

    private static ReadOnlyMemory<byte>[] Segments(params string[] segments) =>
        segments.Select(s => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(s)).ToArray();

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private static DmtException Refused(Func<object?> act)
    {
        var error = Assert.Throws<DmtException>(act);
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        return error;
    }
}
