using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Dmt.Api;
using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>What of an entry a line shows.</summary>
internal enum LineParts
{
    /// <summary>The key only.</summary>
    Key,

    /// <summary>All that an import needs to write the same entry again.</summary>
    Stored,

    /// <summary>That and the version.</summary>
    All,
}

/// <summary>
/// An entry as one line of NDJSON: the shape of <c>/bulk</c>, of exports and of <c>--json</c>.
/// <code>
/// {"key":"k","value":"v","content_type":"text/plain","weight":2,"expires_at":"2030-01-31T12:00:00.000Z","version":7}
/// </code>
/// Bytes that are no UTF-8 stand as base64 in <c>key_base64</c> and <c>value_base64</c>. What has its default is left
/// out.
/// </summary>
internal static class NdjsonLine
{
    /// <summary>How times are written: UTC, to the millisecond, which is what a store keeps.</summary>
    public const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The line without its line end.</summary>
    public static byte[] Encode(KeyEntry entry, LineParts parts)
    {
        var buffer = new ArrayBufferWriter<byte>(128 + entry.Key.Length + entry.Entry.Value.Length);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            if (parts == LineParts.Key)
            {
                json.WriteStartObject();
                WriteBytes(json, "key", "key_base64", entry.Key.Span);
                json.WriteEndObject();
            }
            else
            {
                var (value, version, metadata, expiresAt) = entry.Entry;
                Write(json, entry.Key.Span, value.Span, metadata.Span, expiresAt, parts == LineParts.All ? version : 0);
            }
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A put, with all that is stored.</summary>
    public static void Write(
        Utf8JsonWriter json,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> value,
        ReadOnlySpan<byte> metadata,
        DateTimeOffset? expiresAt,
        ulong version = 0)
    {
        json.WriteStartObject();
        WriteBytes(json, "key", "key_base64", key);
        WriteBytes(json, "value", "value_base64", value);
        WriteMetadata(json, metadata);
        if (expiresAt is { } at)
        {
            json.WriteString("expires_at", FormatTime(at));
        }

        if (version != 0)
        {
            json.WriteNumber("version", version);
        }

        json.WriteEndObject();
    }

    /// <summary>The removal of a key.</summary>
    public static void WriteDelete(Utf8JsonWriter json, ReadOnlySpan<byte> key)
    {
        json.WriteStartObject();
        WriteBytes(json, "key", "key_base64", key);
        json.WriteBoolean("delete", true);
        json.WriteEndObject();
    }

    public static string FormatTime(DateTimeOffset at) =>
        at.UtcDateTime.ToString(TimeFormat, System.Globalization.CultureInfo.InvariantCulture);

    private static void WriteMetadata(Utf8JsonWriter json, ReadOnlySpan<byte> bytes)
    {
        var metadata = EntryMetadata.Decode(bytes);
        if (metadata.ContentType is { } type)
        {
            json.WriteString("content_type", type);
        }

        if (metadata.Weight != 0)
        {
            json.WriteNumber("weight", metadata.Weight);
        }
    }

    private static void WriteBytes(Utf8JsonWriter json, string textName, string base64Name, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            json.WriteString(textName, bytes);
        }
        else
        {
            json.WriteBase64String(base64Name, bytes);
        }
    }
}
