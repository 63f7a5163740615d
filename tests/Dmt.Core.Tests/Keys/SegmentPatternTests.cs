using Dmt.Core.Keys;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Keys;

public sealed class SegmentPatternTests
{
    private static readonly Keyspace Paths = Keyspace.Separated("paths", "", "/", 3);

    [Theory]
    [InlineData("*/books/*", "*|books|*", 0b010)]
    [InlineData("*/*/*", "*|*|*", 0)]
    [InlineData("a/b/c", "a|b|c", 0b111)]
    [InlineData(@"\*/*/a\\b", @"=*|*|=a\b", 0b101)]
    [InlineData(@"a\*/*/\xe2\x82\xaC", "=a*|*|€", 0b101)]
    [InlineData("ключ/*/😀", "ключ|*|😀", 0b101)]
    public void A_star_is_a_free_segment_and_an_escape_takes_its_meaning_away(string text, string parts, int fixedSet)
    {
        var pattern = SegmentPattern.Parse(Paths, text);
        Assert.Equal(fixedSet, pattern.Fixed);
        var expected = parts.Split('|').Select(part => part == "*" ? null : part.TrimStart('='));
        Assert.Equal(
            expected,
            Enumerable.Range(0, 3).Select(i =>
                pattern[i] is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes.Span) : null));
    }

    [Theory]
    [InlineData("*/books", "2 segments")]
    [InlineData("*/books/*/*", "4 segments")]
    [InlineData("", "1 segments")]
    [InlineData("*/*/*/*/*/*/*/*/*/*", "more than 6 segments")]
    [InlineData("*//*", "empty")]
    [InlineData("a/b/", "empty")]
    [InlineData("a*/b/c", "star among")]
    [InlineData("**/b/c", "star among")]
    [InlineData("*a/b/c", "star among")]
    [InlineData(@"a\n/b/c", "backslash")]
    [InlineData(@"a/b/c\", "backslash")]
    [InlineData(@"a/b/\x4", "backslash")]
    [InlineData(@"a/b/\xzz", "backslash")]
    [InlineData(@"a\/b/c/d", "holds the separator")]
    public void What_is_no_pattern_of_the_keyspace_is_refused_with_what_is_wrong(string text, string wrong)
    {
        var e = Assert.Throws<DmtException>(() => SegmentPattern.Parse(Paths, text));
        Assert.Equal(DmtErrorKind.InvalidArgument, e.Kind);
        Assert.Contains(wrong, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lone_surrogate_is_no_text() => Assert.Contains(
        "lone surrogate",
        Assert.Throws<DmtException>(() => SegmentPattern.Parse(Paths, "a/b/\ud800")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Segments_with_widths_are_parted_by_slashes_and_must_have_them()
    {
        var keyspace = Keyspace.FixedWidths("w", [], 2, 1, 3);
        var pattern = SegmentPattern.Parse(keyspace, @"ab/*/\/\xff\x00");
        Assert.Equal([(byte)'/', 0xFF, 0], pattern[2]!.Value.ToArray());
        Assert.True(pattern.Matches([(byte)'a', (byte)'b', 7, (byte)'/', 0xFF, 0]));
        var e = Assert.Throws<DmtException>(() => SegmentPattern.Parse(keyspace, "abc/*/*"));
        Assert.Contains("3 bytes: expected 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_segment_that_makes_the_separator_with_what_follows_is_refused_but_as_the_last()
    {
        var keyspace = Keyspace.Separated("c", "", "::", 2);
        Assert.Throws<DmtException>(() => SegmentPattern.Parse(keyspace, @"a\x3a::*"));
        Assert.True(SegmentPattern.Parse(keyspace, "*::a:").Matches("x::a:"u8));
    }

    [Fact]
    public void A_pattern_matches_the_keys_that_have_its_segments_whatever_their_bytes() => Property.Holds(
        from key in Part().ArrayOf(3)
        from pattern in Part().ArrayOf(3)
        from subset in Gen.Choose(0, 7)
        select (key, pattern, subset),
        x =>
        {
            var text = string.Join('/', x.Item2.Select((part, i) => (x.subset & (1 << i)) == 0 ? "*"
                : string.Concat(part.Select(b => $"\\x{b:x2}"))));
            byte[] key = [.. x.Item1[0], (byte)'/', .. x.Item1[1], (byte)'/', .. x.Item1[2]];
            var expected = Enumerable.Range(0, 3).All(i =>
                (x.subset & (1 << i)) == 0 || x.Item1[i].AsSpan().SequenceEqual(x.Item2[i]));
            return SegmentPattern.Parse(Paths, text).Matches(key) == expected;
        });

    private static FsCheck.Gen<byte[]> Part() =>
        from length in Gen.Choose(1, 2)
        from bytes in Gen.Elements<byte>(0, (byte)'*', (byte)'\\', 0xFF).ArrayOf(length)
        select bytes;
}
