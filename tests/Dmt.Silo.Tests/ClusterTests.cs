using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace Dmt.Silo.Tests;

/// <summary>
/// Three silos in processes of their own, with their membership and all data in one real bucket. What they print is how
/// long things took: <c>dotnet test … --logger 'console;verbosity=detailed'</c>.
/// </summary>
[Trait("Needs", "s3")]
public sealed class ClusterTests(ITestOutputHelper output)
{
    private static readonly string[] Prefixes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

    [Fact]
    public async Task Any_silo_takes_any_request()
    {
        using var cluster = new SiloCluster();
        await cluster.StartAsync(Prefixes);
        for (var silo = 0; silo < SiloCluster.Count; silo++)
        {
            foreach (var prefix in Prefixes)
            {
                using var written = await cluster[silo].Client.PutAsync(
                    $"/kv/{prefix}/{silo}", new StringContent($"by {silo}"));
                Assert.True(written.IsSuccessStatusCode, await written.Content.ReadAsStringAsync());
            }
        }

        string? first = null;
        for (var silo = 0; silo < SiloCluster.Count; silo++)
        {
            var client = cluster[silo].Client;
            Assert.Contains("\"ready\"", await client.GetStringAsync("/readyz"), StringComparison.Ordinal);
            var all = await client.GetStringAsync("/bulk/range?format=ndjson");
            Assert.Equal(Prefixes.Length * SiloCluster.Count, all.TrimEnd().Split('\n').Length);
            Assert.Equal(first ??= all, all);
            Assert.Equal("by 0", await client.GetStringAsync("/kv/l/0"));
        }
    }

    [Fact]
    public async Task Each_silo_is_restarted_in_turn_and_no_request_fails()
    {
        using var cluster = new SiloCluster();
        await cluster.StartAsync(Prefixes);
        for (var stopped = 0; stopped < SiloCluster.Count; stopped++)
        {
            var clients = Enumerable.Range(0, SiloCluster.Count).Where(silo => silo != stopped)
                .Select(silo => cluster[silo]).ToArray();
            var writers = Prefixes.Select(prefix => new ClusterWriter($"{prefix}/{stopped}", clients)).ToList();
            var running = Task.WhenAll(writers.Select(static writer => Task.Run(writer.RunAsync)));
            await MoreAsync(writers, 5);
            var clock = Stopwatch.StartNew();
            Assert.True(await cluster[stopped].StopAsync(ServerProcess.SigTerm) == 0, await cluster[stopped].Errors);
            var took = clock.Elapsed;
            Assert.Matches("^stopped: requests in .* shards? handed over in ", await cluster[stopped].Rest);
            output.WriteLine($"silo-{stopped}: {took.TotalSeconds:F1} s; {(await cluster[stopped].Rest).Trim()}");
            await MoreAsync(writers, 5);
            await cluster.StartAsync(stopped);
            await MoreAsync(writers, 5);
            writers.ForEach(static writer => writer.Stop());
            await running;
            Assert.Empty(writers.SelectMany(static writer => writer.Failures));
            output.WriteLine(
                $"{writers.Sum(static writer => writer.Acknowledged)} strict writes; the longest pause "
                + $"{writers.Max(static writer => writer.LongestPause()).TotalSeconds:F1} s");
            var stored = await StoredAsync(cluster[stopped]);
            writers.ForEach(writer => writer.Verify(stored));
        }
    }

    [Theory]
    [InlineData]
    [InlineData("--probe-timeout", "1s", "--probes-missed-max", "2")]
    public async Task A_silo_that_is_killed_loses_no_acknowledged_write_and_its_shards_go_on_elsewhere(
        params string[] flags)
    {
        using var cluster = new SiloCluster(flags);
        await cluster.StartAsync(Prefixes);
        var writers = Prefixes.Select(prefix => new ClusterWriter(prefix, cluster[1], cluster[2])).ToList();
        var running = Task.WhenAll(writers.Select(static writer => Task.Run(writer.RunAsync)));
        await MoreAsync(writers, 10);

        var killed = Stopwatch.GetTimestamp();
        await cluster[0].KillAsync();
        await MoreAsync(writers, 10);
        await cluster.StartAsync(0);
        await MoreAsync(writers, 10);
        writers.ForEach(static writer => writer.Stop());
        await running;

        var resumed = writers.Select(writer => writer.FirstAfter(killed).TotalSeconds).Order().ToList();
        output.WriteLine(
            $"{(flags.Length == 0 ? "default settings" : string.Join(' ', flags))}: "
            + $"{writers.Sum(static writer => writer.Acknowledged)} strict writes; from the kill to the next write of "
            + $"each of {Prefixes.Length} shards: {string.Join(' ', resumed.Select(static s => $"{s:F2}"))} s; "
            + $"failed {writers.Sum(static writer => writer.Failures.Count)}; "
            + $"load {File.ReadAllText("/proc/loadavg").Trim()}");
        foreach (var silo in Enumerable.Range(0, SiloCluster.Count))
        {
            var stored = await StoredAsync(cluster[silo]);
            writers.ForEach(writer => writer.Verify(stored));
        }
    }

    private static Task MoreAsync(IEnumerable<ClusterWriter> writers, int writes) =>
        Task.WhenAll(writers.Select(writer => writer.MoreAsync(writes)));

    private static async Task<Dictionary<string, string>> StoredAsync(ServerProcess silo)
    {
        var lines = await silo.Client.GetStringAsync("/bulk/range?format=ndjson");
        var stored = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var entry = JsonDocument.Parse(line);
            stored.Add(
                entry.RootElement.GetProperty("key").GetString()!, entry.RootElement.GetProperty("value").GetString()!);
        }

        return stored;
    }
}
