using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Grains.Shards;
using Microsoft.Extensions.DependencyInjection;

namespace Dmt.Grains.Tests.Shards;

/// <summary>Replicas of shards on other silos.</summary>
public sealed class ShardReplicaTests
{
    private static readonly WriteOptions Strict = new() { Durability = Durability.Strict };
    private static readonly string[] Prefixes = [.. Enumerable.Range('a', 8).Select(static c => ((char)c).ToString())];

    [Fact]
    public async Task A_replica_answers_with_its_lag_and_the_silo_that_has_it_takes_the_shard_over()
    {
        await using var cluster = await ShardCluster.StartAsync(3, static options =>
        {
            options.Replicas = 1;
            options.ReplicaPollInterval = TimeSpan.FromMilliseconds(50);
            options.ReplicaKeepInterval = TimeSpan.FromMilliseconds(200);
        });
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        foreach (var prefix in Prefixes)
        {
            await client.PutAsync(KeyOf(prefix), "1"u8.ToArray(), Strict);
        }

        foreach (var prefix in Prefixes)
        {
            await UntilAsync(async () =>
                (await client.GetEventualAsync(KeyOf(prefix))).Entry is { } read && Text(read) == "1");
            Assert.True((await client.GetEventualAsync(KeyOf(prefix))).Lag >= TimeSpan.Zero);
        }

        // Whoever has the warm replica is the next owner.
        var lost = cluster.Cluster.Silos.First(silo => cluster.ShardsOf(silo).Any(static shard => shard != 1));
        var shards = cluster.ShardsOf(lost).Where(static shard => shard != 1).ToList();
        var warm = shards.ToDictionary(
            static shard => shard,
            shard => cluster.Cluster.Silos.Single(silo => ReplicasOf(cluster, silo).Contains($"{shard}/1")));
        await cluster.Cluster.KillSiloAsync(lost);
        foreach (var prefix in Prefixes)
        {
            await client.PutAsync(KeyOf(prefix), "2"u8.ToArray(), Strict);
        }

        foreach (var shard in shards)
        {
            Assert.Equal(warm[shard].SiloAddress, cluster.OwnerOf(shard)!.SiloAddress);
        }

        foreach (var prefix in Prefixes)
        {
            await UntilAsync(async () =>
                (await client.GetEventualAsync(KeyOf(prefix))).Entry is { } read && Text(read) == "2");
        }

        Assert.Equal(
            DmtErrorKind.InvalidArgument,
            (await Assert.ThrowsAsync<DmtException>(() => client.GetEventualAsync(KeyOf("a"), 0).AsTask())).Kind);
    }

    private static byte[] KeyOf(string prefix) => Key.FromText($"{prefix}/key");

    private static string Text(Entry entry) => Encoding.UTF8.GetString(entry.Value.Span);

    private static IEnumerable<string> ReplicasOf(ShardCluster cluster, Orleans.TestingHost.SiloHandle silo) =>
        cluster.ServicesOf(silo).GetRequiredService<LocalReplicas>().All.Select(static one => one.Key);

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await holds())
        {
            await timer.WaitForNextTickAsync(timeout.Token);
        }
    }
}
