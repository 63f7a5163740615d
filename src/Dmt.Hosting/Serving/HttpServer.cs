using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Dmt.Api;
using Dmt.Core;
using Dmt.Hosting.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dmt.Hosting.Serving;

/// <summary>The web server that serves a store: what it listens on, logs and answers.</summary>
internal static class HttpServer
{
    /// <summary>Running requests get this long to finish when the server stops.</summary>
    public static readonly TimeSpan RequestsFinish = TimeSpan.FromSeconds(5);

    public static string Version { get; } =
        typeof(HttpServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>
    /// A builder with the API, the log on standard error and the port; an <see cref="ITrieStore"/> is to be added.
    /// </summary>
    /// <param name="settings">What to run with.</param>
    /// <param name="frameworkLogs">As <see cref="ServerLog.Configure"/>.</param>
    public static WebApplicationBuilder CreateBuilder(ServerSettings settings, Func<bool> frameworkLogs)
    {
        // Empty: nothing of ASP.NET Core's own configuration files and variables may change what the server does.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(
            kestrel => Listen(kestrel, settings.Host, settings.Port));
        ServerLog.Configure(builder.Logging, settings.LogLevel, frameworkLogs);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = RequestsFinish);

        // Signals are the program's: the framework's own handler would end the process a second time.
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.AddDmtApi(new ApiOptions
        {
            BodyBytesMax = (int)settings.BodyBytesMax,
            ConcurrencyMax = settings.ConcurrencyMax,
            KeyPolicy = settings.AlphanumericKeys ? KeyPolicy.Alphanumeric : KeyPolicy.Any,
            MaxRangeResponse = settings.MaxRangeResponse,
            ValueBytesMax = settings.ValueBytesMax,
        });
        return builder;
    }

    public static void Listen(KestrelServerOptions kestrel, string host, int port)
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

    /// <summary>Starts it.</summary>
    /// <param name="app">The server.</param>
    /// <param name="host">Where it listens, for messages.</param>
    /// <param name="port">Its port, for messages.</param>
    /// <param name="flag">The flag with which one chooses another port.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="DmtException">Unavailable where it cannot listen.</exception>
    public static async Task StartAsync(
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

    /// <summary>Where it listens, with the port that it took.</summary>
    public static Uri AddressOf(WebApplication app)
    {
        var server = app.Services.GetRequiredService<IServer>();
        var address = server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

        // Not every form of "all addresses" is one that can be parsed.
        return new Uri(address.Replace("//*", "//0.0.0.0", StringComparison.Ordinal)
            .Replace("//+", "//0.0.0.0", StringComparison.Ordinal));
    }

    /// <summary>The same, as people type it.</summary>
    public static string UrlOf(WebApplication app, ServerSettings settings)
    {
        var address = AddressOf(app);
        return settings.Host == "localhost" ? $"http://localhost:{address.Port}" : address.OriginalString;
    }
}
