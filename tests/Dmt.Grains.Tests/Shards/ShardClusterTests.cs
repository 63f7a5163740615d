using System.Text;
using Dmt.Client;
using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Grains.Placement;
using Dmt.Grains.Shards;
using Microsoft.Extensions.DependencyInjection;

namespace Dmt.Grains.Tests.Shards;

/// <summary>Shards as grains on real silos.</summary>
public sealed class ShardClusterTests
{
    private static readonly WriteOptions Strict = new() { Durability = Durability.Strict };
    private static readonly string[] Prefixes = [.. Enumerable.Range('a', 16).Select(static c => ((char)c).ToString())];

    [Fact]
    public async Task Shards_live_where_the_placement_says_and_more_than_one_silo_has_some()
    {
        await using var cluster = await ShardCluster.StartAsync();
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        await WriteAsync(client, "1");

        var silos = cluster.Cluster.Silos.Select(static silo => silo.SiloAddress).Order().ToArray();
        var homes = cluster.ServicesOf(cluster.Cluster.Silos[0]).GetRequiredService<ShardHomes>();
        foreach (var shard in await client.ListShardsAsync())
        {
            if (cluster.OwnerOf(shard.Shard) is { } owner)
            {
                Assert.Equal(homes.Of(shard.Prefix, 1, silos)[0], owner.SiloAddress);
            }
        }

        Assert.True(cluster.Cluster.Silos.Count(silo => cluster.ShardsOf(silo).Count > 0) > 1);
    }

    [Fact]
    public async Task A_silo_that_joins_gets_its_share_without_a_failed_call()
    {
        await using var cluster = await ShardCluster.StartAsync(2);
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        await WriteAsync(client, "1");

        using var stop = new CancellationTokenSource();
        var load = LoadAsync(client, stop.Token);
        var added = await cluster.Cluster.StartAdditionalSiloAsync();
        await UntilAsync(() => cluster.ShardsOf(added).Count > 0 && AllAtHome(cluster));
        await stop.CancelAsync();
        Assert.True(await load > 0);
        await AssertAllAsync(client);
    }

    [Fact]
    public async Task A_shard_refuses_what_no_client_of_ours_would_send()
    {
        await using var cluster = await ShardCluster.StartAsync(1);
        var grain = cluster.Cluster.GrainFactory.GetGrain<IShardGrain>(GrainKeys.OfShard(ShardMap.Root));
        byte[] reserved = [.. Enumerable.Repeat((byte)0xFF, 8)];
        ShardWrite[] wrong =
        [
            new() { Kind = ShardWriteKind.Put, Key = reserved },
            new() { Kind = ShardWriteKind.Delete, Key = reserved },
            new() { Kind = ShardWriteKind.Put },
            Batch(new WriteOperation { Kind = WriteOperationKind.Put, Key = reserved }),
            Batch(new WriteOperation { Kind = WriteOperationKind.Put }),
            Batch(new WriteOperation { Kind = WriteOperationKind.Delete, Key = new byte[Key.BytesMax + 1] }),
            Batch(new WriteOperation { Kind = WriteOperationKind.DeleteRange, Key = reserved, HasNoEnd = true }),
            new() { Kind = ShardWriteKind.Batch, Value = new byte[] { 77 } },
        ];
        foreach (var write in wrong)
        {
            var error = await Assert.ThrowsAsync<DmtException>(async () => await grain.WriteAsync(write));
            Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        }

        Assert.Equal(0UL, (await grain.DescribeAsync()).LastSequence);

        static ShardWrite Batch(in WriteOperation operation)
        {
            var bytes = new byte[operation.EncodedBytesMax];
            return new ShardWrite { Kind = ShardWriteKind.Batch, Value = bytes.AsMemory(0, operation.Encode(bytes)) };
        }
    }

    [Fact]
    public async Task A_checkpoint_has_every_shard_of_every_silo_and_is_restored_by_one_process()
    {
        await using var cluster = await ShardCluster.StartAsync();
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        await WriteAsync(client, "1");
        var made = await client.CheckpointAsync("kept");
        await WriteAsync(client, "2");
        Assert.True(made.Tables > Prefixes.Length, $"{made.Tables} tables");
        Assert.Equal(["kept"], (await client.ListCheckpointsAsync()).Select(static one => one.Name));
        var error = await Assert.ThrowsAsync<DmtException>(async () => await client.CheckpointAsync("kept"));
        Assert.Equal(DmtErrorKind.Conflict, error.Kind);
        await Assert.ThrowsAsync<DmtException>(async () => await client.CheckpointAsync("no/name"));

        var garbage = await client.CollectGarbageAsync(dryRun: true);
        Assert.True(garbage.IsDryRun);
        Assert.Empty(garbage.Deleted);
        foreach (var silo in cluster.Cluster.Silos.ToList())
        {
            await cluster.Cluster.StopSiloAsync(silo);
        }

        var options = new Engine.EngineOptions { RestoreFrom = "kept" };
        await using var restored = await Engine.TrieStore.OpenAsync(cluster.Bucket.OpenSibling("store"), options);
        foreach (var prefix in Prefixes.Append("z"))
        {
            var entry = await restored.GetAsync(Encoding.UTF8.GetBytes($"{prefix}/key"));
            Assert.Equal("1", Encoding.UTF8.GetString(entry!.Value.Value.Span));
        }

        Assert.True(await restored.DeleteCheckpointAsync("kept"));
    }

    [Fact]
    public async Task A_graceful_stop_of_each_silo_in_turn_fails_no_call()
    {
        await using var cluster = await ShardCluster.StartAsync();
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        await WriteAsync(client, "1");

        using var stop = new CancellationTokenSource();
        var load = LoadAsync(client, stop.Token);
        foreach (var silo in cluster.Cluster.Silos.ToList())
        {
            await cluster.Cluster.StartAdditionalSiloAsync();
            await cluster.Cluster.StopSiloAsync(silo);
        }

        await stop.CancelAsync();
        Assert.True(await load > 0);
        await AssertAllAsync(client);
    }

    [Fact]
    public async Task What_was_strictly_acknowledged_outlives_the_silo()
    {
        await using var cluster = await ShardCluster.StartAsync();
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        await WriteAsync(client, "1");
        var lost = cluster.Cluster.Silos.First(silo => cluster.ShardsOf(silo).Count > 0);
        await cluster.Cluster.KillSiloAsync(lost);
        await AssertAllAsync(client);
        await WriteAsync(client, "2");
        await AssertAllAsync(client, "2");
    }

    [Fact]
    public async Task A_shard_that_another_process_opens_is_fenced_here_and_nothing_is_lost()
    {
        await using var cluster = await ShardCluster.StartAsync();
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        await WriteAsync(client, "1");
        var shard = (await client.ListShardsAsync())
            .First(one => one.Shard != ShardMap.Root && cluster.OwnerOf(one.Shard) is not null);
        var owner = cluster.OwnerOf(shard.Shard)!;
        var incarnation = cluster.NodeOf(owner).Incarnation;

        // As after a partition: a second host has opened the shard, and the first does not know.
        await using (var other = await Engine.ShardNode.StartAsync(cluster.Bucket.OpenSibling("store")))
        {
            var stolen = (await other.OpenAsync(shard.Shard)).Shard!;
            var key = Key.FromText(Encoding.UTF8.GetString(shard.Prefix.Span) + "/stolen");
            await stolen.PutAsync(key, "there"u8.ToArray(), Strict);

            await WriteAsync(client, "2");
            await AssertAllAsync(client, "2");
            Assert.Equal("there", await client.GetTextAsync(Encoding.UTF8.GetString(key)));
        }

        Assert.NotEqual(incarnation, cluster.NodeOf(owner).Incarnation);
    }

    [Fact]
    public async Task Shards_are_merged_over_silos()
    {
        await using var cluster = await ShardCluster.StartAsync();
        var client = cluster.NewClient();
        await ShardCluster.SplitAsync(client, Prefixes);
        await WriteAsync(client, "1");
        foreach (var shard in (await client.ListShardsAsync()).Where(static one => one.Shard != ShardMap.Root))
        {
            Assert.True(await client.MergeShardAsync(shard.Shard));
            Assert.False(await client.MergeShardAsync(shard.Shard));
        }

        Assert.Single(await client.ListShardsAsync());
        await AssertAllAsync(client);
        Assert.Equal(
            DmtErrorKind.InvalidArgument,
            (await Assert.ThrowsAsync<DmtException>(() => client.MergeShardAsync(1).AsTask())).Kind);
    }

    [Fact]
    public async Task Shards_that_grow_are_carved()
    {
        await using var cluster = await ShardCluster.StartAsync(3, static options =>
        {
            options.ShardBytesMax = 64 << 10;
            options.BalanceInterval = TimeSpan.FromMilliseconds(200);
            options.Engine = options.Engine with { MemtableBytes = 64 << 10, BlockBytes = 512 };
        });
        var client = cluster.NewClient();
        var value = new byte[400];
        var keys = Enumerable.Range(0, 2000).Select(static i => $"{(char)('a' + (i % 20))}/{i:D6}").ToList();
        await Parallel.ForEachAsync(keys, async (key, stop) =>
            await client.PutAsync(Key.FromText(key), value, default, stop));
        await UntilAsync(async () => (await client.ListShardsAsync()).Count > 4);
        keys.Sort(StringComparer.Ordinal);
        Assert.Equal(keys, await KeysAsync(client));
    }

    [Fact]
    public async Task What_is_asked_for_much_is_carved_and_goes_back_when_it_has_cooled()
    {
        await using var cluster = await ShardCluster.StartAsync(2, static options =>
        {
            options.ShardLoadMax = 1000;
            options.QuietTime = TimeSpan.FromSeconds(1);
            options.BalanceInterval = TimeSpan.FromMilliseconds(200);
        });
        var client = cluster.NewClient();
        await WriteAsync(client, "1");
        using var stop = new CancellationTokenSource();
        var load = LoadAsync(client, stop.Token);
        await UntilAsync(async () => (await client.ListShardsAsync()).Count > 1);
        Assert.Contains(await client.ListShardsAsync(), static one => one.Open?.OperationsPerSecond > 0);
        await stop.CancelAsync();
        Assert.True(await load > 0);
        await UntilAsync(async () => (await client.ListShardsAsync()).Count == 1);
        await AssertAllAsync(client);
    }

    private static Task<ulong[]> WriteAsync(DmtClient client, string value) => Task.WhenAll(Prefixes.Append("z").Select(
        async prefix => await client.PutAsync(Key.FromText($"{prefix}/key"), Encoding.UTF8.GetBytes(value), Strict)));

    private static async Task AssertAllAsync(DmtClient client, string value = "1")
    {
        foreach (var prefix in Prefixes.Append("z"))
        {
            Assert.Equal(value, await client.GetTextAsync($"{prefix}/key"));
        }
    }

    /// <summary>Reads and writes until it is stopped; a call that fails fails the test.</summary>
    private static async Task<int> LoadAsync(DmtClient client, CancellationToken stop)
    {
        var workers = Enumerable.Range(0, 8).Select(async worker =>
        {
            var done = 0;
            while (!stop.IsCancellationRequested)
            {
                var key = Key.FromText($"{Prefixes[done % Prefixes.Length]}/load{worker}");
                var version = await client.PutAsync(key, BitConverter.GetBytes(done), Strict, CancellationToken.None);
                Assert.Equal(version, (await client.GetAsync(key, CancellationToken.None))!.Value.Version);
                done++;
            }

            return done;
        });
        return (await Task.WhenAll(workers)).Sum();
    }

    private static async Task<List<string>> KeysAsync(DmtClient client)
    {
        List<string> keys = [];
        string? cursor = null;
        do
        {
            var page = await client.ScanAsync(new ScanRequest { Cursor = cursor, Limit = 300, KeysOnly = true });
            keys.AddRange(page.Entries.Select(static entry => Encoding.UTF8.GetString(entry.Key.Span)));
            cursor = page.Cursor;
        }
        while (cursor is not null);
        return keys;
    }

    private static bool AllAtHome(ShardCluster cluster)
    {
        var silos = cluster.Cluster.Silos.Select(static silo => silo.SiloAddress).Order().ToArray();
        return cluster.Cluster.Silos.All(silo =>
        {
            var services = cluster.ServicesOf(silo);
            var homes = services.GetRequiredService<ShardHomes>();
            return services.GetRequiredService<LocalShards>().All
                .All(one => homes.Of(one.Shard.Prefix, 1, silos)[0].Equals(silo.SiloAddress));
        });
    }

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await holds())
        {
            await timer.WaitForNextTickAsync(timeout.Token);
        }
    }
}
