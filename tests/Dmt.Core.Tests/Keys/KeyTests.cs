using System.Text;
using Dmt.Core.Keys;

namespace Dmt.Core.Tests.Keys;

public sealed class KeyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1024)]
    public void Keys_of_1_to_1024_bytes_are_allowed(int length) => Key.Validate(new byte[length]);

    [Fact]
    public void An_empty_key_is_refused() => Assert.Equal(
        "the key is empty: a key has 1 to 1024 bytes", Refused(DmtErrorKind.InvalidArgument, () => Key.Validate([])));

    [Fact]
    public void An_overlong_key_is_too_large()
    {
        Assert.Contains("the key has 1025 bytes", Refused(DmtErrorKind.TooLarge, () => Key.Validate(new byte[1025])));
        Assert.Contains("1026 bytes", Refused(DmtErrorKind.TooLarge, () => Key.FromText(new string('é', 513))));
    }

    [Fact]
    public void A_prefix_may_be_empty_but_not_overlong()
    {
        Assert.Empty(Key.PrefixFromText(""));
        Key.ValidatePrefix(new byte[1024]);
        Assert.Contains("the prefix has 1025 bytes",
            Refused(DmtErrorKind.TooLarge, () => Key.ValidatePrefix(new byte[1025])));
    }

    [Fact]
    public void Text_becomes_its_UTF8_bytes() => Assert.Equal("grün🌲"u8.ToArray(), Key.FromText("grün🌲"));

    [Fact]
    public void A_lone_surrogate_is_refused_with_its_place()
    {
        Assert.Contains("the key is not valid Unicode: lone surrogate at 1",
            Refused(DmtErrorKind.InvalidArgument, () => Key.FromText("a\ud800b")));
        Assert.Contains("the prefix", Refused(DmtErrorKind.InvalidArgument, () => Key.PrefixFromText("\udc00")));
    }

    [Fact]
    public void Text_is_displayed_as_it_is() => Assert.Equal("grün/🌲", Key.ToDisplay("grün/🌲"u8));

    [Fact]
    public void Bytes_that_are_no_text_are_displayed_in_hexadecimal()
    {
        Assert.Equal("0xFF00", Key.ToDisplay([0xFF, 0]));
        Assert.Equal("0x" + string.Concat(Enumerable.Repeat("80", 80)) + "…", Key.ToDisplay(Bytes(100, 0x80)));
    }

    [Fact]
    public void Control_characters_do_not_reach_a_terminal() =>
        Assert.Equal("0x611B5B326A", Key.ToDisplay("a\u001b[2j"u8));

    [Theory]
    [InlineData("é", 78)]
    [InlineData("é", 79)]
    [InlineData("€", 77)]
    [InlineData("€", 78)]
    [InlineData("€", 79)]
    [InlineData("🌲", 77)]
    [InlineData("🌲", 79)]
    public void A_long_key_is_cut_between_characters(string character, int before)
    {
        var shown = Key.ToDisplay(Encoding.UTF8.GetBytes(new string('x', before) + character + new string('y', 99)));
        var whole = before + Encoding.UTF8.GetByteCount(character) <= 80;

        Assert.StartsWith(new string('x', before) + (whole ? character : "…"), shown, StringComparison.Ordinal);
        Assert.EndsWith("…", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_bytes_can_be_displayed_on_one_short_line() => Property.Holds<byte[]>(
        key => Key.ToDisplay(key) is var shown && shown.Length <= 163 && !shown.Any(char.IsControl)
            && (key.Length == 0 || shown.Length > 0));

    private static byte[] Bytes(int length, byte value) => Enumerable.Repeat(value, length).ToArray();

    private static string Refused(DmtErrorKind kind, Action act)
    {
        var error = Assert.Throws<DmtException>(act);
        Assert.Equal(kind, error.Kind);
        return error.Message;
    }
}
