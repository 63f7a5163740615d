using System.Globalization;
using System.Text;

namespace Dmt.Grains.Membership;

/// <summary>
/// Text of any kind as one segment of an object's name: letters, digits, '-' and '.' stand for themselves, every other
/// byte of its UTF-8 is '_' and two hexadecimal digits; so is a dot that comes first. Different texts have different
/// segments.
/// </summary>
internal static class NameSegment
{
    public static string Escape(string text)
    {
        var segment = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            var c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c == '-' || (c == '.' && segment.Length > 0))
            {
                segment.Append(c);
            }
            else
            {
                segment.Append('_').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return segment.ToString();
    }
}
