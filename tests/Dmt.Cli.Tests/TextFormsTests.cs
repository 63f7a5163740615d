using System.Text;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Tests;

public class TextFormsTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("17B", 17)]
    [InlineData("64KB", 64_000)]
    [InlineData("64KiB", 65_536)]
    [InlineData("256mb", 256_000_000)]
    [InlineData("256 MiB", 268_435_456)]
    [InlineData("1.5GiB", 1_610_612_736)]
    [InlineData("1TB", 1_000_000_000_000)]
    [InlineData("1TiB", 1_099_511_627_776)]
    public void Sizes_are_read_in_decimal_and_binary_units(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MB")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1e3")]
    [InlineData("12XB")]
    [InlineData("1 000")]
    [InlineData("99999999999TiB")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(1L << 40, "1 TiB")]
    public void Sizes_are_shown_in_binary_units(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("60", 60_000)]
    [InlineData("0.5s", 500)]
    [InlineData("10m", 600_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("7d", 604_800_000)]
    public void Times_are_read_with_their_unit(string text, long ms) =>
        Assert.Equal(TimeSpan.FromMilliseconds(ms), TimeText.Parse(text, "--ttl"));

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1s")]
    [InlineData("5 minutes")]
    [InlineData("s")]
    [InlineData("999999d")]
    public void What_is_no_time_names_the_flag_and_the_forms(string text)
    {
        var e = Assert.Throws<DmtException>(() => TimeText.Parse(text, "--ttl"));
        Assert.Equal($"--ttl is \"{text}\": expected 1ms to 100 years, as 500ms, 60s, 10m, 24h or 7d", e.Message);
    }

    [Theory]
    [InlineData("prot", "port")]
    [InlineData("cachesize", "cache_size")]
    [InlineData("PORT", "port")]
    [InlineData("volume", null)]
    [InlineData("x", null)]
    public void The_near_name_is_found_and_a_far_one_is_not(string given, string? meant) =>
        Assert.Equal(meant, NearName.Find(given, ["port", "host", "cache_size", "data"]));

    [Theory]
    [InlineData("plain é text", "plain é text")]
    [InlineData("a\tb\n\u001b[31m", @"a\x09b\x0A\x1B[31m")]
    [InlineData("\u0085", @"\xC2\x85")]
    public void Control_characters_never_reach_the_terminal(string text, string shown)
    {
        var line = new StringBuilder();
        PlainText.Append(line, Encoding.UTF8.GetBytes(text));
        Assert.Equal(shown, line.ToString());
    }

    [Fact]
    public void Bytes_that_are_no_text_are_shown_in_hexadecimal()
    {
        var line = new StringBuilder();
        PlainText.Append(line, [0x61, 0xFF, 0xC3, 0xA9, 0xC3]);
        Assert.Equal(@"a\xFFé\xC3", line.ToString());
    }

    [Fact]
    public void Progress_tells_items_rate_and_remaining_time()
    {
        var progress = new TransferProgress { ItemName = "records", Total = 1000 };
        progress.StartAt(200);
        progress.Advance(400, 50);
        Assert.Equal("50 records, 25/s, 0:06 left", progress.Describe(TimeSpan.FromSeconds(2)));
        Assert.Equal(0.4, progress.Share);
        var unknown = new TransferProgress { ItemName = "records" };
        unknown.Advance(400, 50);
        Assert.Equal("50 records, 25/s", unknown.Describe(TimeSpan.FromSeconds(2)));
        Assert.Null(unknown.Share);
    }
}
