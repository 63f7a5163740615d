// Dmt.Cluster.Bench [--callers N] [--milliseconds N] [--rounds N] [--messages N] [--batch N]:
// throughput of a client process to one silo process.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Dmt.Client;
using Dmt.Cluster.Bench;
using Dmt.Engine;
using Dmt.Engine.Objects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

if (args is ["silo", var folder, var siloPort, var gatewayPort])
{
    await BenchSilo.RunAsync(folder, siloPort, gatewayPort);
    return 0;
}

var (callers, milliseconds, rounds) = (64, 300, 25);
var options = new DmtClientOptions();
for (var i = 0; i < args.Length; i += 2)
{
    if (i + 1 == args.Length
        || !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
    {
        return Usage();
    }

    switch (args[i])
    {
        case "--callers":
            callers = number;
            break;
        case "--milliseconds":
            milliseconds = number;
            break;
        case "--rounds":
            rounds = number;
            break;
        case "--messages":
            options.MessagesMax = number;
            break;
        case "--batch":
            options.CallsPerMessageMax = number;
            break;
        default:
            return Usage();
    }
}

var directory = Directory.CreateTempSubdirectory("dmt-cluster-bench-");
var (silo, gateway) = (FreePort(), FreePort());
using var child = Process.Start(new ProcessStartInfo(
    Environment.ProcessPath!, ["silo", Path.Combine(directory.FullName, "silo"), $"{silo}", $"{gateway}"])
{
    RedirectStandardInput = true,
    RedirectStandardOutput = true,
})!;
try
{
    var said = await child.StandardOutput.ReadLineAsync();
    if (said != BenchSilo.Ready)
    {
        throw new InvalidOperationException($"the silo did not start: {said}");
    }

    await MeasureAsync();
}
finally
{
    child.StandardInput.Close();
    if (!child.WaitForExit(TimeSpan.FromSeconds(30)))
    {
        child.Kill();
    }

    directory.Delete(recursive: true);
}

return 0;

async Task MeasureAsync()
{
    var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
    builder.UseOrleansClient(client => client.UseLocalhostClustering(gateway));
    builder.Services.AddDmtClient(client =>
        (client.MessagesMax, client.CallsPerMessageMax) = (options.MessagesMax, options.CallsPerMessageMax));
    using var host = builder.Build();
    await host.StartAsync();
    var store = host.Services.GetRequiredService<DmtClient>();
    await Workload.LoadAsync(store);
    await using var embedded = await TrieStore.OpenAsync(
        new DirectoryObjectStore(Path.Combine(directory.FullName, "embedded"), TimeProvider.System));
    await Workload.LoadAsync(embedded);
    Console.WriteLine($"{callers} callers, {rounds} rounds of {milliseconds} ms; medians, ratios within a round");
    Console.WriteLine("| call | keys/s | of no-op | of single calls, a message each | of single calls |");
    Console.WriteLine("|---|---|---|---|---|");
    var grains = host.Services.GetRequiredService<IGrainFactory>();
    var alone = new DmtClient(grains, new DmtClientOptions { MessagesMax = 1024, CallsPerMessageMax = 1 });
    foreach (var workloads in Workload.Groups(grains.GetGrain<INoOpGrain>(0), store, alone, embedded))
    {
        var run = new ThroughputRun(workloads, callers, TimeSpan.FromMilliseconds(milliseconds));
        var measured = await run.RunAsync(rounds);
        for (var i = 0; i < workloads.Count; i++)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {workloads[i].Name} | {Median(row => row[i]):N0} | {Of(i, 0)} | {Of(i, 1)} | {Of(i, 2)} |"));
        }

        string Of(int i, int single) => single > i || workloads[single].Keys > 1
            ? ""
            : Median(row => row[i] / row[single]).ToString("0.00", CultureInfo.InvariantCulture);

        double Median(Func<double[], double> of) => measured.Select(of).Order().ElementAt(measured.Count / 2);
    }

    await host.StopAsync();
}

static int FreePort()
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    return ((IPEndPoint)listener.LocalEndpoint).Port;
}

static int Usage()
{
    Console.Error.WriteLine(
        "Dmt.Cluster.Bench: expected [--callers N] [--milliseconds N] [--rounds N] [--messages N] [--batch N]");
    return 2;
}
