using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Dmt.Api;
using Dmt.Cli.Configuration;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Replication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Serving;

/// <summary>
/// The server process: opens the store, serves it until told to stop, then stops accepting, lets running requests
/// finish, and closes the store, which flushes it. The store is opened before the port, so a port that answers has a
/// store behind it.
/// </summary>
internal static class ServerHost
{
    /// <summary>
    /// Running requests get this long to finish; the flush needs its share of the 10 s that a clean end may take.
    /// </summary>
    private static readonly TimeSpan RequestsFinish = TimeSpan.FromSeconds(5);

    public static string Version { get; } =
        typeof(ServerHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>Serves until <paramref name="stop"/> is asked for.</summary>
    /// <exception cref="DmtException">Unavailable where the folder or the port is in use or the bucket out of reach;
    /// Corruption; and whatever else
    /// opening throws.</exception>
    public static async Task RunAsync(CommandIo io, ServeSettings settings, CancellationToken stop)
    {
        var options = new EngineOptions
        {
            CacheBytes = settings.CacheSize,
            Compression = settings.Compression,
            DiskCacheBytes = settings.DiskCacheSize,
            DiskCacheDirectory = settings.CacheFolder,
            Durability = settings.Fsync,
            Keyspaces = KeyspaceSettings.Parse(settings.Keyspaces),
            KFactor = settings.KFactor,
            MemtableBytes = settings.MemtableSize,
            ValueBytesMax = settings.ValueBytesMax,
        };
        await using var store = settings.HasRole
            ? await RoleOpening.OpenAsync(settings, options, io.Time, stop)
            : settings.ToBucket() is { } bucket
            ? await io.OpenBucket(bucket, options, stop)
            : await io.OpenFolder(settings.StoreName, options, stop);
        var started = false;
        await using var app = Build(settings, store, () => started);
        await StartAsync(app, settings.Host, settings.Port, "--port", stop);
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
            await StartAsync(app, settings.Host, settings.ReplicationPort, "--replication-port", stop);
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
    /// <param name="frameworkLogs">
    /// False keeps the framework silent: an error at the start is told once, in one line, by the program.
    /// </param>
    internal static WebApplication Build(ServeSettings settings, ITrieStore store, Func<bool> frameworkLogs)
    {
        // Empty: nothing of ASP.NET Core's own configuration files and variables may change what the server does.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(
            kestrel => Listen(kestrel, settings.Host, settings.Port));
        builder.Logging.SetMinimumLevel(settings.LogLevel);
        var frameworkLevel = Max(settings.LogLevel, LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft", level => level >= frameworkLevel && frameworkLogs());
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = RequestsFinish);

        // Signals are the program's: the framework's own handler would end the process a second time.
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.AddSingleton(store);
        builder.Services.AddDmtApi(new ApiOptions
        {
            BodyBytesMax = (int)settings.BodyBytesMax,
            ConcurrencyMax = settings.ConcurrencyMax,
            KeyPolicy = settings.AlphanumericKeys ? KeyPolicy.Alphanumeric : KeyPolicy.Any,
            MaxRangeResponse = settings.MaxRangeResponse,
            ValueBytesMax = settings.ValueBytesMax,
        });
        var app = builder.Build();
        app.MapDmtApi();
        return app;
    }

    internal static void Listen(KestrelServerOptions kestrel, string host, int port)
    {
        switch (host)
        {
            case "localhost" when port > 0:
                kestrel.ListenLocalhost(port);
                break;
            case "localhost":
                kestrel.Listen(IPAddress.Loopback, 0);
                break;
            case "*":
                kestrel.ListenAnyIP(port);
                break;
            default:
                kestrel.Listen(IPAddress.Parse(host), port);
                break;
        }
    }

    private static async Task StartAsync(
        WebApplication app, string host, int port, string flag, CancellationToken stop)
    {
        try
        {
            await app.StartAsync(stop);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw DmtException.Unavailable(
                $"port {port} on {host} is in use: stop what listens there, or choose another with {flag}", e);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw DmtException.Unavailable($"cannot listen on {host} port {port}: {e.Message}", e);
        }
    }

    private static async Task AnnounceAsync(
        CommandIo io, ServeSettings settings, WebApplication app, ITrieStore store, WebApplication? replication)
    {
        var address = AddressOf(app);
        var url = settings.Host == "localhost" ? $"http://localhost:{address.Port}" : address.OriginalString;
        if (store is RoleStore roles)
        {
            var host = settings.Host is "*" or "0.0.0.0" or "::" ? Dns.GetHostName() : settings.Host;
            roles.Url = settings.Url?.OriginalString ?? $"http://{host}:{address.Port}";
        }

        var role = replication is null ? "" : $" as a replica, hearing its main on port {AddressOf(replication).Port},";
        await using var text = io.Text();
        await text.WriteLineAsync($"dmt {Version} serving {settings.StoreName}{role} on {url} (console: /)");
    }

    private static Uri AddressOf(WebApplication app)
    {
        var server = app.Services.GetRequiredService<IServer>();
        var address = server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

        // Not every form of "all addresses" is one that can be parsed.
        return new Uri(address.Replace("//*", "//0.0.0.0", StringComparison.Ordinal)
            .Replace("//+", "//0.0.0.0", StringComparison.Ordinal));
    }

    private static LogLevel Max(LogLevel a, LogLevel b) => a > b ? a : b;

    internal sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
