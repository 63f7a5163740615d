using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// A main and two replicas under writes, in a bucket with shards that are carved and merged meanwhile: a replica is
/// killed and comes back three times, then the main is killed and a replica promoted. DMT_REPLICA_SECONDS says how long
/// they write (8), DMT_SEED which writes and moments.
/// </summary>
public sealed class ReplicaTests(ITestOutputHelper output)
{
    private const int Writers = 4;
    private const int Restarts = 3;
    private const int SigStop = 19;
    private const int SigCont = 18;

    /// <summary>What is split, or, where it is a shard, merged, one at each half of a restart. Each writer's keys stay
    /// within one shard: its batches are atomic.</summary>
    private static readonly string[][] Changes = [["w0/"], ["w1/", "w2/"], ["w0/"], ["w"], ["w0/", "w3/"], ["w1/"]];

    [Fact]
    public Task Replicas_in_folders_equal_their_main_and_one_takes_over_without_loss() => RunAsync(isBucket: false);

    [Fact]
    [Trait("Needs", "s3")]
    public Task Replicas_of_a_bucket_equal_their_main_and_one_takes_over_without_loss() => RunAsync(isBucket: true);

    [Fact]
    public async Task A_replica_reads_names_its_main_to_writers_and_shows_its_lag()
    {
        using var servers = new ReplicaServers(isBucket: false);
        await servers.StartAsync(1, isReplica: true);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await servers[1].Client.GetAsync("/readyz")).StatusCode);
        await servers.StartAsync(0, isReplica: false);
        await servers.UntilReadyAsync(0, writes: true);
        await PutAsync(servers[0], "a", "1");
        await servers.UntilHasAsync(1, 1);

        using var answer = await servers[1].Client.GetAsync("/kv/a?consistency=eventual");
        Assert.Equal("1", await answer.Content.ReadAsStringAsync());
        var lag = Assert.Single(answer.Headers.GetValues("X-Dmt-Lag-Ms"));
        Assert.True(long.Parse(lag, CultureInfo.InvariantCulture) >= 0);
        Assert.Equal(answer.Headers.ETag, (await servers[0].Client.GetAsync("/kv/a")).Headers.ETag);
        Assert.Equal(HttpStatusCode.OK, (await servers[0].Client.GetAsync("/kv/a?consistency=strong")).StatusCode);
        Assert.Equal(
            HttpStatusCode.MisdirectedRequest,
            (await servers[1].Client.GetAsync("/kv/a?consistency=strong")).StatusCode);
        using var refused = await servers[1].Client.PutAsync("/kv/a", new StringContent("2"));
        Assert.Equal(HttpStatusCode.MisdirectedRequest, refused.StatusCode);
        Assert.Contains(
            $"read replica of {servers[0].Url}", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var metrics = await servers[1].Client.GetStringAsync("/metrics");
        Assert.Contains("dmt_replica_lag_seconds", metrics, StringComparison.Ordinal);
        Assert.Contains("dmt_is_replica 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public Task A_main_over_a_folder_that_wakes_up_after_a_promotion_is_fenced() => WakeUpAsync(isBucket: false);

    [Fact]
    [Trait("Needs", "s3")]
    public Task A_main_of_a_bucket_that_wakes_up_after_a_promotion_is_fenced() => WakeUpAsync(isBucket: true);

    private static async Task WakeUpAsync(bool isBucket)
    {
        using var servers = new ReplicaServers(isBucket);
        await servers.StartAsync(1, isReplica: true);
        await servers.StartAsync(2, isReplica: true);
        await servers.StartAsync(0, isReplica: false);
        await servers.UntilReadyAsync(0, writes: true);
        await PutAsync(servers[0], "before", "1");
        await servers.UntilHasAsync(1, 1);
        await servers.UntilHasAsync(2, 1);
        servers[0].Signal(SigStop);
        var promoted = await servers.PromoteAsync(1);
        Assert.True(promoted.ExitCode == 0, $"{promoted}");
        await servers.UntilReadyAsync(1, writes: true);
        await PutAsync(servers[1], "after", "2");
        servers[0].Signal(SigCont);

        await UntilFencedAsync(servers[0]);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await servers[0].Client.GetAsync("/readyz")).StatusCode);
        await AssertEqualAsync(servers, 1, 2);
        Assert.Equal(HttpStatusCode.NotFound, (await servers[1].Client.GetAsync("/kv/late")).StatusCode);
        Assert.Equal("1", await servers[1].Client.GetStringAsync("/kv/before"));
    }

    private async Task RunAsync(bool isBucket)
    {
        var (seed, clock) = (Seed.Next(), Stopwatch.StartNew());
        output.WriteLine($"{Seed.Variable}={seed}");
        var random = new Random(seed);
        using var servers = new ReplicaServers(isBucket);
        await servers.StartAsync(1, isReplica: true);
        await servers.StartAsync(2, isReplica: true);
        await servers.StartAsync(0, isReplica: false);
        await servers.UntilReadyAsync(0, writes: true);
        await servers.UntilReadyAsync(1, writes: false);
        await servers.UntilReadyAsync(2, writes: false);

        var writers = Enumerable.Range(0, Writers).Select(i => new StrictWriter(i, random.Next())).ToList();
        var length = TimeSpan.FromSeconds(Seed.Number("DMT_REPLICA_SECONDS") ?? 8);
        List<long> lags = [];
        var kill = new KillSwitch(servers[0], int.MaxValue, TimeSpan.Zero);
        var writing = Task.WhenAll(
            writers.Select(writer => Task.Run(() => writer.WriteAsync(servers[0].Client, kill))));
        var writingClock = Stopwatch.StartNew();
        for (var restart = 0; restart < Restarts; restart++)
        {
            await WatchLagAsync(servers, 1, length / (2 * Restarts), lags);
            await ChangeShardsAsync(servers, isBucket, Changes[2 * restart]);
            await servers[2].KillAsync();
            await WatchLagAsync(servers, 1, length / (2 * Restarts), lags);
            await ChangeShardsAsync(servers, isBucket, Changes[(2 * restart) + 1]);
            await servers.StartAsync(2, isReplica: true);
        }

        Assert.False(writing.IsCompleted, "a writer has ended before the main was killed");
        await servers[0].KillAsync();
        await writing;
        var took = writingClock.Elapsed;
        output.WriteLine(
            $"{writers.Sum(w => w.Acknowledged)} strict writes in {took.TotalSeconds:F1} s; lag of the replica, "
                + $"{lags.Count} looks: median {lags.Order().ElementAt(lags.Count / 2)} ms, most {lags.Max()} ms");

        var main = await PromoteFurthestAsync(servers, isBucket);
        var stored = await StoredEntries.ReadAsync(servers[main].Client);
        writers.ForEach(writer => writer.Verify(stored, $"after the promotion ({Seed.Variable}={seed})"));
        await AssertEqualAsync(servers, main, 3 - main);
        await AssertOldMainIsFencedAsync(servers, isBucket, main);
        await AssertEqualAsync(servers, main, 3 - main);
        var shards = await servers.ShardsAsync(main);
        Assert.Equal(isBucket ? ["", "w", "w0/", "w2/", "w3/"] : [""], shards.Keys);
        Assert.Equal(shards, await servers.ShardsAsync(3 - main));
        output.WriteLine($"{clock.Elapsed.TotalSeconds:F0} s in all");
    }

    private static async Task ChangeShardsAsync(ReplicaServers servers, bool isBucket, string[] prefixes)
    {
        var shards = await servers.ShardsAsync(0);
        if (shards.TryGetValue(prefixes[0], out var shard))
        {
            using var merged = await servers[0].Client.DeleteAsync($"/admin/shards/{shard}");
            Assert.Equal(HttpStatusCode.NoContent, merged.StatusCode);
            return;
        }

        using var split = await servers[0].Client.PostAsJsonAsync("/admin/shards", new { prefixes });
        Assert.Equal(isBucket ? HttpStatusCode.Created : HttpStatusCode.BadRequest, split.StatusCode);
    }

    private static async Task WatchLagAsync(ReplicaServers servers, int server, TimeSpan time, List<long> lags)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < time;)
        {
            var replication = (await servers.StatAsync(server)).GetProperty("replication");
            if (replication.GetProperty("lag_ms") is { ValueKind: JsonValueKind.Number } lag)
            {
                lags.Add(lag.GetInt64());
            }

            await Task.Delay(50);
        }
    }

    /// <summary>The one that is behind refuses, over folders; the other one is then the main.</summary>
    private static async Task<int> PromoteFurthestAsync(ReplicaServers servers, bool isBucket)
    {
        await servers.UntilReadyAsync(2, writes: false);
        var promoted = await servers.PromoteAsync(2);
        if (promoted.ExitCode == 0)
        {
            return 2;
        }

        Assert.False(isBucket, $"{promoted}");
        Assert.True(promoted.ExitCode == 1, $"{promoted}");
        Assert.Contains("another replica is ahead", promoted.Error, StringComparison.Ordinal);
        var other = await servers.PromoteAsync(1);
        Assert.True(other.ExitCode == 0, $"{other}");
        return 1;
    }

    private static async Task AssertEqualAsync(ReplicaServers servers, int main, int replica)
    {
        await servers.UntilReadyAsync(main, writes: true);
        var end = $"of it, on {replica}, at {Stopwatch.GetTimestamp()}";
        await PutAsync(servers[main], "the-end", end);
        await servers.UntilShowsAsync(replica, "the-end", end);
        Assert.Equal(
            await servers[main].Client.GetStringAsync("/bulk/range?format=ndjson"),
            await servers[replica].Client.GetStringAsync("/bulk/range?format=ndjson"));
    }

    /// <summary>It takes nothing as what it was; as a replica of the new main it is.</summary>
    private static async Task AssertOldMainIsFencedAsync(ReplicaServers servers, bool isBucket, int main)
    {
        try
        {
            await servers.StartAsync(0, isReplica: false);
            Assert.False(isBucket, "it took the bucket over");

            // The new main did not answer in the time that is given to it.
            await UntilFencedAsync(servers[0]);
        }
        catch (Xunit.Sdk.XunitException e) when (e.Message.Contains("is the main now", StringComparison.Ordinal))
        {
            // It asked before it began.
        }

        if (isBucket)
        {
            await servers.StartAsync(0, isReplica: true);
            await servers.UntilReadyAsync(0, writes: false);
            await AssertEqualAsync(servers, main, 0);
        }
    }

    /// <summary>An old main is fenced when it and the new one speak, and takes nothing before.</summary>
    private static async Task UntilFencedAsync(ServerProcess main)
    {
        string body;
        do
        {
            (var status, body) = await TryPutAsync(main, "late");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        }
        while (!body.Contains("\"kind\":\"Fenced\"", StringComparison.Ordinal));
    }

    private static async Task<(HttpStatusCode Status, string Body)> TryPutAsync(ServerProcess server, string key)
    {
        using var content = new StringContent("late");
        using var answer = await server.Client.PutAsync($"/kv/{key}?fsync=strict", content);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static async Task PutAsync(ServerProcess server, string key, string value)
    {
        using var content = new StringContent(value);
        using var answer = await server.Client.PutAsync($"/kv/{key}?fsync=strict", content);
        Assert.True(answer.IsSuccessStatusCode, $"{answer} {await answer.Content.ReadAsStringAsync()}");
    }
}
