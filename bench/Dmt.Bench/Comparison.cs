using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Dmt.Bench.Peers;

namespace Dmt.Bench;

/// <summary>
/// Measures every installed peer in turn, round after round (so that what the machine does meanwhile meets all alike),
/// and takes medians.
/// </summary>
internal sealed class Comparison(BenchArguments arguments)
{
    public async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>>> RunAsync()
    {
        var peers = new List<string>();
        foreach (var name in arguments.Peers)
        {
            if (PeerCatalog.IsInstalled(name))
            {
                peers.Add(name);
            }
            else
            {
                await Console.Error.WriteLineAsync($"{name}: left out, {PeerCatalog.LibraryOf(name)} is not installed");
            }
        }

        var rounds = peers.ToDictionary(static name => name, static _ => new List<Dictionary<string, double>>());
        for (var round = 1; round <= arguments.Rounds; round++)
        {
            foreach (var name in peers)
            {
                await Console.Error.WriteLineAsync($"{name}: round {round} of {arguments.Rounds}");
                rounds[name].Add(await RunInChildAsync(name));
            }
        }

        return rounds.ToDictionary(
            static p => p.Key, static IReadOnlyDictionary<string, double> (p) => Medians(p.Value));
    }

    /// <summary>The process that this program starts for each peer and round.</summary>
    public static void RunChild(BenchArguments arguments)
    {
        var results = new PeerRun(arguments.Child!, arguments.Keys, arguments.ValueBytes).Run();
        Console.Out.WriteLine(JsonSerializer.Serialize(results));
    }

    private async Task<Dictionary<string, double>> RunInChildAsync(string name)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        }

        foreach (var argument in arguments.ForChild(name))
        {
            start.ArgumentList.Add(argument);
        }

        using var child = Process.Start(start)!;
        var output = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        return child.ExitCode == 0
            ? JsonSerializer.Deserialize<Dictionary<string, double>>(output)!
            : throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"{name} ended with exit code {child.ExitCode}"));
    }

    private static Dictionary<string, double> Medians(List<Dictionary<string, double>> rounds) =>
        rounds[0].Keys.ToDictionary(
            static workload => workload,
            workload =>
            {
                var sorted = rounds.Select(round => round[workload]).Order().ToList();
                return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
            });
}
