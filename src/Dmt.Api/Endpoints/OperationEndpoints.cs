using System.Text.Json;
using Dmt.Api.Console;
using Dmt.Api.Errors;
using Dmt.Api.Metrics;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>
/// What operators and their tools ask: health, readiness, metrics, statistics, sync, and the console.
/// </summary>
internal sealed class OperationEndpoints(ApiServices api, MetricsPage metrics, ConsolePage console)
{
    private const string Tag = "Operations";

    private static readonly ApiCall Health = new("Health", Tag, "Is the process alive?")
    {
        Answers = [new(200, "ok", "text/plain")],
    };

    private static readonly ApiCall Ready = new("Ready", Tag, "Does the server take requests?")
    {
        Answers =
        [
            new(200, "{\"status\": \"ready\", \"writes\": \"accepted\" or \"refused: why\"}", "application/json"),
            new(503, "Starting, stopping, fenced, or the store does not answer", Problems.ContentType),
        ],
    };

    private static readonly ApiCall Metrics = new("Metrics", Tag, "Metrics in Prometheus text format 0.0.4")
    {
        Answers = [new(200, "The metrics", "text/plain")],
    };

    private static readonly ApiCall Stat = new("Statistics", Tag, "Statistics of the store")
    {
        Answers = [new(200, "Levels, bytes, sequence, epoch and more", "application/json")],
    };

    private static readonly ApiCall Sync = new("Sync", Tag, "Wait until all acknowledged writes are durable")
    {
        Answers = [new(204, "They are"), new(503, "The medium refuses", Problems.ContentType)],
    };

    private static readonly ApiCall Promote = new("Promote", Tag, "Make this read replica the main")
    {
        Description = "The main until now is fenced. Answers when writes are taken here.",
        Query = [new("force", "Even where another replica that can be reached is ahead.", "boolean")],
        Answers =
        [
            new(200, "{\"replicas\": [{\"name\", \"connected\", \"sequence\", \"lag_operations\", "
                + "\"problem\"?}]}: the other replicas, before", "application/json"),
            new(400, "This server has no role", Problems.ContentType),
            new(409, "It is the main already, or another replica is ahead", Problems.ContentType),
            new(503, "It has no copy yet, or could not become the main", Problems.ContentType),
        ],
    };

    private static readonly ApiCall Console = new("Console", Tag, "The console, a page for people")
    {
        ChecksQuery = false,
        Answers = [new(200, "The page", "text/html")],
    };

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapCall(["GET", "HEAD"], "/healthz", Health, (context, _) => HealthAsync(context));
        routes.MapCall(["GET", "HEAD"], "/readyz", Ready, (context, _) => ReadyAsync(context));
        routes.MapCall(["GET"], "/metrics", Metrics, (context, _) => metrics.WriteAsync(context));
        routes.MapCall(["GET"], "/api/v1/stat", Stat, (context, _) => StatAsync(context));
        routes.MapCall(["POST"], "/api/v1/sync", Sync, (context, _) => SyncAsync(context));
        routes.MapCall(["POST"], "/api/v1/promote", Promote, PromoteAsync);
        routes.MapCall(["GET", "HEAD"], "/", Console, (context, _) => console.WriteAsync(context));
    }

    private static Task HealthAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync("ok", context.RequestAborted);
    }

    private async Task ReadyAsync(HttpContext context)
    {
        if (api.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw DmtException.Unavailable("the server is stopping");
        }

        if (!api.Lifetime.ApplicationStarted.IsCancellationRequested)
        {
            throw DmtException.Unavailable("the server is starting");
        }

        var writesRefused = await api.Readiness.CheckAsync(context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        await JsonAnswer.WriteAsync(context, 200, writesRefused, static (json, refused) =>
        {
            json.WriteStartObject();
            json.WriteString("status", "ready");
            json.WriteString("writes", refused is null ? "accepted" : "refused: " + refused);
            json.WriteEndObject();
        });
    }

    private async Task StatAsync(HttpContext context)
    {
        var statistics = await api.Store.StatAsync(context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, statistics, static (json, statistics) =>
            JsonSerializer.Serialize(json, statistics, ApiJsonContext.Default.StoreStatistics));
    }

    private async Task PromoteAsync(HttpContext context, Query query)
    {
        if (api.Store is not IRoleStore roles)
        {
            throw DmtException.InvalidArgument("this server stands alone: only a read replica can be promoted");
        }

        // Not cancelled when the caller goes away: half a promotion helps nobody.
        var others = await roles.PromoteAsync(query.Flag("force"), CancellationToken.None);
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, others, static (json, others) =>
        {
            json.WriteStartObject();
            json.WriteStartArray("replicas");
            foreach (var other in others)
            {
                JsonSerializer.Serialize(json, other, ApiJsonContext.Default.ReplicaStatistics);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private async Task SyncAsync(HttpContext context)
    {
        await api.Store.SyncAsync(context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
