using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>What Orleans asks of every grain storage, as our configuration sets it up, over Azure's protocol.</summary>
[Trait("Needs", "azurite")]
[Collection(AzuriteTests.Name)]
public sealed class GrainStateTests(GrainStateSilo silo, Azurite azurite) : IClassFixture<GrainStateSilo>
{
    private readonly string _key = $"{Guid.NewGuid():N}";

    private GrainId Grain => GrainId.Create("counter", _key);

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Write_then_read_gives_state_and_etag(string kind)
    {
        var written = await WriteAsync(kind, new() { Text = "Привет", Number = 7, Bytes = [0, 255] });
        Assert.True(written.RecordExists);
        var read = await ReadAsync(kind);
        Assert.Equal(("Привет", 7), (read.State!.Text, read.State!.Number));
        Assert.Equal([0, 255], read.State!.Bytes);
        Assert.NotNull(read.ETag);
        Assert.Equal(written.ETag, read.ETag);
        Assert.True(read.RecordExists);
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Read_of_what_was_never_written_is_a_fresh_state(string kind)
    {
        var read = await ReadAsync(kind, new GrainState<TestState>(new() { Text = "left over" }));
        Assert.Equal((false, null, ""), (read.RecordExists, read.ETag, read.State!.Text));
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Each_write_changes_the_etag_even_of_the_same_state(string kind)
    {
        var state = await WriteAsync(kind, new() { Number = 1 });
        var first = state.ETag;
        await Storage(kind).WriteStateAsync("state", Grain, state);
        Assert.NotEqual(first, state.ETag);
        Assert.Equal(state.ETag, (await ReadAsync(kind)).ETag);
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Write_with_a_stale_etag_is_inconsistent_and_changes_nothing(string kind)
    {
        var stale = (await WriteAsync(kind, new() { Number = 1 })).ETag;
        var fresh = await ReadAsync(kind);
        fresh.State!.Number = 2;
        await Storage(kind).WriteStateAsync("state", Grain, fresh);
        foreach (var etag in new[] { stale, null })
        {
            await Assert.ThrowsAnyAsync<InconsistentStateException>(() => Storage(kind).WriteStateAsync(
                "state", Grain, new GrainState<TestState>(new() { Number = 3 }, etag!)));
        }

        var read = await ReadAsync(kind);
        Assert.Equal((2, fresh.ETag), (read.State!.Number, read.ETag));
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Clear_with_a_stale_etag_is_inconsistent_and_changes_nothing(string kind)
    {
        var stale = (await WriteAsync(kind, new() { Number = 1 })).ETag;
        var fresh = await ReadAsync(kind);
        await Storage(kind).WriteStateAsync("state", Grain, fresh);
        await Assert.ThrowsAnyAsync<InconsistentStateException>(() => Storage(kind).ClearStateAsync(
            "state", Grain, new GrainState<TestState>(new(), stale)));
        var read = await ReadAsync(kind);
        Assert.Equal((1, fresh.ETag), (read.State!.Number, read.ETag));
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Clear_gives_a_fresh_state_that_can_be_written_again(string kind)
    {
        var state = await WriteAsync(kind, new() { Number = 1 });
        await Storage(kind).ClearStateAsync("state", Grain, state);
        Assert.Equal((false, 0), (state.RecordExists, state.State!.Number));
        var read = await ReadAsync(kind);
        Assert.Equal((false, 0, state.ETag), (read.RecordExists, read.State!.Number, read.ETag));
        state.State!.Number = 3;
        await Storage(kind).WriteStateAsync("state", Grain, state);
        Assert.Equal(3, (await ReadAsync(kind)).State!.Number);
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Write_over_what_was_cleared_meanwhile_is_inconsistent(string kind)
    {
        var mine = await WriteAsync(kind, new() { Number = 1 });
        await Storage(kind).ClearStateAsync("state", Grain, await ReadAsync(kind));
        await Assert.ThrowsAnyAsync<InconsistentStateException>(
            () => Storage(kind).WriteStateAsync("state", Grain, mine));
        Assert.False((await ReadAsync(kind)).RecordExists);
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task A_null_state_is_read_as_a_fresh_one_with_its_etag(string kind)
    {
        var written = await WriteAsync(kind, null!);
        var read = await ReadAsync(kind);
        Assert.NotNull(read.State);
        Assert.Equal((false, written.ETag), (read.RecordExists, read.ETag));
        read.State!.Number = 4;
        await Storage(kind).WriteStateAsync("state", Grain, read);
        Assert.Equal(4, (await ReadAsync(kind)).State!.Number);
    }

    [Theory]
    [InlineData("blob", 8 << 20)]
    [InlineData("table", 600 << 10)] // As base64, which JSON needs, little under the limit of 960 KiB.
    public async Task A_big_state_is_kept_whole(string kind, int bytes)
    {
        var big = new TestState { Bytes = new byte[bytes] };
        new Random(1).NextBytes(big.Bytes);
        await WriteAsync(kind, big);
        Assert.Equal(big.Bytes, (await ReadAsync(kind)).State!.Bytes);
    }

    [Fact]
    public async Task A_state_that_is_too_large_for_a_row_is_refused_before_anything_changes()
    {
        var written = await WriteAsync("table", new() { Number = 1 });
        written.State = new() { Bytes = new byte[960 << 10] };
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Storage("table").WriteStateAsync("state", Grain, written));
        Assert.Equal(1, (await ReadAsync("table")).State!.Number);
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Of_concurrent_writers_of_one_state_one_wins_each_time(string kind)
    {
        var wins = 0;
        await Parallel.ForAsync(0, 4, async (_, _) =>
        {
            for (var i = 0; i < 10; i++)
            {
                var state = await ReadAsync(kind);
                state.State!.Number++;
                try
                {
                    await Storage(kind).WriteStateAsync("state", Grain, state);
                    Interlocked.Increment(ref wins);
                }
                catch (InconsistentStateException)
                {
                    // Somebody else was first; what counts is that neither is lost.
                    continue;
                }
            }
        });
        Assert.True(wins > 0);
        Assert.Equal(wins, (await ReadAsync(kind)).State!.Number);
    }

    [Theory]
    [InlineData("blob")]
    [InlineData("table")]
    public async Task Services_that_share_an_account_are_kept_apart(string kind)
    {
        await WriteAsync(kind, new() { Number = 1 });
        using var other = await silo.StartAsync("garage");
        var storage = other.Services.GetRequiredKeyedService<IGrainStorage>(kind);
        var state = new GrainState<TestState>(new());
        await storage.ReadStateAsync("state", Grain, state);
        Assert.False(state.RecordExists);
        state.State!.Number = 2;
        await storage.WriteStateAsync("state", Grain, state);
        await other.StopAsync();

        Assert.Equal(1, (await ReadAsync(kind)).State!.Number);
        Assert.Equal(
            kind == "blob"
                ? [$"garage/state-counter/{_key}.json", $"shop/state-counter/{_key}.json"]
                : [$"garage_counter_{_key} state", $"shop_counter_{_key} state"],
            await NamesAsync(kind));
    }

    private IGrainStorage Storage(string kind) => silo.Storage(kind);

    private async Task<GrainState<TestState>> WriteAsync(string kind, TestState state)
    {
        var written = new GrainState<TestState>(state);
        await Storage(kind).WriteStateAsync("state", Grain, written);
        return written;
    }

    private async Task<GrainState<TestState>> ReadAsync(string kind, GrainState<TestState>? into = null)
    {
        var read = into ?? new GrainState<TestState>(new());
        await Storage(kind).ReadStateAsync("state", Grain, read);
        return read;
    }

    /// <summary>What Azure has of this grain, in order.</summary>
    private async Task<List<string>> NamesAsync(string kind)
    {
        var names = kind == "blob"
            ? await new BlobContainerClient(azurite.ConnectionString, silo.Container).GetBlobsAsync()
                .Select(static blob => blob.Name).ToListAsync()
            : await new TableClient(azurite.ConnectionString, silo.Container).QueryAsync<TableEntity>()
                .Select(static row => $"{row.PartitionKey} {row.RowKey}").ToListAsync();
        return [.. names.Where(name => name.Contains(_key, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }
}

[GenerateSerializer]
[Alias("Dmt.Grains.AzureStorage.Tests.TestState")]
public sealed record TestState
{
    [Id(0)]
    public string Text { get; set; } = "";

    [Id(1)]
    public int Number { get; set; }

    [Id(2)]
    public byte[] Bytes { get; set; } = [];
}
