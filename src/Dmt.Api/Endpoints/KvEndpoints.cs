using System.Globalization;
using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Dmt.Core.Keys;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>/kv/{key}: one key, its raw value, compare-and-set by entity tag.</summary>
internal sealed class KvEndpoints(ApiServices api)
{
    public const string ExpiresHeader = "X-Dmt-Expires";
    public const string WeightHeader = "X-Dmt-Weight";

    private static readonly ApiParameter KeyParameter = new(
        "key", "The key: everything after /kv/, percent-decoded. May hold / as it is or as %2F.");

    private static readonly ApiAnswer BadRequest =
        new(400, "The key, a parameter or a header is malformed", Problems.ContentType);

    private static readonly ApiAnswer PreconditionFailed = new(
        412, "The condition does not hold; current_version says what is there", Problems.ContentType);

    private static readonly ApiCall Get = new("GetValue", "Keys and values", "Get a value")
    {
        Description = "The raw value, in the content type it was put with. ETag is its version; X-Dmt-Expires says "
            + "when it expires, X-Dmt-Weight what it weighs, where it does.",
        Path = KeyParameter,
        Query = [ApiCall.Consistency],
        Headers = [new("If-None-Match", "Entity tags the reader has: answers 304 when one is current.")],
        Answers =
        [
            new(200, "The value", "*/*"), new(304, "The reader has it already"), BadRequest,
            new(404, "The key is absent, deleted or expired", Problems.ContentType),
        ],
    };

    private static readonly ApiCall Put = new("PutValue", "Keys and values", "Put a value")
    {
        Description = "The body is the value. Content-Type is kept with it. Replaces all that the key held, weight "
        + "and expiry included.",
        Path = KeyParameter,
        Query =
        [
            new("ttl", "Time to live: seconds, or with a unit: 500ms, 30s, 5m, 2h, 7d."),
            new("weight", "For searches by weight: a number of at least 0; 0 unless given.", "number"),
            ApiCall.Fsync,
        ],
        Headers =
        [
            new("If-Match", "Write only over this version, or with * over any."),
            new("If-None-Match", "*: write only where the key is absent."),
        ],
        Body = [new("application/octet-stream", "The value, of any content type")],
        Answers =
        [
            new(204, "Written; ETag is the new version"), new(201, "Written as a new key (with If-None-Match: *)"),
            BadRequest,
            PreconditionFailed, new(413, "The value is over the limit", Problems.ContentType),
        ],
    };

    private static readonly ApiCall Delete = new("DeleteValue", "Keys and values", "Delete a key")
    {
        Path = KeyParameter,
        Query = [ApiCall.Fsync],
        Headers = [new("If-Match", "Delete only this version, or with * only a key that exists.")],
        Answers = [new(204, "The key is absent now"), BadRequest, PreconditionFailed],
    };

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapCall(["GET", "HEAD"], "/kv/{key}", Get, GetAsync);
        routes.MapCall(["PUT"], "/kv/{key}", Put, PutAsync);
        routes.MapCall(["POST"], "/kv/{key}", Put with { Id = "PostValue" }, PutAsync);
        routes.MapCall(["DELETE"], "/kv/{key}", Delete, DeleteAsync);
    }

    private async Task GetAsync(HttpContext context, Query query)
    {
        var key = ReadKey(context);
        api.CheckConsistency(query);
        if (await api.Store.GetAsync(key, context.RequestAborted) is not { } entry)
        {
            await Problems.WriteAsync(context, 404, "NotFound", $"there is no key \"{Key.ToDisplay(key)}\"", []);
            return;
        }

        var response = context.Response;
        var etag = Preconditions.ETag(entry.Version);
        response.Headers.ETag = etag;
        if (entry.ExpiresAt is { } expires)
        {
            response.Headers[ExpiresHeader] =
                expires.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        }

        var noneMatch = context.Request.Headers.IfNoneMatch;
        if (noneMatch.Count > 0 && Preconditions.IsNotModified(noneMatch, etag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        // What a user has stored must not run as a page of this origin, where the console lives.
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentSecurityPolicy = "sandbox; default-src 'none'";
        var metadata = EntryMetadata.Decode(entry.Metadata.Span);
        if (metadata.Weight != 0)
        {
            response.Headers[WeightHeader] = metadata.Weight.ToString(CultureInfo.InvariantCulture);
        }

        response.ContentType = metadata.ContentType ?? EntryMetadata.DefaultContentType;
        response.ContentLength = entry.Value.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.BodyWriter.WriteAsync(entry.Value, context.RequestAborted);
        }
    }

    private async Task PutAsync(HttpContext context, Query query)
    {
        var key = ReadKey(context);
        var condition = Preconditions.ForWrite(context.Request);
        var options = new WriteOptions
        {
            Condition = condition,
            Durability = query.Durability(),
            TimeToLive = query.Text("ttl") is { } ttl ? TimeToLive.Parse(ttl) : null,
            Metadata = new EntryMetadata(
                EntryMetadata.CheckContentType(context.Request.ContentType), query.Weight()).Encode(),
        };
        using var value = await RequestBody.ReadAsync(context, api.Keys.ValueBytesMax, "value");
        var version = await api.Store.PutAsync(key, value.Memory, options, context.RequestAborted);
        context.Response.Headers.ETag = Preconditions.ETag(version);
        context.Response.StatusCode = condition.Kind == WriteCondition.Kinds.Absent
            ? StatusCodes.Status201Created
            : StatusCodes.Status204NoContent;
    }

    private async Task DeleteAsync(HttpContext context, Query query)
    {
        var key = ReadKey(context);
        var options = new WriteOptions
        {
            Condition = Preconditions.ForWrite(context.Request),
            Durability = query.Durability(),
        };
        await api.Store.DeleteAsync(key, options, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private byte[] ReadKey(HttpContext context)
    {
        var key = KeyPath.Read(context, KeyPath.Kv, "key") ?? throw HttpProblemException.NoSuchAddress();
        api.Keys.CheckKey(key);
        return key;
    }
}
