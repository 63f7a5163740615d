using Dmt.Core;

namespace Dmt.Api.Requests;

/// <summary>
/// Strict percent-decoding. The framework's own leaves bad escapes and bytes that are not UTF-8 as they are and treats
/// %2F apart, so that two keys could become one.
/// </summary>
internal static class PercentEncoding
{
    /// <summary>The bytes that <paramref name="text"/> stands for; they belong to the caller.</summary>
    /// <param name="text">As it stands in the request target.</param>
    /// <param name="plusIsSpace">True in a query.</param>
    /// <param name="what">What it is called in the message.</param>
    /// <exception cref="DmtException">InvalidArgument for a bad escape or a character that is not ASCII.</exception>
    public static byte[] Decode(ReadOnlySpan<char> text, bool plusIsSpace, string what)
    {
        var bytes = new byte[Math.Max(0, text.Length - (2 * text.Count('%')))];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                {
                    throw DmtException.InvalidArgument(
                        $"the {what} has a bad percent-escape at character {i}: expected % and two hexadecimal digits");
                }

                bytes[length++] = (byte)((FromHex(text[i + 1]) << 4) | FromHex(text[i + 2]));
                i += 2;
                continue;
            }

            if (c > 0x7F)
            {
                throw DmtException.InvalidArgument($"the {what} has a character that is not percent-encoded at {i}");
            }

            bytes[length++] = c == '+' && plusIsSpace ? (byte)' ' : (byte)c;
        }

        return bytes;
    }

    private static int FromHex(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
