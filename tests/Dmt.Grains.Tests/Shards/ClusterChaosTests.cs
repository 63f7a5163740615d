using System.Globalization;
using System.Text;
using Dmt.Client;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Testing.Linearizability;
using Xunit.Abstractions;

namespace Dmt.Grains.Tests.Shards;

/// <summary>Silos are killed under load, and others come in their place.</summary>
public sealed class ClusterChaosTests(ITestOutputHelper output)
{
    private const int Clients = 12;
    private const int KeysPerPrefix = 4;
    private const int StandingKeys = 200;

    private static readonly WriteOptions Strict = new() { Durability = Durability.Strict };
    private static readonly string[] Prefixes = [.. Enumerable.Range('a', 12).Select(static c => ((char)c).ToString())];

    /// <summary>DMT_CLUSTER_KILLS kills; 3 where nothing is said.</summary>
    private static int Kills => int.TryParse(
        Environment.GetEnvironmentVariable("DMT_CLUSTER_KILLS"), CultureInfo.InvariantCulture, out var kills)
        ? kills
        : 3;

    [Fact]
    public async Task Killed_silos_cost_no_acknowledged_write_and_histories_are_linearizable()
    {
        await using var cluster = await ShardCluster.StartAsync();
        var setUp = cluster.NewClient();
        await ShardCluster.SplitAsync(setUp, Prefixes);
        for (var i = 0; i < StandingKeys; i++)
        {
            await setUp.PutAsync(StandingKey(i), "stands"u8.ToArray(), Strict);
        }

        var history = new HistoryRecorder();
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients)
            .Select(client => ClientAsync(cluster.NewClient(), client, history, stop.Token)).ToList();
        var scans = ScanAsync(cluster.NewClient(), stop.Token);
        var random = new Random(7);
        for (var kill = 0; kill < Kills; kill++)
        {
            await UntilMoreAsync(history, Clients * 40);
            var lost = cluster.Cluster.Silos[random.Next(cluster.Cluster.Silos.Count)];
            await cluster.Cluster.KillSiloAsync(lost);
            await UntilMoreAsync(history, Clients * 20);
            await cluster.Cluster.StartAdditionalSiloAsync();
        }

        await UntilMoreAsync(history, Clients * 40);
        await stop.CancelAsync();
        await Task.WhenAll(clients);
        var scanned = await scans;

        // What is there now is one more reader.
        foreach (var key in AllKeys())
        {
            var call = history.Begin(Clients, key, RegisterCall.Get);
            call.Ok(await setUp.GetTextAsync(key));
        }

        var calls = history.ToHistory();
        output.WriteLine(
            $"{Kills} kills, {calls.Count} calls, {calls.Count(static c => c.Outcome == RegisterOutcome.Unknown)} of "
            + $"unknown outcome, {scanned} whole scans");
        var result = LinearizabilityChecker.Check(calls);
        Assert.True(result.Verdict == LinearizabilityVerdict.Linearizable, result.Report);
        Assert.True(scanned > 0);
    }

    private static IEnumerable<string> AllKeys() =>
        Prefixes.SelectMany(static prefix => Enumerable.Range(0, KeysPerPrefix).Select(i => $"{prefix}/{i}"));

    private static byte[] StandingKey(int i) =>
        Key.FromText(string.Create(CultureInfo.InvariantCulture, $"{Prefixes[i % Prefixes.Length]}/standing/{i:D4}"));

    private static async Task ClientAsync(DmtClient store, int client, HistoryRecorder history, CancellationToken stop)
    {
        var random = new Random(client);
        var keys = AllKeys().ToArray();
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var key = keys[random.Next(keys.Length)];
            var value = $"{client}.{i}";
            var kind = random.Next(10) switch
            {
                < 5 => RegisterCall.Get,
                < 8 => RegisterCall.Put,
                8 => RegisterCall.Delete,
                _ => RegisterCall.CompareAndSet,
            };
            var call = history.Begin(client, key, kind, kind is RegisterCall.Get or RegisterCall.Delete ? null : value);
            try
            {
                await CallAsync(store, kind, key, value, call);
            }
            catch (DmtException e)
            {
                call.Not(HistoryRecorder.OutcomeOf(e));
            }
        }
    }

    private static async Task CallAsync(
        DmtClient store, RegisterCall kind, string key, string value, RecordedCall call)
    {
        switch (kind)
        {
            case RegisterCall.Get:
                call.Ok(await store.GetTextAsync(key));
                return;
            case RegisterCall.Put:
                await store.PutAsync(key, value, Strict);
                break;
            case RegisterCall.Delete:
                await store.DeleteAsync(Key.FromText(key), Strict);
                break;
            default:
                await store.PutAsync(key, value, Strict with { Condition = WriteCondition.Absent });
                break;
        }

        call.Ok();
    }

    /// <summary>Scans show keys in order, none twice, and all that were there throughout.</summary>
    private static async Task<int> ScanAsync(DmtClient store, CancellationToken stop)
    {
        var scans = 0;
        var standing =
            Enumerable.Range(0, StandingKeys).Select(i => Encoding.UTF8.GetString(StandingKey(i))).ToHashSet();
        while (!stop.IsCancellationRequested)
        {
            var seen = new List<string>();
            string? cursor = null;
            do
            {
                var page = await store.ScanAsync(
                    new ScanRequest { Limit = 23, KeysOnly = true, Cursor = cursor }, CancellationToken.None);
                seen.AddRange(page.Entries.Select(static entry => Encoding.UTF8.GetString(entry.Key.Span)));
                cursor = page.Cursor;
            }
            while (cursor is not null);

            for (var i = 1; i < seen.Count; i++)
            {
                Assert.True(string.CompareOrdinal(seen[i - 1], seen[i]) < 0, $"{seen[i - 1]} comes before {seen[i]}");
            }

            Assert.Empty(standing.Except(seen));
            scans++;
        }

        return scans;
    }

    private static async Task UntilMoreAsync(HistoryRecorder history, int calls)
    {
        var before = history.Count;
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (history.Count < before + calls)
        {
            await timer.WaitForNextTickAsync(timeout.Token);
        }
    }
}
