using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Dmt.Api;
using Dmt.Cli.Configuration;
using Dmt.Core;
using Dmt.Engine;
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
            KFactor = settings.KFactor,
            MemtableBytes = settings.MemtableSize,
            ValueBytesMax = settings.ValueBytesMax,
        };
        await using var store = settings.ToBucket() is { } bucket
            ? await io.OpenBucket(bucket, options, stop)
            : await io.OpenFolder(settings.StoreName, options, stop);
        var started = false;
        await using var app = Build(settings, store, () => started);
        await StartAsync(app, settings, stop);
        started = true;
        await AnnounceAsync(io, settings, app);
        try
        {
            if (store is TrieStore engine)
            {
                var seen = await engine.WhenFenced.WaitAsync(stop);
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
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, settings));
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

    private static void Listen(KestrelServerOptions kestrel, ServeSettings settings)
    {
        switch (settings.Host)
        {
            case "localhost" when settings.Port > 0:
                kestrel.ListenLocalhost(settings.Port);
                break;
            case "localhost":
                kestrel.Listen(IPAddress.Loopback, 0);
                break;
            case "*":
                kestrel.ListenAnyIP(settings.Port);
                break;
            default:
                kestrel.Listen(IPAddress.Parse(settings.Host), settings.Port);
                break;
        }
    }

    private static async Task StartAsync(WebApplication app, ServeSettings settings, CancellationToken stop)
    {
        try
        {
            await app.StartAsync(stop);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw DmtException.Unavailable(
                $"port {settings.Port} on {settings.Host} is in use: stop what listens there, or choose another with "
                    + $"--port", e);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw DmtException.Unavailable($"cannot listen on {settings.Host} port {settings.Port}: {e.Message}", e);
        }
    }

    private static async Task AnnounceAsync(CommandIo io, ServeSettings settings, WebApplication app)
    {
        var server = app.Services.GetRequiredService<IServer>();
        var address = server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        var url = settings.Host == "localhost" ? $"http://localhost:{new Uri(address).Port}" : address;
        await using var text = io.Text();
        await text.WriteLineAsync($"dmt {Version} serving {settings.StoreName} on {url} (console: /)");
    }

    private static LogLevel Max(LogLevel a, LogLevel b) => a > b ? a : b;

    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
