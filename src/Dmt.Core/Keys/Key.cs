using System.Text;

namespace Dmt.Core.Keys;

/// <summary>The rules of a key: 1 to 1,024 bytes, ordered bytewise; valid UTF-8 when it comes as text.</summary>
public static class Key
{
    /// <summary>Longest key, in bytes.</summary>
    public const int BytesMax = 1024;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <exception cref="DmtException">
    /// InvalidArgument when empty; TooLarge when longer than <see cref="BytesMax"/>.
    /// </exception>
    public static void Validate(ReadOnlySpan<byte> key)
    {
        if ((uint)(key.Length - 1) >= BytesMax)
        {
            ThrowBadLength("key", key.Length);
        }
    }

    /// <summary>The UTF-8 bytes of <paramref name="text"/>, validated.</summary>
    /// <exception cref="DmtException">
    /// InvalidArgument when empty or not encodable (a lone surrogate); TooLarge when too long.
    /// </exception>
    public static byte[] FromText(string text)
    {
        var bytes = EncodeText(text, "key");
        Validate(bytes);
        return bytes;
    }

    /// <summary>The UTF-8 bytes of a prefix or a range bound: as a key, but it may be empty.</summary>
    public static byte[] PrefixFromText(string text)
    {
        var bytes = EncodeText(text, "prefix");
        ValidatePrefix(bytes);
        return bytes;
    }

    /// <exception cref="DmtException">TooLarge when longer than <see cref="BytesMax"/>.</exception>
    public static void ValidatePrefix(ReadOnlySpan<byte> prefix)
    {
        if (prefix.Length > BytesMax)
        {
            ThrowBadLength("prefix", prefix.Length);
        }
    }

    /// <summary>
    /// The key as one short line of text for a message or a page: UTF-8 where it is valid and holds no control
    /// characters (they would reach terminals and logs), hexadecimal (0x…) where not; at most 80 bytes of it, then "…".
    /// </summary>
    public static string ToDisplay(ReadOnlySpan<byte> key)
    {
        const int Shown = 80;
        var cut = key.Length > Shown;
        var part = cut ? key[..Shown] : key;

        // A character has at most three bytes after its first: what goes on longer is no UTF-8.
        var whole = part.Length;
        while (cut && whole > Shown - 3 && (key[whole] & 0xC0) == 0x80)
        {
            whole--;
        }

        var text = Printable(part[..whole]) ?? "0x" + Convert.ToHexString(part);
        return cut ? text + "…" : text;
    }

    private static string? Printable(ReadOnlySpan<byte> key)
    {
        if (!System.Text.Unicode.Utf8.IsValid(key))
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(key);
        return text.Any(char.IsControl) ? null : text;
    }

    private static byte[] EncodeText(string text, string what)
    {
        try
        {
            return Strict.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new DmtException(
                DmtErrorKind.InvalidArgument, $"the {what} is not valid Unicode: lone surrogate at {e.Index}", e);
        }
    }

    private static void ThrowBadLength(string what, int length) => throw (length == 0
        ? DmtException.InvalidArgument("the key is empty: a key has 1 to 1024 bytes")
        : DmtException.TooLarge($"the {what} has {length} bytes: at most {BytesMax} are allowed"));
}
