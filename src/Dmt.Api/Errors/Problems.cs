using System.Buffers;
using System.Text.Json;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Dmt.Api.Errors;

/// <summary>
/// Every error as problem details (RFC 9457): type, title, status, detail, and <c>kind</c>, which programs can rely on.
/// </summary>
internal static class Problems
{
    public const string ContentType = "application/problem+json";

    /// <summary>Seconds after which a refused client may try again.</summary>
    private const string RetryAfter = "1";

    /// <summary>The HTTP status of an error of the store.</summary>
    public static int StatusOf(DmtErrorKind kind, bool conditional) => kind switch
    {
        DmtErrorKind.InvalidArgument => StatusCodes.Status400BadRequest,
        DmtErrorKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        DmtErrorKind.Conflict => conditional ? StatusCodes.Status412PreconditionFailed : StatusCodes.Status409Conflict,
        DmtErrorKind.NotOwner => StatusCodes.Status421MisdirectedRequest,
        DmtErrorKind.Fenced or DmtErrorKind.Unavailable or DmtErrorKind.Closed =>
            StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    public static Task WriteAsync(HttpContext context, DmtException e) => WriteAsync(
        context,
        StatusOf(e.Kind, Preconditions.AreGiven(context.Request)),
        e.Kind.ToString(),
        e.Message,
        e.Kind == DmtErrorKind.Conflict ? [new("current_version", (long)e.CurrentVersion)] : []);

    /// <summary>The answer to a status that something else has set, such as routing.</summary>
    public static Task WriteStatusAsync(HttpContext context, int status) => status switch
    {
        StatusCodes.Status404NotFound =>
            WriteAsync(context, status, "NotFound", "there is no such address; see /openapi/v1.json", []),
        StatusCodes.Status405MethodNotAllowed => WriteAsync(
            context,
            status,
            "MethodNotAllowed",
            $"{context.Request.Method} is not allowed here: expected {context.Response.Headers.Allow}",
            []),
        _ => WriteAsync(
            context, status, status >= 500 ? "Internal" : "InvalidArgument", ReasonPhrases.GetReasonPhrase(status), []),
    };

    public static async Task WriteAsync(
        HttpContext context, int status, string kind, string detail, IReadOnlyList<KeyValuePair<string, long>> members)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-store";
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            response.Headers.RetryAfter = RetryAfter;
        }

        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, JsonAnswer.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("type", "about:blank");
            json.WriteString("title", ReasonPhrases.GetReasonPhrase(status));
            json.WriteNumber("status", status);
            json.WriteString("kind", kind);
            json.WriteString("detail", detail);
            foreach (var (name, value) in members)
            {
                json.WriteNumber(name, value);
            }

            json.WriteEndObject();
        }

        response.ContentLength = buffer.WrittenCount;
        await response.StartAsync(context.RequestAborted);
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted);
        }
    }
}
