using Dmt.Core;
using Dmt.Engine.Inspection;
using Dmt.Engine.Requests;
using Dmt.Engine.Tests.Torture;
using Dmt.Testing;

namespace Dmt.Engine.Tests.Requests;

/// <summary>What a shard keeps of requests, and for how long.</summary>
public sealed class RequestShardTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();

    private string Folder => Path.Combine(_directory.Path, "store");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Attempts_of_one_write_that_come_at_the_same_time_all_get_its_version()
    {
        await using var store = await OpenAsync();
        for (var i = 1ul; i <= 200; i++)
        {
            var options = new WriteOptions { Condition = WriteCondition.Absent, Request = new RequestId(1, i, i) };
            var versions = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
                Task.Run(async () => await store.PutAsync($"k{i}", "v", options))));
            Assert.Single(versions.Distinct());
            Assert.Equal(2 * i, store.LastSequence);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_is_forgotten_after_an_idle_hour_and_not_before(bool reopens)
    {
        var store = await OpenAsync();
        var options = new WriteOptions { Request = new RequestId(1, 1, 1) };
        var version = await store.PutAsync("k", "1", options);
        await AdvanceAsync(RequestTable.IdleMax);
        Assert.Equal(version, await store.PutAsync("k", "1", options));
        await AdvanceAsync(RequestTable.IdleMax + TimeSpan.FromMilliseconds(1));
        Assert.NotEqual(version, await store.PutAsync("k", "1", options));
        await store.DisposeAsync();

        async Task AdvanceAsync(TimeSpan by)
        {
            _clock.Advance(by);
            await store.PutAsync("other", "v");
            await store.FlushAsync(); // What writes a manifest forgets.
            if (reopens)
            {
                await store.DisposeAsync();
                store = await OpenAsync();
            }
        }
    }

    [Fact]
    public async Task A_client_that_completes_nothing_is_refused_and_nothing_is_changed()
    {
        await using var store = await OpenAsync();
        for (var i = 1ul; i <= RequestTable.NumbersPerClientMax; i++)
        {
            await store.PutAsync("k", "v", new WriteOptions { Request = new RequestId(1, i, 1) });
        }

        var next = new RequestId(1, RequestTable.NumbersPerClientMax + 1, 1);
        var last = store.LastSequence;
        var error = await Assert.ThrowsAsync<DmtException>(async () =>
            await store.PutAsync("k", "w", new WriteOptions { Request = next }));
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.Contains("complete the oldest ones first", error.Message, StringComparison.Ordinal);
        Assert.Equal(last, store.LastSequence);
        await store.PutAsync("k", "w", new WriteOptions { Request = next with { PendingFrom = 2 } });
        Assert.Equal("w", await store.GetTextAsync("k"));
    }

    [Fact]
    public async Task A_restored_store_takes_a_request_that_it_had_after_the_checkpoint()
    {
        var options = new WriteOptions { Request = new RequestId(1, 1, 1) };
        ulong version;
        await using (var store = await OpenAsync())
        {
            await store.PutAsync("k", "before");
            await store.CheckpointAsync("c");
            version = await store.PutAsync("k", "1", options);
            await store.FlushAsync();
            Assert.Equal(version, await store.PutAsync("k", "1", options));
        }

        await using var restored = await TrieStore.OpenAsync(
            Folder, TinyOptions.Create() with { RestoreFrom = "c" }, _clock);
        Assert.Equal("before", await restored.GetTextAsync("k"));
        Assert.True(await restored.PutAsync("k", "1", options) > version);
        Assert.Equal("1", await restored.GetTextAsync("k"));
    }

    [Fact]
    public async Task A_strict_repeat_is_acknowledged_when_the_first_attempt_is_durable()
    {
        var options = new WriteOptions { Request = new RequestId(1, 1, 1) };
        var strict = options with { Durability = Durability.Strict };
        var copy = Folder + "-copy";
        ulong version;
        await using (var store = await OpenAsync())
        {
            version = await store.PutAsync("k", "1", options);
            Assert.Equal(version, await store.PutAsync("k", "1", strict));
            StoreFolder.CopyTo(Folder, copy); // Without it, the log's buffer would not be there.
        }

        await using var crashed = await TrieStore.OpenAsync(copy, TinyOptions.Create(), _clock);
        Assert.Equal("1", await crashed.GetTextAsync("k"));
        Assert.Equal(version, await crashed.PutAsync("k", "1", strict));
    }

    [Fact]
    public async Task An_inspection_shows_requests_in_logs_and_manifests()
    {
        var copy = Folder + "-copy";
        await using (var store = await OpenAsync())
        {
            var options = new WriteOptions { Request = new RequestId(0xAB, 1, 1), Durability = Durability.Strict };
            await store.PutAsync("k", "1", options);
            await store.FlushAsync();
            await store.PutAsync("k", "2", options with { Request = new RequestId(0xAB, 2, 1) });
            StoreFolder.CopyTo(Folder, copy);
        }

        List<string> lines = [];
        Inspector.Inspect(copy, InspectDetail.Entries, line => lines.Add(line.Text));
        Assert.Contains(lines, static line => line.Contains(
            "request 2 of client 00000000000000ab, pending from 1", StringComparison.Ordinal));
        Assert.Contains(lines, static line => line.Contains("knows 1 request of 1 client", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_request_that_does_not_come_before_its_operations_is_damage(bool isAlone)
    {
        var copy = Folder + "-copy";
        await using (var store = await OpenAsync())
        {
            var batch = new WriteBatch { Request = new RequestId(1, 1, 1) }.Put("k"u8, "v"u8);
            var request = batch.Record[..^batch.Encoded.Length].ToArray();
            byte[] record = isAlone ? request : [.. batch.Encoded, .. request];
            var shard = store.Shards.Root;
            store.Host.Log.Append(shard.Id, shard.Epoch, 1, isAlone ? 1 : 2, record, Durability.Strict);
            await store.SyncAsync();
            StoreFolder.CopyTo(Folder, copy);
        }

        var error = await Assert.ThrowsAsync<DmtException>(async () => await TrieStore.OpenAsync(copy));
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Contains("does not come before the operations", error.Message, StringComparison.Ordinal);
    }

    private ValueTask<TrieStore> OpenAsync() => TrieStore.OpenAsync(Folder, TinyOptions.Create(), _clock);
}
