using Dmt.Cli.Configuration;
using Dmt.Core;
using Dmt.Engine.Replication;
using Dmt.Hosting.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Serving;

/// <summary>
/// The port where a replica hears its main: one address, messages in, answers out. It asks nobody who they are: it
/// belongs on a network that only the servers of this store can reach.
/// </summary>
internal static class ReplicationServer
{
    public const string Path = "/replication/v1";

    /// <summary>A message may hold a whole batch of the largest size.</summary>
    private const long BodyBytesMax = 1100L << 20;

    public static WebApplication Build(ServeSettings settings, RoleStore store)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
            HttpServer.Listen(kestrel, settings.Host, settings.ReplicationPort);
        });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.AddRouting();
        var app = builder.Build();
        app.MapPost(Path, context => AnswerAsync(context, store));
        return app;
    }

    private static async Task AnswerAsync(HttpContext context, RoleStore store)
    {
        using var body = new MemoryStream((int)Math.Clamp(context.Request.ContentLength ?? 0, 0, BodyBytesMax));
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        try
        {
            var answer = await store.HandleAsync(
                body.GetBuffer().AsMemory(0, (int)body.Length), context.RequestAborted);
            context.Response.ContentType = "application/octet-stream";
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer, context.RequestAborted);
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Corruption or DmtErrorKind.Unavailable)
        {
            // Not a message, or one of another version: nothing of it was applied.
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync(e.Message, context.RequestAborted);
        }
    }
}
