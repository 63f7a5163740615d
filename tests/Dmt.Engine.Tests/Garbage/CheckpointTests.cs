using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Tests.Torture;
using Dmt.Testing;

namespace Dmt.Engine.Tests.Garbage;

public sealed class CheckpointTests
{
    private readonly GarbageFixture _fixture = new();

    [Fact]
    public async Task A_checkpoint_holds_what_was_written_before_and_nothing_after()
    {
        await using var store = await _fixture.OpenAsync(_fixture.Connect());
        await store.PutAsync("a", "1");
        await store.PutAsync("gone", "soon");
        var info = await store.CheckpointAsync("before");
        Assert.Equal(("before", 2UL, 1), (info.Name, info.Sequence, info.Tables));
        Assert.Equal(_fixture.Time.GetUtcNow(), info.CreatedAt);
        await store.PutAsync("a", "2");
        await store.DeleteAsync("gone"u8.ToArray());
        await store.CompactAsync();
        Assert.Equal([info], await store.ListCheckpointsAsync());

        var kept = await _fixture.ReadCheckpointAsync("before");
        Assert.Equal([new("a", "1"), new("gone", "soon")], kept);
        Assert.Equal([new("a", "2")], await GarbageFixture.ReadAsync(store));
    }

    [Fact]
    public async Task Everything_acknowledged_before_the_call_is_in_it_while_writers_go_on()
    {
        await using var store = await _fixture.OpenAsync(_fixture.Connect());
        using var stop = new CancellationTokenSource();
        var written = new long[4];
        var writers = Enumerable.Range(0, written.Length).Select(w => Task.Run(async () =>
        {
            for (var i = 1; i <= 10_000 && !stop.IsCancellationRequested; i++)
            {
                await store.PutAsync($"{w}-{i:D7}", i.ToString(CultureInfo.InvariantCulture));
                Volatile.Write(ref written[w], i);
            }
        })).ToList();
        for (var round = 0; round < 5; round++)
        {
            var before = Enumerable.Range(0, written.Length).Select(w => Volatile.Read(ref written[w])).ToArray();
            var info = await store.CheckpointAsync($"c{round}");
            var kept = await _fixture.ReadCheckpointAsync($"c{round}");
            Assert.Equal(info.Sequence, (ulong)kept.Count);
            for (var w = 0; w < written.Length; w++)
            {
                // No gap in what a writer wrote, and at least what was acknowledged to it before the call.
                var count = kept.Keys.Count(key => key.StartsWith($"{w}-", StringComparison.Ordinal));
                Assert.True(count >= before[w], $"writer {w}: {count} of {before[w]}");
                Assert.True(count == 0 || kept.ContainsKey($"{w}-{count:D7}"));
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task A_name_is_taken_once_until_it_is_deleted()
    {
        await using var store = await _fixture.OpenAsync(_fixture.Connect());
        await store.CheckpointAsync("x");
        var error = await Assert.ThrowsAsync<DmtException>(async () => await store.CheckpointAsync("x"));
        Assert.Equal(DmtErrorKind.Conflict, error.Kind);
        Assert.True(await store.DeleteCheckpointAsync("x"));
        Assert.False(await store.DeleteCheckpointAsync("x"));
        await store.CheckpointAsync("x");
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public async Task A_bad_name_is_refused_everywhere(string name)
    {
        await using var store = await _fixture.OpenAsync(_fixture.Connect());
        Func<Task>[] calls =
        [
            async () => await store.CheckpointAsync(name),
            async () => await store.DeleteCheckpointAsync(name),
            async () =>
                await _fixture.OpenAsync(_fixture.Connect(), GarbageFixture.Options with { RestoreFrom = name }),
        ];
        foreach (var call in calls)
        {
            var error = await Assert.ThrowsAsync<DmtException>(call);
            Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
            Assert.Contains($"\"{name}\"", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_restore_fences_the_owner_and_gives_no_version_twice()
    {
        var old = _fixture.Connect();
        var owner = await _fixture.OpenAsync(old);
        await owner.PutAsync("a", "kept");
        await owner.CheckpointAsync("x");
        var last = 0UL;
        for (var i = 0; i < 100; i++)
        {
            last = await owner.PutAsync("a", $"lost {i}", new WriteOptions { Durability = Durability.Strict });
        }

        var options = GarbageFixture.Options with { RestoreFrom = "x" };
        await using (var restored = await _fixture.OpenAsync(_fixture.Connect(), options))
        {
            Assert.Equal([new("a", "kept")], await GarbageFixture.ReadAsync(restored));
            var error = await Assert.ThrowsAsync<DmtException>(async () => await owner.PutAsync(
                "a", "zombie", new WriteOptions { Durability = Durability.Strict }));
            Assert.Equal(DmtErrorKind.Fenced, error.Kind);
            Assert.True(await restored.PutAsync("b", "new") > last);
        }

        await using var again = await _fixture.OpenAsync(_fixture.Connect());
        Assert.Equal([new("a", "kept"), new("b", "new")], await GarbageFixture.ReadAsync(again));
        await owner.DisposeAsync();
    }

    [Fact]
    public async Task A_checkpoint_of_an_owner_that_is_taken_over_meanwhile_is_taken_back()
    {
        var objects = _fixture.Connect();
        var zombie = await _fixture.OpenAsync(objects);
        await zombie.PutAsync("a", "1");
        TrieStore? successor = null;
        objects.AfterCreate = async name =>
        {
            if (name == "checkpoints/x")
            {
                objects.AfterCreate = null;
                successor = await _fixture.OpenAsync(_fixture.Connect());
            }
        };
        var error = await Assert.ThrowsAsync<DmtException>(async () => await zombie.CheckpointAsync("x"));
        Assert.Equal(DmtErrorKind.Fenced, error.Kind);
        Assert.Empty(await successor!.ListCheckpointsAsync());
        await successor.DisposeAsync();
        await Assert.ThrowsAsync<DmtException>(async () => await zombie.DisposeAsync());
    }

    [Fact]
    public async Task A_restore_of_what_is_not_there_changes_nothing()
    {
        await using (var store = await _fixture.OpenAsync(_fixture.Connect()))
        {
            await store.PutAsync("a", "1");
        }

        var before = await _fixture.NamesAsync("shards/");
        var options = GarbageFixture.Options with { RestoreFrom = "nothing" };
        var error = await Assert.ThrowsAsync<DmtException>(
            async () => await _fixture.OpenAsync(_fixture.Connect(), options));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.Contains("\"nothing\"", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, await _fixture.NamesAsync("shards/"));
    }

    [Fact]
    public async Task A_folder_keeps_what_a_checkpoint_names_and_deletes_the_rest_at_once()
    {
        using var folder = new TempFolder();
        var options = TinyOptions.Create();
        await using (var store = await TrieStore.OpenAsync(folder.Path, options))
        {
            await store.PutAsync("a", "1");
            await store.CheckpointAsync("x");
            await store.PutAsync("a", "2");
            await store.CompactAsync();
            await store.PutAsync("a", "3");
            await store.CompactAsync();
        }

        // The checkpoint's, and the last one.
        Assert.Equal(2, StoreFolder.Tables(folder.Path).Length);
        await using (var store = await TrieStore.OpenAsync(folder.Path, options with { RestoreFrom = "x" }))
        {
            Assert.Equal([new("a", "1")], await GarbageFixture.ReadAsync(store));
            Assert.True(await store.DeleteCheckpointAsync("x"));
            await store.PutAsync("a", "2");
            await store.CompactAsync();
        }

        Assert.Single(StoreFolder.Tables(folder.Path));
        await using var last = await TrieStore.OpenAsync(folder.Path, options);
        Assert.Equal([new("a", "2")], await GarbageFixture.ReadAsync(last));
    }
}
