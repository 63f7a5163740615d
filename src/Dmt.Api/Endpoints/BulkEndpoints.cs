using System.Text.Json;
using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>
/// POST /bulk: a JSON object is one atomic batch, read to its end before anything is written. An NDJSON stream may have
/// any length; it is applied batch by batch as it comes, so what was applied before a bad line stays.
/// </summary>
internal sealed class BulkEndpoints(ApiServices api)
{
    private const int BatchLinesMax = 1000;
    private const int BatchBytesMax = 1 << 20;

    private static readonly ApiCall Bulk = new("Bulk", "Bulk", "Write many keys")
    {
        Description =
            "A JSON object is applied as a whole or not at all. An NDJSON stream is applied in batches of about 1,000 "
            + "lines or 1 MiB; when a line is bad, the answer names it and says how much was written before; that "
            + "stays.",
        Query = [ApiCall.Fsync],
        Body =
        [
            new(
                "application/json",
                "{key: value, ...}; text values are kept as text, others as their compact JSON with content type "
                + "application/json"),
            new(
                JsonStream.LinesContentType,
                "one object a line: {\"key\" or \"key_base64\": text, \"value\" or \"value_base64\": text, \"ttl\"?: "
                + "seconds, \"expires_at\"?: time, \"weight\"?: number, \"content_type\"?: text} or "
                + "{\"key\": text, \"delete\": true}"),
        ],
        Answers =
        [
            new(200, "{\"written\": n, \"deleted\": n}", "application/json"),
            new(
                400,
                "The JSON, a key or a value is malformed; for a stream with line, written, deleted",
                Problems.ContentType),
            new(413, "The body, or a value, is over the limit", Problems.ContentType),
            new(415, "Neither JSON nor NDJSON", Problems.ContentType),
        ],
    };

    public void Map(IEndpointRouteBuilder routes) => routes.MapCall(["POST"], "/bulk", Bulk, BulkAsync);

    private async Task BulkAsync(HttpContext context, Query query)
    {
        var type = context.Request.ContentType.AsSpan();
        type = (type.IndexOf(';') is var semicolon and >= 0 ? type[..semicolon] : type).Trim();
        var durability = query.Durability();
        if (type.Equals(JsonStream.LinesContentType, StringComparison.OrdinalIgnoreCase))
        {
            await LinesAsync(context, durability);
        }
        else if (type.Equals(EntryMetadata.JsonContentType, StringComparison.OrdinalIgnoreCase))
        {
            await ObjectAsync(context, durability);
        }
        else
        {
            throw new HttpProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                "UnsupportedMediaType",
                "the body must be application/json or application/x-ndjson");
        }
    }

    private async Task ObjectAsync(HttpContext context, Durability? durability)
    {
        using var body = await RequestBody.ReadAsync(context, api.Options.BodyBytesMax, "body");
        var batch = new WriteBatch(body.Memory.Length);
        using (var document = JsonDocument.Parse(body.Memory))
        {
            new BulkObject(api.Keys).AddTo(batch, document.RootElement);
        }

        if (batch.Count > 0)
        {
            await api.Store.WriteAsync(batch, durability, context.RequestAborted);
        }

        await AnswerAsync(context, batch.Count, 0);
    }

    private async Task LinesAsync(HttpContext context, Durability? durability)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }

        var batch = new WriteBatch(BatchBytesMax / 8);
        var line = new BulkLine(api.Keys, api.Time);
        using var lines = new LineReader(context.Request.Body, api.Options.BodyBytesMax);
        long written = 0, deleted = 0;
        try
        {
            var hasMore = true;
            while (hasMore)
            {
                hasMore = await lines.ReadAsync(context.RequestAborted);
                while (lines.TryTake(out var bytes))
                {
                    line.AddTo(batch, bytes.Span);
                    if (batch.Count >= BatchLinesMax || batch.UserBytes >= BatchBytesMax)
                    {
                        await ApplyAsync();
                    }
                }
            }

            await ApplyAsync();
        }
        catch (Exception e) when (e is DmtException or JsonException)
        {
            throw Failed(e, lines.Number, written, deleted);
        }

        await AnswerAsync(context, written, deleted);

        async Task ApplyAsync()
        {
            if (batch.Count > 0)
            {
                await api.Store.WriteAsync(batch, durability, context.RequestAborted);
                written += batch.Count - line.Deletes;
                deleted += line.Deletes;
                batch.Clear();
                line.Deletes = 0;
            }
        }
    }

    private static HttpProblemException Failed(Exception e, long line, long written, long deleted)
    {
        var error = e as DmtException ?? JsonText.Malformed((JsonException)e);
        var detail = $"line {line}: {error.Message}";
        return new(Problems.StatusOf(error.Kind, conditional: false), error.Kind.ToString(), detail, e)
        {
            Members = [new("line", line), new("written", written), new("deleted", deleted)],
        };
    }

    private static Task AnswerAsync(HttpContext context, long written, long deleted) =>
        JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, (written, deleted), static (json, counts) =>
        {
            json.WriteStartObject();
            json.WriteNumber("written", counts.written);
            json.WriteNumber("deleted", counts.deleted);
            json.WriteEndObject();
        });
}
