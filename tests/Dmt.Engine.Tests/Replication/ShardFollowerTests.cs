using System.Text;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tests.Log;
using Dmt.Engine.Tests.Shards;

namespace Dmt.Engine.Tests.Replication;

/// <summary>One shard followed from a bucket: what it refuses, what it survives, what it costs.</summary>
public sealed class ShardFollowerTests
{
    private static readonly WriteOptions Strict = new() { Durability = Durability.Strict };

    [Fact]
    public async Task A_follower_refuses_writes_and_says_who_owns_the_shard()
    {
        await using var world = await FollowerWorld.StartAsync();
        var follower = await world.FollowAsync(ShardMap.Root);
        var refused = await Assert.ThrowsAsync<DmtException>(
            async () => await follower.PutAsync(Bytes("a"), Bytes("1")));
        Assert.Equal(DmtErrorKind.NotOwner, refused.Kind);
        Assert.Equal(
            $"this is a read replica of shard 1, whose owner is {world.Main.Host.Log.Incarnation}: write there",
            refused.Message);
        await Assert.ThrowsAsync<DmtException>(
            async () => await follower.WriteAsync(new WriteBatch().Delete(Bytes("a"))));
        await Assert.ThrowsAsync<DmtException>(async () => await follower.SyncAsync());
        var stat = await follower.StatAsync();
        Assert.Equal("replica", stat.Replication!.Role);
        Assert.Equal(refused.Message, stat.WritesRefused);
    }

    [Fact]
    public async Task A_shard_that_was_never_opened_is_not_followed()
    {
        await using var world = await FollowerWorld.StartAsync();
        var refused = await Assert.ThrowsAsync<DmtException>(async () => await world.Node.FollowAsync(7));
        Assert.Equal(DmtErrorKind.NotOwner, refused.Kind);
        Assert.Contains("there is no shard 7", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, world.Node.Count);
    }

    [Fact]
    public async Task A_strict_write_is_seen_at_the_next_look_and_not_before()
    {
        await using var world = await FollowerWorld.StartAsync();
        var follower = await world.FollowAsync(ShardMap.Root);
        var version = await world.Main.PutAsync(Bytes("a"), Bytes("1"), Strict);
        Assert.Null(await follower.GetAsync(Bytes("a")));
        await follower.RefreshAsync();
        Assert.Equal(version, (await follower.GetAsync(Bytes("a")))!.Value.Version);
        Assert.Equal(version, follower.LastSequence);
        Assert.NotNull(follower.Lag.Milliseconds);
    }

    [Fact]
    public async Task What_was_carved_out_is_refused_and_comes_back_with_a_merge()
    {
        await using var world = await FollowerWorld.StartAsync();
        await world.Main.PutAsync(Bytes("ab"), Bytes("1"), Strict);
        var root = await world.FollowAsync(ShardMap.Root);
        Assert.NotNull(await root.GetAsync(Bytes("ab")));
        var carved = Assert.Single(await world.Main.SplitShardAsync([Bytes("a")])).Shard;
        await world.Main.PutAsync(Bytes("ab"), Bytes("2"), Strict);
        await root.RefreshAsync();
        Assert.Equal(DmtErrorKind.NotOwner, (await Refused(root.GetAsync(Bytes("ab")))).Kind);
        Assert.Equal(
            DmtErrorKind.NotOwner,
            (await Assert.ThrowsAsync<DmtException>(async () => await root.ScanAsync(new ScanRequest()))).Kind);
        var child = await world.FollowAsync(carved);
        Assert.Equal("2", Text(await child.GetAsync(Bytes("ab"))));
        Assert.Equal(DmtErrorKind.NotOwner, (await Refused(child.GetAsync(Bytes("b")))).Kind);

        Assert.True(await world.Main.MergeShardAsync(carved));
        await child.RefreshAsync();
        Assert.True(child.IsGone);
        Assert.Contains(
            "was merged into shard 1", (await Refused(child.GetAsync(Bytes("ab")))).Message, StringComparison.Ordinal);
        await root.RefreshAsync();
        Assert.Equal("2", Text(await root.GetAsync(Bytes("ab"))));
        await Assert.ThrowsAsync<DmtException>(async () => await world.Node.FollowAsync(carved));
    }

    [Fact]
    public async Task What_a_carved_shard_deleted_does_not_come_back_with_a_merge()
    {
        await using var world = await FollowerWorld.StartAsync();
        await world.Main.PutAsync(Bytes("ab"), Bytes("1"), Strict);
        var root = await world.FollowAsync(ShardMap.Root); // has it in a memtable
        var carved = Assert.Single(await world.Main.SplitShardAsync([Bytes("a")])).Shard;
        await world.Main.DeleteAsync(Bytes("ab"));
        await world.Main.CompactAsync();
        Assert.True(await world.Main.MergeShardAsync(carved));
        await world.Main.PutAsync(Bytes("b"), Bytes("1"), Strict);
        await root.RefreshAsync();
        Assert.Null(await root.GetAsync(Bytes("ab")));
        Assert.NotNull(await root.GetAsync(Bytes("b")));
    }

    [Fact]
    public async Task A_crash_takes_nothing_back_that_was_read()
    {
        await using var world = await FollowerWorld.StartAsync();
        var follower = await world.FollowAsync(ShardMap.Root);
        await world.Main.PutAsync(Bytes("a"), Bytes("1"), Strict);
        await follower.RefreshAsync();
        var before = follower.LastSequence;
        await world.Main.PutAsync(Bytes("a"), Bytes("lost"));
        await world.CrashMainAsync();
        await follower.RefreshAsync();
        Assert.Equal(before, follower.LastSequence);
        Assert.Equal("1", Text(await follower.GetAsync(Bytes("a"))));
        await world.Main.PutAsync(Bytes("a"), Bytes("3"), Strict);
        await follower.RefreshAsync();
        Assert.Equal("3", Text(await follower.GetAsync(Bytes("a"))));
        Assert.Equal(world.Main.Host.Log.Incarnation, follower.Owner);
    }

    [Fact]
    public async Task Damage_in_the_log_is_an_error_that_names_the_object_and_reads_go_on_with_what_was_there()
    {
        await using var world = await FollowerWorld.StartAsync();
        var follower = await world.FollowAsync(ShardMap.Root);
        await world.Main.PutAsync(Bytes("a"), Bytes("1"), Strict);
        await follower.RefreshAsync();
        await world.Main.PutAsync(Bytes("a"), Bytes("2"), Strict);
        var batch = ObjectLogFormat.NameOf(world.Main.Host.Log.Incarnation, 1);
        var bytes = (await world.Bucket.GetAsync(batch))!;
        bytes[ObjectLogFormat.HeaderBytes + 3] ^= 1;
        await world.Bucket.PutAsync(batch, bytes);
        var damage = await Assert.ThrowsAsync<DmtException>(async () => await follower.RefreshAsync());
        Assert.Equal(DmtErrorKind.Corruption, damage.Kind);
        Assert.Contains(batch, damage.Message, StringComparison.Ordinal);
        Assert.Equal("1", Text(await follower.GetAsync(Bytes("a"))));

        // The owner has it in memory: once that is in a table nobody needs the log.
        await world.Main.FlushAsync();
        await follower.RefreshAsync();
        Assert.Equal("2", Text(await follower.GetAsync(Bytes("a"))));
    }

    [Fact]
    public async Task Whichever_request_fails_the_next_look_has_everything()
    {
        for (var failing = 1; ; failing++)
        {
            await using var world = await FollowerWorld.StartAsync();
            var follower = await world.FollowAsync(ShardMap.Root);
            await world.Main.PutAsync(Bytes("b"), Bytes("1"), Strict);
            await world.Main.FlushAsync();
            await world.Main.SplitShardAsync([Bytes("a")]);
            await world.Main.PutAsync(Bytes("c"), Bytes("2"), Strict);
            await world.CrashMainAsync();
            await world.Main.PutAsync(Bytes("d"), Bytes("3"), Strict);
            world.Replicas.FailAt = world.Replicas.Calls + failing;
            var failed = false;
            try
            {
                await follower.RefreshAsync();
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
            {
                failed = true;
            }

            world.Replicas.FailAt = 0;
            await world.CheckAsync($"request {failing}");
            if (!failed)
            {
                Assert.True(failing > 5);
                return;
            }
        }
    }

    [Fact]
    public async Task While_nothing_happens_a_look_is_one_request_a_shard_and_one_for_all_of_their_log()
    {
        var time = new ManualTime();
        await using var world = await FollowerWorld.StartAsync(TimeSpan.FromMilliseconds(500), time);
        var carved = await world.Main.SplitShardAsync([Bytes("a"), Bytes("b"), Bytes("c")]);
        foreach (var shard in carved)
        {
            await world.FollowAsync(shard.Shard);
        }

        await ArmedAsync(time, 3);
        var before = world.Replicas.Calls;
        for (var look = 0; look < 20; look++)
        {
            time.Advance(TimeSpan.FromMilliseconds(500));
            await ArmedAsync(time, 3);
        }

        Assert.Equal(20 * (3 + 1), world.Replicas.Calls - before);
    }

    [Fact]
    public async Task An_unreachable_bucket_is_asked_less_and_less_and_followed_again_when_it_is_back()
    {
        var time = new ManualTime();
        await using var world = await FollowerWorld.StartAsync(TimeSpan.FromMilliseconds(500), time);
        var follower = await world.FollowAsync(ShardMap.Root);
        await world.Main.PutAsync(Bytes("a"), Bytes("1"), Strict);
        await ArmedAsync(time, 1);
        world.Replicas.IsDown = true;
        var before = world.Replicas.Calls;
        for (var second = 0; second < 60; second++)
        {
            for (var half = 0; half < 2; half++)
            {
                time.Advance(TimeSpan.FromMilliseconds(500));
                await ArmedAsync(time, 1);
            }
        }

        // After 0.5, 1, 2, 4, 8 s, then every 10 s.
        Assert.Equal(9, world.Replicas.Calls - before);
        Assert.Contains("failed", follower.Problem, StringComparison.Ordinal);
        Assert.Null(await follower.GetAsync(Bytes("a")));
        Assert.True(follower.Lag.Milliseconds >= 60_000);

        world.Replicas.IsDown = false;
        time.Advance(TimeSpan.FromSeconds(10));
        await ArmedAsync(time, 1);
        Assert.Null(follower.Problem);
        Assert.Equal("1", Text(await follower.GetAsync(Bytes("a"))));
        Assert.Equal(0, follower.Lag.Milliseconds);
    }

    [Fact]
    public async Task A_disposed_follower_gives_its_memory_back_and_the_others_go_on()
    {
        await using var world = await FollowerWorld.StartAsync();
        await world.Main.PutAsync(Bytes("a"), Bytes(new string('x', 30_000)), Strict);
        var first = await world.Node.FollowAsync(ShardMap.Root);
        var one = world.Node.Host.Budget.MemtableBytes;
        Assert.True(one > 30_000);
        await using (var second = await world.Node.FollowAsync(ShardMap.Root))
        {
            Assert.Equal(2, world.Node.Count);
            Assert.Equal(2 * one, world.Node.Host.Budget.MemtableBytes);
        }

        Assert.Equal(one, world.Node.Host.Budget.MemtableBytes);
        Assert.Equal(1, world.Node.Count);
        Assert.NotNull(await first.GetAsync(Bytes("a")));
        await first.DisposeAsync();
        var closed = await Refused(first.GetAsync(Bytes("a")));
        Assert.Equal(DmtErrorKind.Closed, closed.Kind);
    }

    [Fact]
    public async Task Manifests_that_were_deleted_before_they_were_seen_hide_no_later_one()
    {
        await using var world = await FollowerWorld.StartAsync();
        var follower = await world.FollowAsync(ShardMap.Root);
        for (var i = 0; i < 10; i++)
        {
            await world.Main.PutAsync(Bytes("a"), Bytes($"{i}"));
            await world.Main.FlushAsync();
        }

        await world.Main.CollectGarbageAsync();
        Assert.Null(await world.Bucket.GetAsync(Manifest.NameOf(ShardMap.Root, 2)));
        await follower.RefreshAsync();
        Assert.Equal("9", Text(await follower.GetAsync(Bytes("a"))));
    }

    private static async Task<DmtException> Refused(ValueTask<Entry?> reading) =>
        await Assert.ThrowsAsync<DmtException>(async () => await reading);

    /// <summary>All followers wait for their next look.</summary>
    private static async Task ArmedAsync(ManualTime time, int followers)
    {
        while (time.TimersArmed < followers + ShardHostTimers)
        {
            await Task.Yield();
        }
    }

    /// <summary>What a host waits for besides: its collector's daily sweep.</summary>
    private const int ShardHostTimers = 1;

    private static byte[] Bytes(string text) => ShardWorld.Bytes(text);

    private static string? Text(Entry? entry) => entry is { } there ? Encoding.ASCII.GetString(there.Value.Span) : null;
}
