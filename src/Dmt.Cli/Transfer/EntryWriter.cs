using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Dmt.Api;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Cli.Transfer;

/// <summary>Writes entries in one format of export files; the parser of the same name reads them back.</summary>
internal abstract class EntryWriter
{
    /// <summary>The formats that <see cref="Create"/> knows.</summary>
    public static readonly string[] Formats = ["ndjson", "csv", "words"];

    public static EntryWriter Create(string format) => format switch
    {
        "csv" => new CsvWriter(),
        "words" => new WordWriter(),
        _ => new NdjsonWriter(),
    };

    /// <summary>True where values are not written.</summary>
    public virtual bool IsKeysOnly => false;

    /// <summary>Appends one record with its line end.</summary>
    /// <exception cref="DmtException">InvalidArgument where the format cannot hold the entry.</exception>
    public abstract void Write(ArrayBufferWriter<byte> to, KeyEntry entry);

    private static DmtException CannotHold(string format, ReadOnlySpan<byte> key, string why) =>
        DmtException.InvalidArgument($"{format} cannot hold the key {Key.ToDisplay(key)}: {why}; use --format ndjson");

    /// <summary>Everything, whatever the bytes.</summary>
    private sealed class NdjsonWriter : EntryWriter
    {
        private static readonly JsonWriterOptions Options =
            new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        public override void Write(ArrayBufferWriter<byte> to, KeyEntry entry)
        {
            using var json = new Utf8JsonWriter(to, Options);
            var (value, _, metadata, expiresAt) = entry.Entry;
            NdjsonLine.Write(json, entry.Key.Span, value.Span, metadata.Span, expiresAt);
            json.Flush();
            to.Write("\n"u8);
        }
    }

    /// <summary>Keys only; a key that holds a line end, or is no text, has no line of its own.</summary>
    private sealed class WordWriter : EntryWriter
    {
        public override bool IsKeysOnly => true;

        public override void Write(ArrayBufferWriter<byte> to, KeyEntry entry)
        {
            var key = entry.Key.Span;
            if (!Utf8.IsValid(key))
            {
                throw CannotHold("words", key, "it is not valid UTF-8");
            }

            if (key.Contains((byte)'\n') || key[^1] == '\r')
            {
                throw CannotHold("words", key, "it holds a line end");
            }

            to.Write(key);
            to.Write("\n"u8);
        }
    }

    /// <summary>Text with all that is stored; columns at the end that have nothing to say are left out.</summary>
    private sealed class CsvWriter : EntryWriter
    {
        public override void Write(ArrayBufferWriter<byte> to, KeyEntry entry)
        {
            var (value, _, metadataBytes, expiresAt) = entry.Entry;
            if (!Utf8.IsValid(entry.Key.Span) || !Utf8.IsValid(value.Span))
            {
                throw CannotHold("csv", entry.Key.Span, "it, or its value, is not valid UTF-8");
            }

            WriteField(to, entry.Key.Span);
            to.Write(","u8);
            WriteField(to, value.Span);
            var metadata = EntryMetadata.Decode(metadataBytes.Span);
            var rest = new StringBuilder();
            if (metadata.Weight != 0)
            {
                rest.Append(CultureInfo.InvariantCulture, $"{metadata.Weight:R}");
            }

            rest.Append(',').Append(metadata.ContentType is { } type ? Quote(type) : string.Empty).Append(',');
            if (expiresAt is { } at)
            {
                rest.Append(NdjsonLine.FormatTime(at));
            }

            var text = rest.ToString().TrimEnd(',');
            if (text.Length > 0)
            {
                to.Write(","u8);
                to.Write(Encoding.UTF8.GetBytes(text));
            }

            to.Write("\n"u8);
        }

        private static void WriteField(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> field)
        {
            if (field.IndexOfAny(",\"\r\n"u8) < 0)
            {
                to.Write(field);
                return;
            }

            to.Write(Encoding.UTF8.GetBytes(Quote(Encoding.UTF8.GetString(field))));
        }

        private static string Quote(string text) =>
            text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text
                : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
