using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>/kv?match=: keys by any of their segments; /admin/keyspaces: whose keys can be searched so.</summary>
internal sealed class MatchEndpoints(ApiServices api)
{
    private const string Tag = "Administration";

    private static readonly ApiAnswer NotSupported = new(501, "The store has no keyspaces", Problems.ContentType);

    private static readonly ApiAnswer NotReady =
        new(503, "The copies are being built, or cannot be brought up to date", Problems.ContentType);

    private static readonly ApiCall Match = new("MatchKeys", "Ranges", "Find keys by any of their segments")
    {
        Description = "As fast as by a prefix, whichever segments are fixed. The keys come in an order of their own, "
            + "which is the same for the same segments.",
        Query =
        [
            new(
                "match",
                "The pattern: one part for each segment, * for any, with the keyspace's separator between them (/ "
                    + "where segments have widths). \\* is a star, \\\\ a backslash, \\xHH a byte."),
            new("keyspace", "The name of the keyspace; may be left out where there is only one."),
            new("values", "The values too.", "boolean"),
            new("limit", "Most keys; unless given as many as a page may have.", "integer"),
            ApiCall.Cursor,
            new(
                "consistency",
                "strong (the default): waits until every write acknowledged before is in the copies. eventual: does "
                    + "not wait; lag_ms says how far back."),
        ],
        Answers =
        [
            new(
                200,
                "{\"results\": [{\"key\" or \"key_base64\", and with values what a range has}], \"cursor\"?: text, "
                    + "\"lag_ms\": n}; only a missing cursor ends the search",
                "application/json"),
            new(400, "The pattern, the keyspace or another parameter is malformed", Problems.ContentType),
            NotSupported,
            NotReady,
        ],
    };

    private static readonly ApiCall List = new("ListKeyspaces", Tag, "The keyspaces, in order of names")
    {
        Answers =
        [
            new(
                200,
                "{\"keyspaces\": [{\"name\", \"prefix\", \"separator\" and \"segments\" or \"widths\", \"copies\", "
                    + "\"built\", \"lag_ms\", \"keys_too_long\", \"problem\"?}]}",
                "application/json"),
            NotSupported,
        ],
    };

    private static readonly ApiCall Rebuild = new(
        "RebuildKeyspace", Tag, "Make the copies of a keyspace again from its keys")
    {
        Description = "In the background. Until it is done strong searches wait and eventual ones are refused.",
        Path = new("name", "The keyspace"),
        Answers =
        [
            new(202, "It has begun"),
            new(404, "There is none of that name", Problems.ContentType),
            NotSupported,
            NotReady,
        ],
    };

    private IKeyspaceSearch Keyspaces =>
        api.Store as IKeyspaceSearch ?? throw new HttpProblemException(
            StatusCodes.Status501NotImplemented, "NotSupported", "this store has no keyspaces");

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapCall(["GET"], "/kv", Match, MatchAsync);
        routes.MapCall(["GET"], "/admin/keyspaces", List, (context, _) => ListAsync(context));
        routes.MapCall(
            ["POST"], "/admin/keyspaces/{name}/rebuild", Rebuild, (context, _) => RebuildAsync(context));
    }

    private async Task MatchAsync(HttpContext context, Query query)
    {
        var keyspaces = Keyspaces;
        var max = api.Options.MaxRangeResponse;
        var request = new MatchRequest
        {
            Pattern = query.Text("match")
                ?? throw DmtException.InvalidArgument("match is missing: expected a pattern, such as */books/*"),
            Keyspace = query.Text("keyspace"),
            WithValues = query.Flag("values"),
            Limit = (int)query.Limit(max, max),
            Cursor = query.Text("cursor"),
            IsStrong = query.Text("consistency") switch
            {
                null or "strong" => true,
                "eventual" => false,
                _ => throw DmtException.InvalidArgument("consistency must be eventual or strong"),
            },
        };
        var found = await keyspaces.MatchAsync(request, context.RequestAborted);
        using var page = await JsonStream.StartAsync(context, JsonAnswer.ContentType);
        page.Json.WriteStartObject();
        page.Json.WriteStartArray("results");
        foreach (var (key, entry) in found.Results)
        {
            if (entry is { } present)
            {
                RangeEndpoints.WritePair(page.Json, new KeyEntry(key, present));
            }
            else
            {
                page.Json.WriteStartObject();
                RangeEndpoints.WriteKey(page.Json, key.Span);
                page.Json.WriteEndObject();
            }

            await page.FlushIfLargeAsync();
        }

        page.Json.WriteEndArray();
        if (found.Cursor is not null)
        {
            page.Json.WriteString("cursor", found.Cursor);
        }

        page.Json.WriteNumber("lag_ms", found.LagMs);
        page.Json.WriteEndObject();
        await page.FlushAsync();
    }

    private async Task ListAsync(HttpContext context)
    {
        var all = await Keyspaces.ListKeyspacesAsync(context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, all, static (json, all) =>
        {
            json.WriteStartObject();
            KeyspaceJson.Write(json, all);
            json.WriteEndObject();
        });
    }

    private async Task RebuildAsync(HttpContext context)
    {
        var name = (string)context.Request.RouteValues["name"]!;
        if (!await Keyspaces.RebuildKeyspaceAsync(name, context.RequestAborted))
        {
            throw new HttpProblemException(StatusCodes.Status404NotFound, "NotFound", $"there is no keyspace {name}");
        }

        context.Response.StatusCode = StatusCodes.Status202Accepted;
    }
}
