using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Garbage;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Garbage;

public sealed class GarbageRuleTests
{
    private readonly GarbageFixture _fixture = new();

    [Fact]
    public void What_the_newest_manifest_or_a_checkpoint_names_is_needed_and_what_is_not_understood_too()
    {
        var newest = Named(1, 9, 5) with { LogRanges = [new LogRange("NEW", 7)] };
        var references = new References(
            [newest], [], [new Checkpoint("x", default, [Named(1, 3, 2)])], [1, 2]);
        Assert.All(
            [
                Table(1, 5), Table(1, 2), Table(2, 1), Manifest.NameOf(1, 6), Manifest.NameOf(1, 10),
                Manifest.NameOf(2, 1), "log/NEW/0000000000000007", "log/NEW/0000000000000008", "log/OLD/notes",
                "log/OLD/1/0000000000000001", "shards/1/tables/x.table", "shards/1/other", "checkpoints/x", "mine",
            ],
            name => Assert.Null(references.WhyUnneeded(name)));
        Assert.All(
            [
                Table(1, 1), Table(1, 6), Manifest.NameOf(1, 5), "log/NEW/0000000000000006",
                "log/OLD/0000000000000000",
            ],
            name => Assert.NotNull(references.WhyUnneeded(name)));
    }

    /// <summary>Its writing had seemed to fail: the owner goes on from the manifest before it.</summary>
    [Fact]
    public void What_only_the_owners_last_known_manifest_names_is_needed()
    {
        var newest = Named(1, 9, 5) with { LogRanges = [new LogRange("NEW", 7)] };
        var known = Named(1, 8, 4) with { LogRanges = [new LogRange("NEW", 3)] };
        var references = new References([newest], [known], [], [1]);
        Assert.All([Table(1, 4), "log/NEW/0000000000000003"], name => Assert.Null(references.WhyUnneeded(name)));
        Assert.NotNull(references.WhyUnneeded("log/NEW/0000000000000002"));
    }

    [Fact]
    public async Task What_is_unreferenced_waits_for_its_age_and_a_dry_run_deletes_nothing()
    {
        await using var store = await _fixture.OpenAsync(_fixture.Connect());
        var stray = Table(1, 99).Replace("/0000000001-", "/0000000000-", StringComparison.Ordinal);
        await _fixture.Memory.PutAsync(stray, new byte[10]);
        await _fixture.Memory.PutAsync("log/OLD/0000000000000000", new byte[1000]);

        var young = await store.CollectGarbageAsync();
        Assert.Empty(young.Deleted);
        Assert.Equal(["log/OLD/0000000000000000", stray], young.Waiting.Select(static g => g.Name));

        _fixture.Time.Advance(GarbageFixture.AgeMin);
        var dry = await store.CollectGarbageAsync(dryRun: true);
        Assert.Equal(
            [
                new("log/OLD/0000000000000000", 1000, GarbageFixture.AgeMin, "no manifest names this log"),
                new(stray, 10, GarbageFixture.AgeMin, "no manifest and no checkpoint names it"),
            ],
            dry.Deleted);
        Assert.Contains(stray, await _fixture.NamesAsync("shards/"));

        Assert.Equal(dry.Deleted, (await store.CollectGarbageAsync()).Deleted);
        Assert.DoesNotContain(stray, await _fixture.NamesAsync("shards/"));
        Assert.Empty(await _fixture.NamesAsync("log/OLD/"));
    }

    [Fact]
    public async Task A_given_age_replaces_the_stores_own()
    {
        await using var store = await _fixture.OpenAsync(_fixture.Connect());
        await _fixture.Memory.PutAsync("log/OLD/0000000000000000", new byte[1000]);
        Assert.Single((await store.CollectGarbageAsync(ageMin: TimeSpan.Zero)).Deleted);
    }

    [Fact]
    public async Task The_fence_of_a_sealed_log_outlives_its_batches()
    {
        var zombie = await _fixture.OpenAsync(_fixture.Connect());
        await zombie.PutAsync("a", "1", new WriteOptions { Durability = Durability.Strict });
        var log = $"log/{zombie.Host.Log.Incarnation}/";
        await using var successor = await _fixture.OpenAsync(_fixture.Connect());
        await successor.FlushAsync();
        Assert.Equal(2, (await _fixture.NamesAsync(log)).Length);

        _fixture.Time.Advance(TimeSpan.FromDays(29));
        await successor.CollectGarbageAsync();
        Assert.Single(await _fixture.ListAsync(log), GarbageFixture.IsFence);
        var error = await Assert.ThrowsAsync<DmtException>(async () => await zombie.PutAsync(
            "a", "2", new WriteOptions { Durability = Durability.Strict }));
        Assert.Equal(DmtErrorKind.Fenced, error.Kind);

        _fixture.Time.Advance(TimeSpan.FromDays(1));
        await successor.CollectGarbageAsync();
        Assert.Empty(await _fixture.NamesAsync(log));
        await zombie.DisposeAsync();
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_read_keeps_everything()
    {
        await using var store = await _fixture.OpenAsync(_fixture.Connect());
        await _fixture.Memory.PutAsync("log/OLD/0000000000000000", new byte[1000]);
        await _fixture.Memory.PutAsync("checkpoints/x", new byte[100]);
        var error = await Assert.ThrowsAsync<DmtException>(
            async () => await store.CollectGarbageAsync(ageMin: TimeSpan.Zero));
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Single(await _fixture.NamesAsync("log/OLD/"));
        Assert.True(await store.DeleteCheckpointAsync("x"));
        Assert.Single((await store.CollectGarbageAsync(ageMin: TimeSpan.Zero)).Deleted);
    }

    private static string Table(uint shard, ulong number) => new TableId(shard, 1, number).ObjectName;

    private static Manifest Named(uint shard, long number, ulong table) => new()
    {
        Shard = shard,
        Number = number,
        Epoch = 1,
        Incarnation = "NEW",
        Levels =
        [
            [
                new TableInfo
                {
                    Id = new TableId(shard, 1, table),
                    Length = 1,
                    TailOffset = 0,
                    Smallest = [],
                    Largest = [],
                    SequenceMin = 1,
                    SequenceMax = 1,
                    Entries = 1,
                    Tombstones = 0,
                    RangeTombstones = 0,
                },
            ],
            .. Manifest.EmptyLevels.Skip(1),
        ],
    };
}
