using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects.Caching;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>A store and its clones in one bucket.</summary>
public sealed partial class CloneTests
{
    private readonly GarbageFixture _fixture = new();

    [Fact]
    public async Task A_clone_begins_with_the_checkpoint_without_copying_and_the_two_diverge()
    {
        await using var source = await OpenAsync("live");
        await FillAsync(source, 0, 300);
        await source.CompactAsync();
        await FillAsync(source, 200, 200);
        var info = await source.CheckpointAsync("x");
        var expected = await GarbageFixture.ReadAsync(source);
        await source.PutAsync("after", "the checkpoint");

        var pin = await CloneAsync("live", "x", "test");
        Assert.Equal(info with { Name = pin.Name, CreatedAt = pin.CreatedAt, ClonedTo = "test" }, pin);
        Assert.Equal(["shards/1/manifest/0000000000000001"], await NamesAsync("test"));
        Assert.Equal([pin, info], await source.ListCheckpointsAsync());

        await using var clone = await OpenAsync("test");
        Assert.Equal(expected, await GarbageFixture.ReadAsync(clone));
        var stat = await clone.StatAsync();
        Assert.Equal((info.Bytes, info.Bytes), (stat.TableBytes, stat.BorrowedBytes));
        await clone.PutAsync("key-000001", "the clone's");
        await source.PutAsync("key-000002", "the source's");
        await clone.FlushAsync();
        Assert.Equal("the clone's", await clone.GetTextAsync("key-000001"));
        Assert.NotEqual("the source's", await clone.GetTextAsync("key-000002"));
        Assert.Null(await clone.GetTextAsync("after"));
        Assert.NotEqual("the clone's", await source.GetTextAsync("key-000001"));
    }

    [Fact]
    public async Task A_clone_reads_everything_though_the_source_compacts_collects_and_lets_the_checkpoint_go()
    {
        var expected = await SourceAndCloneAsync();
        await using (var source = await OpenAsync("live"))
        {
            Assert.True(await source.DeleteCheckpointAsync("x"));
            await FillAsync(source, 0, 400, "newer");
            await source.CompactAsync();
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            await source.CollectGarbageAsync();
        }

        var connection = _fixture.Connect("test");
        await using var clone = await _fixture.OpenAsync(connection);
        Assert.Equal(expected, await GarbageFixture.ReadAsync(clone));
        Assert.Empty(connection.Violations);
    }

    [Fact]
    public async Task A_compacted_clone_releases_its_pin_and_the_source_collects_what_it_kept()
    {
        var expected = await SourceAndCloneAsync();
        await using (var clone = await OpenAsync("test"))
        {
            await clone.CompactAsync();
            Assert.Equal(0, (await clone.StatAsync()).BorrowedBytes);
            Assert.Empty((await clone.CollectGarbageAsync(ageMin: TimeSpan.FromDays(1))).Deleted);
            Assert.Single(await PinsAsync("live"));
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            var report = await clone.CollectGarbageAsync();
            Assert.Contains(report.Deleted, static g => g.Name.StartsWith("/live/checkpoints/clone-", Ordinal));
            Assert.Empty(await PinsAsync("live"));
            await clone.PutAsync("more", "1");
            await clone.FlushAsync();
            Assert.Empty((await NewestAsync("test")).Origins);
        }

        await using (var source = await OpenAsync("live"))
        {
            Assert.True(await source.DeleteCheckpointAsync("x"));
            await source.CompactAsync();
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            await source.CollectGarbageAsync();
        }

        var newest = await NewestAsync("live");
        Assert.Equal(
            newest.Levels.SelectMany(static level => level).Select(static table => table.Id.ObjectName).Order(),
            (await NamesAsync("live")).Where(static name => name.EndsWith(".table", Ordinal)));
        await using var again = await OpenAsync("test");
        expected.Add("more", "1");
        Assert.Equal(expected, await GarbageFixture.ReadAsync(again));
    }

    [Fact]
    public async Task A_clone_that_was_killed_before_it_could_release_its_pin_does_so_when_it_is_opened_again()
    {
        await SourceAndCloneAsync();
        var process = new FailingObjectStore(_fixture.Memory.OpenSibling("test"));
        var clone = await _fixture.OpenAsync(process);
        await clone.CompactAsync();
        process.CutOff();
        await clone.DisposeAsync();

        _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
        await using var again = await OpenAsync("test");
        await again.CollectGarbageAsync();
        Assert.Empty(await PinsAsync("live"));
    }

    [Fact]
    public async Task A_checkpoint_of_the_clone_and_a_scan_in_it_keep_the_pin()
    {
        var expected = await SourceAndCloneAsync();
        await using var clone = await OpenAsync("test");
        await clone.CheckpointAsync("mine");
        var scan = clone.OpenScan();
        await clone.CompactAsync();
        _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
        await clone.CollectGarbageAsync();
        Assert.Single(await PinsAsync("live"));

        await clone.DeleteCheckpointAsync("mine");
        await clone.CollectGarbageAsync();
        Assert.Single(await PinsAsync("live"));
        var read = 0;
        while (await scan.MoveNextAsync(default))
        {
            read++;
        }

        Assert.Equal(expected.Count, read);
        scan.Dispose();
        await clone.PutAsync("any", "write");
        await clone.FlushAsync();
        await clone.CollectGarbageAsync();
        Assert.Empty(await PinsAsync("live"));
    }

    [Fact]
    public async Task A_checkpoint_of_the_clone_that_borrows_is_restored()
    {
        var expected = await SourceAndCloneAsync();
        await using (var clone = await OpenAsync("test"))
        {
            await clone.CheckpointAsync("mine");
            await FillAsync(clone, 0, 300, "gone");
            await clone.CompactAsync();
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            await clone.CollectGarbageAsync();
        }

        var options = GarbageFixture.Options with { RestoreFrom = "mine" };
        await using var restored = await _fixture.OpenAsync(_fixture.Connect("test"), options);
        Assert.Equal(expected, await GarbageFixture.ReadAsync(restored));
    }

    [Fact]
    public async Task A_clone_of_a_clone_reads_the_tables_of_both_until_it_has_its_own()
    {
        var expected = await SourceAndCloneAsync();
        await using (var first = await OpenAsync("test"))
        {
            await FillAsync(first, 500, 50);
            expected = await GarbageFixture.ReadAsync(first);
            await first.CheckpointAsync("y");
        }

        await CloneAsync("test", "y", "second");
        await using (var first = await OpenAsync("test"))
        {
            await first.DeleteCheckpointAsync("y");
            await FillAsync(first, 0, 600, "newer");
            await first.CompactAsync();
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            await first.CollectGarbageAsync();
        }

        await using (var source = await OpenAsync("live"))
        {
            await source.DeleteCheckpointAsync("x");
            await FillAsync(source, 0, 600, "newer");
            await source.CompactAsync();
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            await source.CollectGarbageAsync();
        }

        Assert.Single(await PinsAsync("live"));
        await using (var second = await OpenAsync("second"))
        {
            Assert.Equal(expected, await GarbageFixture.ReadAsync(second));
            await second.CompactAsync();
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            await second.CollectGarbageAsync();
            Assert.Empty(await PinsAsync("test"));
            Assert.Equal(expected, await GarbageFixture.ReadAsync(second));
        }

        await using var last = await OpenAsync("test");
        await last.CollectGarbageAsync();
        Assert.Empty(await PinsAsync("live"));
    }

    [Fact]
    public async Task A_crash_of_cloning_at_any_call_leaves_no_clone_or_a_whole_one_and_the_source_as_it_was()
    {
        var (whole, none, passed, at) = (0, 0, false, 0);
        while (!passed)
        {
            at++;
            foreach (var (afterEffect, thenCutOff) in
                new[] { (false, false), (true, false), (false, true), (true, true) })
            {
                var (isWhole, calls) = await new CloneTests().CrashAsync(at, afterEffect, thenCutOff);
                whole += isWhole ? 1 : 0;
                none += isWhole ? 0 : 1;
                passed = calls < at;
            }
        }

        Assert.InRange(at, 8, 20);
        Assert.True(whole > 8 && none > 8, $"{whole} whole, {none} none");
    }

    [Fact]
    public async Task A_zombie_of_the_source_harms_no_clone()
    {
        var zombieConnection = _fixture.Connect("live");
        zombieConnection.IsZombie = true;
        var zombie = await _fixture.OpenAsync(zombieConnection);
        await FillAsync(zombie, 0, 300);
        await zombie.CheckpointAsync("x");
        var expected = await GarbageFixture.ReadAsync(zombie);
        await using var owner = await OpenAsync("live");
        await FillAsync(owner, 0, 300, "newer");
        await CloneAsync("live", "x", "test");

        Assert.True(await zombie.DeleteCheckpointAsync("x"));
        var pin = Assert.Single(await PinsAsync("live"));
        var refused = await Assert.ThrowsAsync<DmtException>(async () => await zombie.DeleteCheckpointAsync(pin));
        Assert.Equal(DmtErrorKind.Conflict, refused.Kind);
        _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
        await Assert.ThrowsAsync<DmtException>(async () => await zombie.CollectGarbageAsync());
        await Assert.ThrowsAsync<DmtException>(async () => await zombie.CompactAsync());
        await owner.CompactAsync();
        await owner.CollectGarbageAsync();
        await using var clone = await OpenAsync("test");
        Assert.Equal(expected, await GarbageFixture.ReadAsync(clone));
        await zombie.DisposeAsync();
    }

    [Fact]
    public async Task A_zombie_of_the_clone_does_not_release_the_pin_that_its_successor_needs()
    {
        var expected = await SourceAndCloneAsync();
        var connection = _fixture.Connect("test");
        connection.IsZombie = true;
        var zombie = await _fixture.OpenAsync(connection);
        await zombie.CheckpointAsync("mine");
        await zombie.CompactAsync();
        _fixture.Time.Advance(3 * GarbageFixture.AgeMin);

        // Nothing of the zombie's names a borrowed table any more; the restored state does.
        var options = GarbageFixture.Options with { RestoreFrom = "mine" };
        await using var successor = await _fixture.OpenAsync(_fixture.Connect("test"), options);
        await successor.DeleteCheckpointAsync("mine");
        var error = await Assert.ThrowsAsync<DmtException>(async () => await zombie.CollectGarbageAsync());
        Assert.Equal(DmtErrorKind.Fenced, error.Kind);
        await successor.CollectGarbageAsync();
        Assert.Single(await PinsAsync("live"));
        await using (var source = await OpenAsync("live"))
        {
            await FillAsync(source, 0, 400, "newer");
            await source.DeleteCheckpointAsync("x");
            await source.CompactAsync();
            _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
            await source.CollectGarbageAsync();
        }

        Assert.Equal(expected, await GarbageFixture.ReadAsync(successor));
        await zombie.DisposeAsync();
    }

    [Fact]
    public async Task Borrowed_tables_are_cached_on_disk_beside_the_clones_own()
    {
        var expected = await SourceAndCloneAsync();
        using var folder = new Dmt.Testing.TempFolder();
        for (var round = 0; round < 3; round++)
        {
            var test = _fixture.Memory.OpenSibling("test");
            var cached = await CachingObjectStore.OpenAsync(test, folder.Path, 64 << 20, default);
            await using var clone = await _fixture.OpenAsync(cached);
            Assert.Equal(expected, await GarbageFixture.ReadAsync(clone));
            var cache = (await clone.StatAsync()).DiskCache!;
            Assert.True(round == 0 ? cache.Misses > 0 : cache is { Misses: 0, Hits: > 0 }, $"round {round}: {cache}");
            await clone.PutAsync("key-000001", expected["key-000001"] = $"round {round}");
        }

        await using var last = await OpenAsync("test");
        Assert.Equal(expected, await GarbageFixture.ReadAsync(last));
    }

    [Fact]
    public async Task A_collector_that_misses_the_checkpoint_sees_the_pin()
    {
        await using (var writer = await OpenAsync("live"))
        {
            await FillAsync(writer, 0, 300);
            await writer.CheckpointAsync("x");
        }

        var connection = _fixture.Connect("live");
        await using var source = await _fixture.OpenAsync(connection);
        await FillAsync(source, 0, 300, "newer");
        await source.CompactAsync();
        _fixture.Time.Advance(3 * GarbageFixture.AgeMin);

        // Between its listing and its reading of the checkpoint: cloned, and deleted by a process that is no owner.
        connection.BeforeGet = async name =>
        {
            if (name == "checkpoints/x")
            {
                connection.BeforeGet = null;
                await CloneAsync("live", "x", "test");
                await _fixture.Memory.OpenSibling("live").DeleteAsync([name]);
            }
        };
        await source.CollectGarbageAsync();
        Assert.Null(connection.BeforeGet);
        await using var clone = await OpenAsync("test");
        Assert.Equal(300, (await GarbageFixture.ReadAsync(clone)).Count);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    /// <returns>Whether there is a clone, and how many calls were made.</returns>
    private async Task<(bool IsWhole, int Calls)> CrashAsync(int at, bool afterEffect, bool thenCutOff)
    {
        string where =
            $"call {at}, {(afterEffect ? "after" : "before")} its effect{(thenCutOff ? ", then killed" : "")}";
        await using var source = await OpenAsync("live");
        await FillAsync(source, 0, 100);
        await source.CheckpointAsync("x");
        var expected = await GarbageFixture.ReadAsync(source);
        var calls = new FailingObjectStore(_fixture.Memory.OpenSibling("live"))
        {
            FailAt = at,
            AfterEffect = afterEffect,
            ThenCutOff = thenCutOff,
        };
        var failed = false;
        try
        {
            await TrieStore.CloneAsync(calls, "x", "test", _fixture.Time);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            failed = true;
        }

        Assert.True(failed == calls.Calls >= at, where);

        // The source goes on, and lets go of all that is not pinned.
        await source.DeleteCheckpointAsync("x");
        await FillAsync(source, 0, 150, "newer");
        await source.CompactAsync();
        _fixture.Time.Advance(3 * GarbageFixture.AgeMin);
        await source.CollectGarbageAsync();
        Assert.Equal(150, (await GarbageFixture.ReadAsync(source)).Count);

        var isThere = (await NamesAsync("test")).Length > 0;
        if (isThere)
        {
            await using var clone = await OpenAsync("test");
            Assert.True(expected.SequenceEqual(await GarbageFixture.ReadAsync(clone)), where);
        }
        else
        {
            // What the attempt may have left can be cleared away.
            foreach (var pin in await PinsAsync("live"))
            {
                Assert.True(await source.DeleteCheckpointAsync(pin), where);
            }
        }

        return (isThere, calls.Calls);
    }

    private ValueTask<TrieStore> OpenAsync(string root) => _fixture.OpenAsync(_fixture.Connect(root));

    private async Task<CheckpointInfo> CloneAsync(string from, string checkpoint, string to) =>
        await TrieStore.CloneAsync(_fixture.Connect(from), checkpoint, to, _fixture.Time);

    /// <summary>A store with a checkpoint, and its clone; both closed.</summary>
    private async Task<SortedDictionary<string, string>> SourceAndCloneAsync()
    {
        SortedDictionary<string, string> expected;
        await using (var source = await OpenAsync("live"))
        {
            await FillAsync(source, 0, 300);
            await source.CompactAsync();
            await FillAsync(source, 200, 200);
            await source.CheckpointAsync("x");
            expected = await GarbageFixture.ReadAsync(source);
        }

        await CloneAsync("live", "x", "test");
        return expected;
    }

    private static async Task FillAsync(TrieStore store, int from, int count, string value = "value")
    {
        for (var i = from; i < from + count; i++)
        {
            await store.PutAsync(
                string.Create(CultureInfo.InvariantCulture, $"key-{i:D6}"),
                string.Create(CultureInfo.InvariantCulture, $"{value} {i}"));
        }
    }

    private async Task<string[]> NamesAsync(string root) =>
        [.. (await _fixture.NamesAsync(root + "/")).Select(name => name[(root.Length + 1)..])];

    private async Task<string[]> PinsAsync(string root) =>
        [
            .. (await NamesAsync(root)).Where(static name => name.StartsWith("checkpoints/clone-", Ordinal))
                .Select(static name => name["checkpoints/".Length..]),
        ];

    private async Task<Manifest> NewestAsync(string root) =>
        (await new ManifestStore(_fixture.Memory.OpenSibling(root), 1).LoadLatestAsync(default))!;

    private static async Task RefusedAsync(DmtErrorKind kind, string says, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<DmtException>(call);
        Assert.Equal(kind, error.Kind);
        Assert.Contains(says, error.Message, Ordinal);
    }
}
