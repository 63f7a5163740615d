using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Dmt.Cli.Terminal;

/// <summary>
/// Bytes as one line of text: UTF-8 as it is; control characters and what is no UTF-8 as <c>\xNN</c>.
/// </summary>
internal static class PlainText
{
    public static void Append(StringBuilder to, ReadOnlySpan<byte> bytes)
    {
        // The control characters above 0x7F all begin with 0xC2; so do few others.
        if (Utf8.IsValid(bytes) && bytes.IndexOfAnyInRange((byte)0, (byte)0x1F) < 0
            && bytes.IndexOfAny((byte)0x7F, (byte)0xC2) < 0)
        {
            to.Append(Encoding.UTF8.GetString(bytes));
            return;
        }

        while (bytes.Length > 0)
        {
            var whole = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == System.Buffers.OperationStatus.Done;
            if (whole && !Rune.IsControl(rune))
            {
                to.Append(rune.ToString());
            }
            else
            {
                foreach (var b in bytes[..length])
                {
                    to.Append(CultureInfo.InvariantCulture, $"\\x{b:X2}");
                }
            }

            bytes = bytes[length..];
        }
    }
}
