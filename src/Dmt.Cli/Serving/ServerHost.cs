using System.Net;
using Dmt.Api;
using Dmt.Cli.Configuration;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Replication;
using Dmt.Hosting.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Serving;

/// <summary>
/// The server process: opens the store, serves it until told to stop, then stops accepting, lets running requests
/// finish, and closes the store, which flushes it. The store is opened before the port, so a port that answers has a
/// store behind it.
/// </summary>
internal static class ServerHost
{
    /// <summary>Serves until <paramref name="stop"/> is asked for.</summary>
    /// <exception cref="DmtException">Unavailable where the folder or the port is in use or the bucket out of reach;
    /// Corruption; and whatever else
    /// opening throws.</exception>
    public static async Task RunAsync(CommandIo io, ServeSettings settings, CancellationToken stop)
    {
        var options = settings.ToEngineOptions() with
        {
            Keyspaces = KeyspaceSettings.Parse(settings.Keyspaces),
            ShardBytesMax = settings.ShardBytesMax,
            ShardLoadMax = settings.ShardLoadMax,
        };
        await using var store = settings.HasRole
            ? await RoleOpening.OpenAsync(settings, options, io.Time, stop)
            : settings.ToBucket() is { } bucket
            ? await io.OpenBucket(bucket, options, stop)
            : await io.OpenFolder(settings.StoreName, options, stop);
        var started = false;
        await using var app = Build(settings, store, () => started);
        await HttpServer.StartAsync(app, settings.Host, settings.Port, "--port", stop);
        started = true;
        await using var replication = await StartReplicationAsync(settings, store, stop);
        await AnnounceAsync(io, settings, app, store, replication);
        try
        {
            if (store is TrieStore or RoleStore)
            {
                var fenced = store is RoleStore roles ? roles.WhenFenced : ((TrieStore)store).WhenFenced;
                var seen = await fenced.WaitAsync(stop);
                app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Dmt").LogError(
                    "fenced: {Seen}; reads and writes are refused until this process is restarted", seen);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, io.Time, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The one way a server ends.
        }

        await app.StopAsync(CancellationToken.None);
        if (replication is not null)
        {
            await replication.StopAsync(CancellationToken.None);
        }
    }

    /// <summary>A replica hears its main on a port of its own, also once it has been promoted.</summary>
    private static async ValueTask<WebApplication?> StartReplicationAsync(
        ServeSettings settings, ITrieStore store, CancellationToken stop)
    {
        if (!settings.IsReplica || store is not RoleStore roles)
        {
            return null;
        }

        var app = ReplicationServer.Build(settings, roles);
        try
        {
            await HttpServer.StartAsync(app, settings.Host, settings.ReplicationPort, "--replication-port", stop);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <param name="settings">What to run with.</param>
    /// <param name="store">What to serve; stays the caller's.</param>
    /// <param name="frameworkLogs">As <see cref="HttpServer.CreateBuilder"/>.</param>
    internal static WebApplication Build(ServeSettings settings, ITrieStore store, Func<bool> frameworkLogs)
    {
        var builder = HttpServer.CreateBuilder(settings, frameworkLogs);
        builder.Services.AddSingleton(store);
        var app = builder.Build();
        app.MapDmtApi();
        return app;
    }

    private static async Task AnnounceAsync(
        CommandIo io, ServeSettings settings, WebApplication app, ITrieStore store, WebApplication? replication)
    {
        if (store is RoleStore roles)
        {
            var host = settings.Host is "*" or "0.0.0.0" or "::" ? Dns.GetHostName() : settings.Host;
            roles.Url = settings.Url?.OriginalString ?? $"http://{host}:{HttpServer.AddressOf(app).Port}";
        }

        var role = replication is null
            ? ""
            : $" as a replica, hearing its main on port {HttpServer.AddressOf(replication).Port},";
        await using var text = io.Text();
        var url = HttpServer.UrlOf(app, settings);
        await text.WriteLineAsync(
            $"dmt {HttpServer.Version} serving {settings.StoreName}{role} on {url} (console: /)");
    }
}
