using System.Buffers.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests;

public sealed class PageCursorTests
{
    [Fact]
    public void A_cursor_goes_on_right_behind_its_key()
    {
        var range = KeyRange.Prefix("k"u8.ToArray());
        var key = "key"u8.ToArray();
        Assert.Equal(
            new KeyRange("key\0"u8.ToArray(), range.End),
            PageCursor.Rest(PageCursor.Encode(key, reverse: false), range, reverse: false));
        Assert.Equal(
            new KeyRange(range.Start, key),
                PageCursor.Rest(PageCursor.Encode(key, reverse: true), range, reverse: true));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?")]
    [InlineData("AQ")]
    [InlineData("AQA")]
    [InlineData("not a cursor")]
    [InlineData("ключ")]
    [InlineData("AQBh\0")]
    [InlineData("AgBh")]
    [InlineData("AQJh")]
    public void What_is_no_cursor_is_an_invalid_argument(string cursor) => AssertInvalid(cursor, KeyRange.All, false);

    [Fact]
    public void A_cursor_of_another_direction_range_or_length_is_an_invalid_argument()
    {
        AssertInvalid(PageCursor.Encode("key"u8, reverse: true), KeyRange.All, reverse: false);
        AssertInvalid(PageCursor.Encode("key"u8, reverse: false), KeyRange.All, reverse: true);
        AssertInvalid(PageCursor.Encode("key"u8, reverse: false), KeyRange.Prefix("x"u8.ToArray()), reverse: false);
        AssertInvalid(PageCursor.Encode(new byte[Key.BytesMax + 1], reverse: false), KeyRange.All, reverse: false);
    }

    [Fact]
    public void Any_text_and_any_bytes_are_a_cursor_or_an_invalid_argument()
    {
        for (var seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(0, 12)];
            random.NextBytes(bytes);
            if (bytes.Length > 1 && random.Next(2) == 0)
            {
                (bytes[0], bytes[1]) = (1, 0); // passes for a header
            }

            var text = seed % 2 == 0
                ? Base64Url.EncodeToString(bytes)
                : string.Concat(bytes.Select(b => (char)(b * random.Next(1, 256))));
            try
            {
                var rest = PageCursor.Rest(text, KeyRange.All, reverse: false);
                Assert.Equal([.. bytes[2..], 0], rest.Start.ToArray());
            }
            catch (DmtException e)
            {
                Assert.True(e.Kind == DmtErrorKind.InvalidArgument, $"seed {seed}: {e.Message}");
            }
        }
    }

    private static void AssertInvalid(string cursor, KeyRange range, bool reverse)
    {
        var error = Assert.Throws<DmtException>(() => PageCursor.Rest(cursor, range, reverse));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.Contains(cursor, error.Message, StringComparison.Ordinal);
    }
}
