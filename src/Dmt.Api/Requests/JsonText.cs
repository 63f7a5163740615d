using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Dmt.Core;

namespace Dmt.Api.Requests;

/// <summary>Helpers for reading JSON by hand, with errors that say what was expected.</summary>
internal static class JsonText
{
    /// <exception cref="DmtException">InvalidArgument with the message, where the condition does not hold.</exception>
    public static void Expect([DoesNotReturnIf(false)] bool condition, string message)
    {
        if (!condition)
        {
            throw DmtException.InvalidArgument(message);
        }
    }

    /// <summary>The text of a string or a name, unescaped, as UTF-8.</summary>
    /// <exception cref="DmtException">InvalidArgument where it is not valid Unicode.</exception>
    public static byte[] Bytes(ref Utf8JsonReader reader, string what)
    {
        var text = new byte[reader.ValueSpan.Length];
        return text[..Copy(ref reader, text, what)];
    }

    /// <summary>As <see cref="Bytes"/>, into a buffer of at least the raw length.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int Copy(ref Utf8JsonReader reader, Span<byte> to, string what)
    {
        try
        {
            return reader.CopyString(to);
        }
        catch (InvalidOperationException e)
        {
            throw new DmtException(DmtErrorKind.InvalidArgument, $"the {what} is not valid Unicode", e);
        }
    }

    public static double Weight(ref Utf8JsonReader reader)
    {
        Expect(
            reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out _),
            "weight must be a finite number of at least 0");
        return EntryMetadata.CheckWeight(reader.GetDouble());
    }

    /// <summary>What is wrong with the JSON and where, without the library's own words for its settings.</summary>
    public static DmtException Malformed(JsonException e)
    {
        var message = e.Message.AsSpan();
        message = message.IndexOf(" LineNumber:", StringComparison.Ordinal) is var cut and > 0
            ? message[..cut]
            : message;
        return new(
            DmtErrorKind.InvalidArgument,
            $"malformed JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}: {message}",
            e);
    }
}
