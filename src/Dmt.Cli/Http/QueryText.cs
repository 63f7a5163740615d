using System.Text;

namespace Dmt.Cli.Http;

/// <summary>Builds the query of a URL, question mark included; empty where nothing was added.</summary>
internal sealed class QueryText
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a parameter, unless its value is null.</summary>
    public QueryText Add(string name, string? value) =>
        value is null ? this : AddEscaped(name, Uri.EscapeDataString(value));

    /// <summary>Adds a parameter of bytes.</summary>
    public QueryText Add(string name, ReadOnlySpan<byte> value) => AddEscaped(name, Escape(value));

    /// <summary>
    /// Percent-encodes every byte that is not a letter, a digit or one of <c>- _ ~</c>. Dots too: <c>..</c> is a step
    /// up in a path.
    /// </summary>
    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (var b in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'~')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append('%').Append("0123456789ABCDEF"[b >> 4]).Append("0123456789ABCDEF"[b & 15]);
            }
        }

        return text.ToString();
    }

    public override string ToString() => _text.ToString();

    private QueryText AddEscaped(string name, string value)
    {
        _text.Append(_text.Length == 0 ? '?' : '&').Append(name).Append('=').Append(value);
        return this;
    }
}
