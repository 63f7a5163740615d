using System.Text;
using System.Text.Json;
using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>
/// /admin: checkpoints and garbage. On the port of all other calls: whoever may delete every key needs no protection
/// from these; a proxy that is to tell the two apart refuses one prefix.
/// </summary>
internal sealed class AdminEndpoints(ApiServices api)
{
    private const string Tag = "Administration";
    private const string Checkpoints = "/admin/checkpoints";
    private const int BodyBytesMax = 4 << 10;

    private static readonly ApiParameter Name = new("name", "1 to 64 of a-z A-Z 0-9 - _ .");

    private static readonly ApiAnswer BadRequest = new(400, "The request is malformed", Problems.ContentType);

    private static readonly ApiAnswer Refused =
        new(503, "Fenced, closed, or the medium refuses", Problems.ContentType);

    private static readonly ApiAnswer NotSupported =
        new(501, "The store has neither checkpoints nor garbage", Problems.ContentType);

    private static readonly ApiCall Create = new("CreateCheckpoint", Tag, "Keep the present state under a name")
    {
        Description = "Everything that was acknowledged before is in it. Costs a flush and a small object.",
        Body = [new("application/json", "{\"name\": 1 to 64 of a-z A-Z 0-9 - _ .}")],
        Answers =
        [
            new(201, "The checkpoint", "application/json"),
            BadRequest,
            new(409, "There is one of that name", Problems.ContentType),
            NotSupported,
            Refused,
        ],
    };

    private static readonly ApiCall List =
        new("ListCheckpoints", Tag, "The checkpoints of the store, in order of names")
        {
            Answers = [new(200, "{\"checkpoints\": […]}", "application/json"), NotSupported, Refused],
        };

    private static readonly ApiCall Delete = new("DeleteCheckpoint", Tag, "Let a checkpoint go")
    {
        Description = "What only it needed is deleted.",
        Path = Name,
        Answers =
        [
            new(204, "It is gone"),
            BadRequest,
            new(404, "There is none of that name", Problems.ContentType),
            new(409, "A clone of the store needs it", Problems.ContentType),
            NotSupported,
            Refused,
        ],
    };

    private static readonly ApiCall Restore = new("RestoreCheckpoint", Tag, "Always refused: a running store cannot")
    {
        Description = "A restore opens the store anew: stop the server, then dmt checkpoint restore.",
        Path = Name,
        Answers = [new(409, "How to restore", Problems.ContentType)],
    };

    private static readonly ApiCall Collect = new("CollectGarbage", Tag, "Delete what nothing refers to")
    {
        Description = "Looks through all objects of the store. A running store does so itself, once a day.",
        Query =
        [
            new("dry_run", "Delete nothing, only say what would go.", "boolean"),
            new("min_age", "Spare what is younger: 0, 60s, 10m, 1h, 7d. Absent: 0 in a folder, 1h in a bucket."),
        ],
        Answers =
        [
            new(200, "{\"dry_run\": …, \"deleted\": […], \"waiting\": […]}", "application/json"),
            BadRequest,
            NotSupported,
            Refused,
        ],
    };

    private IStoreMaintenance Maintenance => api.Store as IStoreMaintenance ?? throw new HttpProblemException(
        StatusCodes.Status501NotImplemented, "NotSupported", "this store has neither checkpoints nor garbage");

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapCall(["GET"], Checkpoints, List, (context, _) => ListAsync(context));
        routes.MapCall(["POST"], Checkpoints, Create, (context, _) => CreateAsync(context));
        routes.MapCall(["DELETE"], Checkpoints + "/{name}", Delete, (context, _) => DeleteAsync(context));
        routes.MapCall(["POST"], Checkpoints + "/{name}/restore", Restore, (context, _) => RestoreAsync(context));
        routes.MapCall(["POST"], "/admin/gc", Collect, CollectAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        var all = await Maintenance.ListCheckpointsAsync(context.RequestAborted);
        await AnswerAsync(context, StatusCodes.Status200OK, all, MaintenanceJson.Write);
    }

    private async Task CreateAsync(HttpContext context)
    {
        RequestBody.RequireJson(context);
        string name;
        using (var body = await RequestBody.ReadAsync(context, BodyBytesMax, "body"))
        {
            name = ParseName(body.Memory.Span);
        }

        var info = await Maintenance.CheckpointAsync(name, context.RequestAborted);
        await AnswerAsync(context, StatusCodes.Status201Created, info, MaintenanceJson.Write);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        var name = NameOf(context);
        if (!await Maintenance.DeleteCheckpointAsync(name, context.RequestAborted))
        {
            throw new HttpProblemException(
                StatusCodes.Status404NotFound, "NotFound", $"there is no checkpoint \"{name}\"");
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static Task RestoreAsync(HttpContext context) => throw new HttpProblemException(
        StatusCodes.Status409Conflict,
        "Conflict",
        "a running server cannot restore: a restore opens the store anew. Stop the server, then "
            + $"dmt checkpoint restore {NameOf(context)} with --data DIR or --store s3://BUCKET/PREFIX");

    private async Task CollectAsync(HttpContext context, Query query)
    {
        var ageMin = query.Text("min_age") is not { } text ? (TimeSpan?)null
            : text == "0" ? TimeSpan.Zero
            : TimeToLive.Parse(text, "min_age");
        var report = await Maintenance.CollectGarbageAsync(query.Flag("dry_run"), ageMin, context.RequestAborted);
        await AnswerAsync(context, StatusCodes.Status200OK, report, MaintenanceJson.Write);
    }

    private static string NameOf(HttpContext context) => (string)context.Request.RouteValues["name"]!;

    private static Task AnswerAsync<T>(HttpContext context, int status, T state, Action<Utf8JsonWriter, T> write)
    {
        context.Response.Headers.CacheControl = "no-store";
        return JsonAnswer.WriteAsync(context, status, (state, write), static (json, given) =>
        {
            json.WriteStartObject();
            given.write(json, given.state);
            json.WriteEndObject();
        });
    }

    private static string ParseName(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        string? name = null;
        JsonText.Expect(
            reader.Read() && reader.TokenType == JsonTokenType.StartObject, "the body must be a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("name"u8))
            {
                throw DmtException.InvalidArgument(
                    $"unknown member \"{Encoding.UTF8.GetString(JsonText.Bytes(ref reader, "name"))}\": expected name");
            }

            reader.Read();
            JsonText.Expect(reader.TokenType == JsonTokenType.String, "name must be a string");
            name = Encoding.UTF8.GetString(JsonText.Bytes(ref reader, "name"));
        }

        reader.Read();
        return name ?? throw DmtException.InvalidArgument("the body has no name: expected {\"name\": text}");
    }
}
