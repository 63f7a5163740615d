using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Replication;

/// <summary>Who is the main, who is fenced, and what a folder remembers.</summary>
public sealed class PromotionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_promoted_replica_has_all_that_was_synced_and_the_others_follow_it(bool isBucket)
    {
        await using var world = await StartAsync(isBucket);
        for (var i = 0; i < 500; i++)
        {
            await world.Main.PutAsync(Bytes($"k{i}"), Bytes(new string('v', i)));
        }

        await world.SyncAsync();
        var expected = await ReplicaWorld.ReadAsync(world.Main);
        world.Channel(0, 1).IsConnected = world.Channel(0, 2).IsConnected = false;
        await world.PromoteAsync(1);
        Assert.Equal(expected, await ReplicaWorld.ReadAsync(world.Main));
        Assert.Null(world.Main.Lag);
        await WriteUntilTakenAsync(world);
        world.Abandon(0);
        await world.UntilEqualAsync(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_promoted_replica_knows_the_writes_that_may_be_sent_again(bool isBucket)
    {
        await using var world = await StartAsync(isBucket);
        var versions = new List<ulong>();
        for (var i = 1; i <= 300; i++)
        {
            if (i == 200)
            {
                await world.Main.AsMain!.FlushAsync();
            }

            versions.Add(await PutAsync(i));
        }

        await world.SyncAsync();
        await world.PromoteAsync(1);
        for (var i = 1; i <= 300; i++)
        {
            Assert.Equal(versions[i - 1], await PutAsync(i));
        }

        await WriteUntilTakenAsync(world);
        Assert.True(await PutAsync(301) > versions[^1]);

        ValueTask<ulong> PutAsync(int i) => world.Main.PutAsync(
            Bytes($"k{i % 7}"), Bytes($"{i}"), new WriteOptions { Request = new RequestId(3, (ulong)i, 1) });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_main_that_hears_of_its_successor_is_fenced(bool isBucket)
    {
        await using var world = await StartAsync(isBucket);
        await world.Main.PutAsync(Bytes("a"), Bytes("1"), new WriteOptions { Durability = Durability.Strict });
        var old = world.Main;
        await world.PromoteAsync(1);
        Assert.NotEmpty(await old.WhenFenced.WaitAsync(TimeSpan.FromSeconds(30)));
        var refused = await Assert.ThrowsAsync<DmtException>(async () => await old.PutAsync(Bytes("a"), Bytes("2")));
        Assert.Equal(DmtErrorKind.Fenced, refused.Kind);
        refused = await Assert.ThrowsAsync<DmtException>(async () => await old.GetAsync(Bytes("a")));
        Assert.Equal(DmtErrorKind.Fenced, refused.Kind);
        Assert.Equal("1", Encoding.UTF8.GetString((await world.Main.GetAsync(Bytes("a")))!.Value.Value.Span));
    }

    [Fact]
    public async Task A_main_that_comes_back_while_another_one_answers_does_not_start()
    {
        await using var world = await StartAsync(isBucket: false);
        await world.PromoteAsync(1);
        world.Channel(0, 1).IsConnected = true;
        var refused = await Assert.ThrowsAsync<DmtException>(() => world.StartAsync(0, false));
        Assert.Equal(DmtErrorKind.Fenced, refused.Kind);
        Assert.Contains("1 is the main now", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_behind_another_one_is_promoted_only_by_force()
    {
        await using var world = await StartAsync(isBucket: false, acks: 1);
        await world.Main.PutAsync(Bytes("a"), Bytes("1"), new WriteOptions { Durability = Durability.Strict });
        world.Channel(0, 1).IsConnected = false;
        await world.Main.PutAsync(Bytes("b"), Bytes("2"), new WriteOptions { Durability = Durability.Strict });
        world.Channel(0, 2).IsConnected = false;

        var refused = await Assert.ThrowsAsync<DmtException>(() => world.PromoteAsync(1));
        Assert.Equal(DmtErrorKind.Conflict, refused.Kind);
        Assert.Contains("2 has operation 2 of epoch 1", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(world[1].Lag);
        await world.PromoteAsync(1, force: true);
        Assert.Null(await world.Main.GetAsync(Bytes("b")));
        world.Abandon(0);

        // What only the other one had is gone there as well: it follows the new main.
        await WriteUntilTakenAsync(world);
        await world.UntilEqualAsync(2);
    }

    [Fact]
    public async Task A_promoted_replica_of_many_shards_has_all_of_them_and_the_others_follow_it()
    {
        await using var world = await StartAsync(isBucket: true);
        await world.Main.SplitShardAsync([Bytes("k1"), Bytes("k2")]);
        for (var i = 0; i < 500; i++)
        {
            await world.Main.PutAsync(Bytes($"k{i}"), Bytes(new string('v', i)));
        }

        await world.Main.SplitShardAsync([Bytes("k11")]);
        await world.Main.SplitShardAsync([Bytes("k3")]);
        await world.Main.MergeShardAsync(2);
        await world.Main.PutAsync(Bytes("k12"), Bytes("after"));
        await world.Main.PutAsync(Bytes("k111"), Bytes("after"));
        await world.SyncAsync();
        var expected = await ReplicaWorld.ReadAsync(world.Main);
        Assert.Equal(expected, await ReplicaWorld.ReadAsync(world[1]));
        Assert.Equal(expected.Count, await world[1].CountAsync(KeyRange.All));
        Assert.Equal(
            (await world.Main.ListShardsAsync()).Select(static shard => shard.Shard),
            (await world[1].ListShardsAsync()).Select(static shard => shard.Shard));
        Assert.NotNull(await world[2].GetAsync(Bytes("k111")));
        world.Channel(0, 1).IsConnected = world.Channel(0, 2).IsConnected = false;
        await world.PromoteAsync(1);
        Assert.Equal(expected, await ReplicaWorld.ReadAsync(world.Main));
        for (var i = 0; i < 500; i += 7)
        {
            await world.Main.PutAsync(Bytes($"k{i}"), Bytes("of the new main"));
        }

        world.Abandon(0);
        await world.UntilEqualAsync(2);
    }

    [Fact]
    public async Task What_a_dead_main_shipped_and_did_not_upload_is_given_up_in_every_shard()
    {
        await using var world = await StartAsync(isBucket: true, acks: 0);
        await world.Main.SplitShardAsync([Bytes("a"), Bytes("b")]);
        await world.Main.PutAsync(Bytes("a1"), Bytes("kept"), new WriteOptions { Durability = Durability.Strict });
        await world.UntilEqualAsync(1);
        await world.UntilEqualAsync(2);
        world.IsMainsBucketDown = true;
        await world.Main.PutAsync(Bytes("a1"), Bytes("lost"));
        await world.Main.PutAsync(Bytes("b1"), Bytes("lost"));
        await world.UntilEqualAsync(1);
        await world.UntilEqualAsync(2);
        await world.PromoteAsync(1);
        world.IsMainsBucketDown = false;
        Assert.Null(await world.Main.GetAsync(Bytes("b1")));
        world.Abandon(0);
        await world.UntilEqualAsync(2);
        Assert.Equal("kept", Encoding.UTF8.GetString((await world[2].GetAsync(Bytes("a1")))!.Value.Value.Span));
    }

    [Fact]
    public async Task Shards_are_the_mains_to_change_and_over_folders_nobodys()
    {
        await using var bucket = await StartAsync(isBucket: true);
        var refused = await Assert.ThrowsAsync<DmtException>(async () => await bucket[1].SplitShardAsync([Bytes("a")]));
        Assert.Equal(DmtErrorKind.NotOwner, refused.Kind);
        refused = await Assert.ThrowsAsync<DmtException>(async () => await bucket[1].MergeShardAsync(2));
        Assert.Equal(DmtErrorKind.NotOwner, refused.Kind);

        await using var folders = await StartAsync(isBucket: false);
        refused = await Assert.ThrowsAsync<DmtException>(async () => await folders.Main.SplitShardAsync([Bytes("a")]));
        Assert.Equal(DmtErrorKind.InvalidArgument, refused.Kind);
        Assert.Contains("expected a store of one shard, or a bucket", refused.Message, StringComparison.Ordinal);
        Assert.Single(await folders.Main.ListShardsAsync());
        Assert.Single(await folders[1].ListShardsAsync());
    }

    [Fact]
    public async Task A_folder_of_many_shards_is_not_opened_as_a_main_with_replicas()
    {
        await using var world = new ReplicaWorld(isBucket: false, 7);
        await using (var store = await TrieStore.OpenAsync(world.FolderOf(0)))
        {
            await store.SplitShardAsync([Bytes("a")]);
        }

        var refused = await Assert.ThrowsAsync<DmtException>(() => world.StartAsync(0, isReplica: false));
        Assert.Equal(DmtErrorKind.InvalidArgument, refused.Kind);
        Assert.Contains("has 2 shards", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_refuses_writes_and_names_its_main()
    {
        await using var world = await StartAsync(isBucket: true);
        world.Main.Url = "http://main:3030";
        await world.Main.PutAsync(Bytes("a"), Bytes("1"), new WriteOptions { Durability = Durability.Strict });
        await world.SyncAsync();
        var refused = await Assert.ThrowsAsync<DmtException>(
            async () => await world[1].WriteAsync(new WriteBatch().Delete(Bytes("a"))));
        Assert.Equal(DmtErrorKind.NotOwner, refused.Kind);
        Assert.Equal("this is a read replica of http://main:3030: write there", refused.Message);
    }

    [Fact]
    public async Task A_folder_remembers_whether_it_is_a_mains_or_a_copy()
    {
        await using var world = await StartAsync(isBucket: false);
        await world.StopAsync(0);
        await world.StopAsync(1);
        var refused = await Assert.ThrowsAsync<DmtException>(() => world.StartAsync(1, false));
        Assert.Equal(DmtErrorKind.InvalidArgument, refused.Kind);
        Assert.Contains("is the copy of a replica", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<DmtException>(() => world.StartAsync(0, isReplica: true));
        Assert.Contains("is the folder of a main", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_strict_write_that_no_replica_confirms_fails()
    {
        await using var world = await StartAsync(isBucket: false, acks: 1, ackTimeout: TimeSpan.FromMilliseconds(50));
        world.Channel(0, 1).IsConnected = world.Channel(0, 2).IsConnected = false;
        var refused = await Assert.ThrowsAsync<DmtException>(async () => await world.Main.PutAsync(
            Bytes("a"), Bytes("1"), new WriteOptions { Durability = Durability.Strict }));
        Assert.Equal(DmtErrorKind.Unavailable, refused.Kind);
        await world.Main.PutAsync(Bytes("b"), Bytes("1"));
    }

    private static async Task<ReplicaWorld> StartAsync(bool isBucket, int acks = 2, TimeSpan? ackTimeout = null)
    {
        var world = new ReplicaWorld(isBucket, 7, faults: 0, acks: acks)
        {
            AckTimeout = ackTimeout ?? TimeSpan.FromSeconds(20),
        };
        await world.StartAsync(1, isReplica: true);
        await world.StartAsync(2, isReplica: true);
        await world.StartAsync(0, isReplica: false);
        await world.UntilWritableAsync();
        await world.UntilEqualAsync(1);
        await world.UntilEqualAsync(2);
        return world;
    }

    private static async Task WriteUntilTakenAsync(ReplicaWorld world)
    {
        await world.UntilWritableAsync();
        await world.Main.PutAsync(Bytes("new"), Bytes("main"));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
