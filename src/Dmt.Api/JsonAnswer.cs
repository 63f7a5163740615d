using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Dmt.Api;

/// <summary>Small JSON answers, written whole with their length. For pages see <see cref="JsonStream"/>.</summary>
internal static class JsonAnswer
{
    public const string ContentType = "application/json; charset=utf-8";

    /// <summary>Text stays readable UTF-8; the answers are never part of a page of HTML.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
#if !DEBUG
        SkipValidation = true,
#endif
    };

    /// <summary>Writes an answer that fits in memory many times over.</summary>
    public static async Task WriteAsync<T>(HttpContext context, int status, T state, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(buffer, WriterOptions))
        {
            write(json, state);
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = ContentType;
        context.Response.ContentLength = buffer.WrittenCount;
        await context.Response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted);
    }
}
