using System.Diagnostics;
using System.Globalization;
using Dmt.Api;
using Dmt.Client;
using Dmt.Contracts;
using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Hosting;
using Dmt.Hosting.Serving;
using Dmt.Silo.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dmt.Silo.Serving;

/// <summary>
/// The process: joins the cluster, then opens the port, so that a port that answers has a cluster behind it. When it is
/// to stop, it first stops taking requests, then hands its shards over, then leaves the cluster.
/// </summary>
internal static class SiloServer
{
    /// <summary>What the last steps may take beyond the time that the hand-over has.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Serves until <paramref name="stop"/> is asked for.</summary>
    /// <param name="settings">What to run with.</param>
    /// <param name="addGrainStorage">Puts the state of grains elsewhere.</param>
    /// <param name="explain">What is wrong with that storage, when the start failed; null where something else is.
    /// </param>
    /// <param name="output">Standard output.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="DmtException">Unavailable where the bucket is out of reach, or a port in use.</exception>
    public static async Task<int> RunAsync(
        SiloSettings settings,
        Action<ISiloBuilder> addGrainStorage,
        Func<Exception, string?> explain,
        TextWriter output,
        CancellationToken stop)
    {
        var started = false;
        using var telemetry = settings.OtlpEndpoint is { } endpoint ? new Telemetry(endpoint, settings) : null;
        using var silo = SiloHost.Build(settings, addGrainStorage, () => started);
        await StartAsync(silo, settings, explain, stop);
        var self = silo.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        await using var bucket = settings.Store is null ? null : SiloHost.OpenStore(settings);
        await using var app = BuildApp(settings, silo.Services, self, bucket, () => started);
        try
        {
            await PreSplit.RunAsync(silo.Services.GetRequiredService<DmtClient>(), settings.KFactor, stop);
            await HttpServer.StartAsync(app, settings.Host, settings.Port, "--port", stop);
        }
        catch
        {
            await silo.StopAsync(CancellationToken.None);
            throw;
        }

        started = true;
        await output.WriteLineAsync(
            $"dmt-silo {HttpServer.Version} serving {settings.StoreName} on {HttpServer.UrlOf(app, settings)} as "
            + $"{settings.Name} ({self.Endpoint}) of cluster {settings.ClusterId} (console: /)");
        await output.FlushAsync(stop);
        var ended = silo.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        await WhenAnyAsync(stop, ended);
        return await StopAsync(settings, app, silo, self, output)
            && !(ended.IsCancellationRequested && !stop.IsCancellationRequested)
            ? ExitCodes.Ok
            : ExitCodes.Unavailable;
    }

    private static async Task StartAsync(
        IHost silo, SiloSettings settings, Func<Exception, string?> explain, CancellationToken stop)
    {
        try
        {
            await silo.StartAsync(stop);
        }
        catch (Exception e) when (explain(e) is { } failure)
        {
            throw DmtException.Unavailable(
                $"{settings.Name} cannot join cluster {settings.ClusterId}: grain_storage is {settings.GrainStorage}, "
                + $"and {failure}",
                e);
        }
        catch (Exception e) when (Cause(e) is { } cause)
        {
            throw cause.Kind == DmtErrorKind.InvalidArgument ? cause : new DmtException(
                cause.Kind, $"{settings.Name} cannot join cluster {settings.ClusterId}: {cause.Message}", e);
        }
    }

    /// <summary>What DMT said, beneath what Orleans wrapped around it.</summary>
    private static DmtException? Cause(Exception error) => error switch
    {
        DmtException known => known,
        AggregateException many => many.InnerExceptions.Select(Cause).FirstOrDefault(static e => e is not null),
        HttpRequestException => null, // A connection that went out, not one of the silo's own ports.
        System.Net.Sockets.SocketException socket => DmtException.Unavailable(
            $"silo_port or gateway_port cannot be listened on: {socket.Message}", socket),
        _ => error.InnerException is { } inner ? Cause(inner) : null,
    };

    private static WebApplication BuildApp(
        SiloSettings settings, IServiceProvider silo, SiloAddress self, IObjectStore? bucket, Func<bool> frameworkLogs)
    {
        var builder = HttpServer.CreateBuilder(settings, frameworkLogs);
        builder.Services.AddSingleton(silo.GetRequiredService<ITrieStore>());
        builder.Services.AddSingleton<IReadiness>(new SiloReadiness(
            silo.GetRequiredService<IClusterMembershipService>(), self, bucket, TimeProvider.System));
        var app = builder.Build();
        app.MapDmtApi();
        return app;
    }

    /// <summary>Stops, within a bounded time.</summary>
    /// <returns>Whether all shards were handed over.</returns>
    private static async Task<bool> StopAsync(
        SiloSettings settings, WebApplication app, IHost silo, SiloAddress self, TextWriter output)
    {
        var clock = Stopwatch.StartNew();
        await app.StopAsync(CancellationToken.None);
        var requests = clock.Elapsed;
        var shards = await CountShardsAsync(silo.Services, self);
        clock.Restart();
        var isInTime = true;
        try
        {
            await silo.StopAsync(CancellationToken.None).WaitAsync(settings.StopTimeout + Grace);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            isInTime = false;
        }

        isInTime &= clock.Elapsed < settings.StopTimeout;
        var (part, rest) = isInTime
            ? ("", "")
            : ("not all of ", "; whoever opens the others replays their log (stop_timeout)");
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"stopped: requests in {requests.TotalSeconds:F1} s, {part}{shards} handed over in "
            + $"{clock.Elapsed.TotalSeconds:F1} s{rest}"));
        await output.FlushAsync();
        return isInTime;
    }

    private static async Task<string> CountShardsAsync(IServiceProvider silo, SiloAddress self)
    {
        try
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            var node = await silo.GetRequiredService<IGrainFactory>()
                .GetGrain<INodeGrain>(self.ToParsableString()).DescribeAsync(timeout.Token)
                .AsTask().WaitAsync(timeout.Token);
            return $"{node.Shards.Length} {(node.Shards.Length == 1 ? "shard" : "shards")}";
        }
        catch (Exception e) when (e is OrleansException or OperationCanceledException or DmtException)
        {
            // The number is for people; a silo that lost its cluster still stops.
            return "the shards";
        }
    }

    private static async Task WhenAnyAsync(params CancellationToken[] tokens)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var registrations = tokens.Select(token => token.Register(() => asked.TrySetResult())).ToList();
        await asked.Task;
        registrations.ForEach(static registration => registration.Dispose());
    }
}
