using System.Globalization;
using Dmt.Client;
using Dmt.Engine.Objects;
using Dmt.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dmt.Cluster.Bench;

/// <summary>The child process: one silo over a folder, until its standard input ends.</summary>
internal static class BenchSilo
{
    public const string Ready = "ready";

    public static async Task RunAsync(string folder, string siloPort, string gatewayPort)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Error);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(
                    int.Parse(siloPort, CultureInfo.InvariantCulture),
                    int.Parse(gatewayPort, CultureInfo.InvariantCulture))
                .AddDmtShards(_ => new DirectoryObjectStore(folder, TimeProvider.System));
            silo.Services.AddDmtClient();
        });
        using var host = builder.Build();
        await host.StartAsync();
        Console.WriteLine(Ready);
        await Console.In.ReadToEndAsync();
        await host.StopAsync();
    }
}
