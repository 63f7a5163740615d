using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dmt.Cli.Commands;

/// <summary>Answers as JSON on standard output: one object, one line.</summary>
internal static class JsonOutput
{
    /// <summary>Text stays readable: only what JSON itself needs is escaped.</summary>
    public static JsonWriterOptions WriterOptions { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes one object and a newline.</summary>
    public static async Task WriteAsync(CommandIo io, Action<Utf8JsonWriter> properties)
    {
        await using (var writer = new Utf8JsonWriter(io.Out, WriterOptions))
        {
            writer.WriteStartObject();
            properties(writer);
            writer.WriteEndObject();
        }

        await io.Out.WriteAsync("\n"u8.ToArray());
        await io.Out.FlushAsync();
    }
}
