using System.Text;
using System.Text.Json;
using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>/admin/shards: the shards of the store, split and merged by hand.</summary>
internal sealed class ShardEndpoints(ApiServices api)
{
    private const string Tag = "Administration";
    private const string Shards = "/admin/shards";

    /// <summary>A thousand long prefixes.</summary>
    private const int BodyBytesMax = 1 << 20;

    private static readonly ApiAnswer BadRequest =
        new(400, "The request is malformed, or what it names cannot be split or merged", Problems.ContentType);

    private static readonly ApiAnswer Refused =
        new(503, "Fenced, closed, snapshots are open, or the medium refuses", Problems.ContentType);

    private static readonly ApiAnswer NotSupported = new(501, "The store has no shards", Problems.ContentType);

    private static readonly ApiCall List = new("ListShards", Tag, "The shards of the store, in order of prefixes")
    {
        Description = "The root first, each parent before its children. Sizes of those that are open; opens none.",
        Answers = [new(200, "{\"shards\": […]}", "application/json"), NotSupported, Refused],
    };

    private static readonly ApiCall Split = new("SplitShard", Tag, "Make the keys under prefixes shards of their own")
    {
        Description = "All of them or none. Nothing is copied; writers of these keys wait for a moment.",
        Body =
        [
            new(
                "application/json",
                "{\"prefix\": text}, {\"prefixes\": [text]} or {\"prefixes_base64\": [base64]}: all in one shard, none "
                    + "under another"),
        ],
        Answers =
        [
            new(201, "{\"shards\": […]}, the new ones", "application/json"), BadRequest, NotSupported, Refused,
        ],
    };

    private static readonly ApiCall Merge = new("MergeShard", Tag, "Give the keys of a shard back to its parent")
    {
        Description = "Nothing is copied; writers of both wait for a moment.",
        Path = new("id", "The number of the shard, 2 or higher", "integer"),
        Answers =
        [
            new(204, "It is gone"),
            BadRequest,
            new(404, "There is none of that number", Problems.ContentType),
            NotSupported,
            Refused,
        ],
    };

    private IShardAdministration Administration =>
        api.Store as IShardAdministration ?? throw new HttpProblemException(
            StatusCodes.Status501NotImplemented, "NotSupported", "this store has no shards");

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapCall(["GET"], Shards, List, (context, _) => ListAsync(context));
        routes.MapCall(["POST"], Shards, Split, (context, _) => SplitAsync(context));
        routes.MapCall(["DELETE"], Shards + "/{id}", Merge, (context, _) => MergeAsync(context));
    }

    private async Task ListAsync(HttpContext context) => await AnswerAsync(
        context, StatusCodes.Status200OK, await Administration.ListShardsAsync(context.RequestAborted));

    private async Task SplitAsync(HttpContext context)
    {
        var administration = Administration;
        RequestBody.RequireJson(context);
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes;
        using (var body = await RequestBody.ReadAsync(context, BodyBytesMax, "body"))
        {
            prefixes = ParsePrefixes(body.Memory.Span);
        }

        var made = await administration.SplitShardAsync(prefixes, context.RequestAborted);
        await AnswerAsync(context, StatusCodes.Status201Created, made);
    }

    private async Task MergeAsync(HttpContext context)
    {
        var administration = Administration;
        var shard = ShardJson.ParseNumber((string)context.Request.RouteValues["id"]!);
        if (!await administration.MergeShardAsync(shard, context.RequestAborted))
        {
            throw new HttpProblemException(StatusCodes.Status404NotFound, "NotFound", $"there is no shard {shard}");
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static Task AnswerAsync(HttpContext context, int status, IReadOnlyList<ShardInfo> shards)
    {
        context.Response.Headers.CacheControl = "no-store";
        return JsonAnswer.WriteAsync(context, status, shards, static (json, shards) =>
        {
            json.WriteStartObject();
            ShardJson.Write(json, shards);
            json.WriteEndObject();
        });
    }

    private List<ReadOnlyMemory<byte>> ParsePrefixes(ReadOnlySpan<byte> body)
    {
        const string Expected = "expected one of prefix, prefixes, prefixes_base64";
        var reader = new Utf8JsonReader(body);
        List<ReadOnlyMemory<byte>>? prefixes = null;
        JsonText.Expect(
            reader.Read() && reader.TokenType == JsonTokenType.StartObject, "the body must be a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isOne = reader.ValueTextEquals("prefix"u8);
            var isBase64 = reader.ValueTextEquals("prefixes_base64"u8);
            if (!isOne && !isBase64 && !reader.ValueTextEquals("prefixes"u8))
            {
                throw DmtException.InvalidArgument(
                    $"unknown member \"{Encoding.UTF8.GetString(JsonText.Bytes(ref reader, "name"))}\": {Expected}");
            }

            JsonText.Expect(prefixes is null, $"the body says twice what to split: {Expected}");
            prefixes = [];
            reader.Read();
            if (isOne)
            {
                prefixes.Add(ReadPrefix(ref reader, isBase64: false));
                continue;
            }

            JsonText.Expect(reader.TokenType == JsonTokenType.StartArray, "prefixes must be an array");
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                prefixes.Add(ReadPrefix(ref reader, isBase64));
            }
        }

        reader.Read();
        return prefixes ?? throw DmtException.InvalidArgument($"the body has no prefix: {Expected}");
    }

    private byte[] ReadPrefix(ref Utf8JsonReader reader, bool isBase64)
    {
        JsonText.Expect(reader.TokenType == JsonTokenType.String, "a prefix must be a string");
        byte[]? prefix;
        if (!isBase64)
        {
            prefix = JsonText.Bytes(ref reader, "prefix");
            api.Keys.CheckKey(prefix, "prefix");
            return prefix;
        }

        JsonText.Expect(reader.TryGetBytesFromBase64(out prefix), "a prefix in prefixes_base64 is no base64");
        api.Keys.CheckBinaryKey(prefix, "prefix");
        return prefix;
    }
}
