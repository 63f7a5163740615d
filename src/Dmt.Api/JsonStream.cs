using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Dmt.Api;

/// <summary>
/// A JSON or NDJSON answer of any length, handed on as it is written, so that the memory it takes does not grow with
/// it. Once it has started, an error can only cut the connection.
/// </summary>
internal sealed class JsonStream : IDisposable
{
    public const string LinesContentType = "application/x-ndjson";

    private const int FlushBytes = 32 << 10;

    private readonly HttpContext _context;
    private long _bytesBefore;
    private long _bytesFlushed;

    private JsonStream(HttpContext context)
    {
        _context = context;
        Json = new Utf8JsonWriter(context.Response.BodyWriter, JsonAnswer.WriterOptions);
    }

    public Utf8JsonWriter Json { get; }

    private long BytesWritten => _bytesBefore + Json.BytesCommitted + Json.BytesPending;

    public static async Task<JsonStream> StartAsync(HttpContext context, string contentType)
    {
        context.Response.ContentType = contentType;
        await context.Response.StartAsync(context.RequestAborted);
        return new JsonStream(context);
    }

    /// <summary>Ends a line of NDJSON.</summary>
    public void EndLine()
    {
        Json.Flush();
        _bytesBefore += Json.BytesCommitted + 1;
        Json.Reset();
        var writer = _context.Response.BodyWriter;
        writer.GetSpan(1)[0] = (byte)'\n';
        writer.Advance(1);
    }

    /// <summary>Hands on what has been written once it is worth it; waits while the reader is slow.</summary>
    public ValueTask FlushIfLargeAsync() => BytesWritten - _bytesFlushed > FlushBytes ? FlushAsync() : default;

    public async ValueTask FlushAsync()
    {
        Json.Flush();
        _bytesFlushed = BytesWritten;
        await _context.Response.BodyWriter.FlushAsync(_context.RequestAborted);
    }

    public void Dispose() => Json.Dispose();
}
