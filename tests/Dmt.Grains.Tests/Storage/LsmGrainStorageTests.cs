using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;
using Dmt.Engine.Objects;
using Dmt.Grains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Dmt.Grains.Tests.Storage;

/// <summary>What Orleans asks of every grain storage, over a real store.</summary>
public sealed class LsmGrainStorageTests : IAsyncLifetime
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddSerializer().BuildServiceProvider();
    private static readonly GrainId Grain = GrainId.Create("counter", "apples/1");

    private TrieStore _store = null!;
    private LsmGrainStorage _storage = null!;

    public async Task InitializeAsync()
    {
        _store = await TrieStore.OpenAsync(new MemoryObjectStore(TimeProvider.System));
        _storage = Storage(true);
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task Write_then_read_gives_state_and_etag()
    {
        var written = await WriteAsync(Grain, new() { Text = "Привет", Number = 7, Bytes = [0, 255] });
        Assert.True(written.RecordExists);
        var read = await ReadAsync(Grain);
        Assert.Equal("Привет", read.State!.Text);
        Assert.Equal(7, read.State!.Number);
        Assert.Equal([0, 255], read.State!.Bytes);
        Assert.Equal(written.ETag, read.ETag);
        Assert.NotNull(read.ETag);
        Assert.True(read.RecordExists);
    }

    [Fact]
    public async Task Read_of_what_was_never_written_is_a_fresh_state()
    {
        var state = State(new() { Text = "left over" }, "5");
        state.RecordExists = true;
        await _storage.ReadStateAsync("state", Grain, state);
        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.Equal("", state.State!.Text);
    }

    [Fact]
    public async Task Each_write_changes_the_etag_even_of_the_same_state()
    {
        var state = await WriteAsync(Grain, new() { Number = 1 });
        var first = state.ETag;
        await _storage.WriteStateAsync("state", Grain, state);
        Assert.NotEqual(first, state.ETag);
        Assert.Equal(state.ETag, (await ReadAsync(Grain)).ETag);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("99")]
    [InlineData("not of this storage")]
    public async Task Write_with_a_stale_etag_is_inconsistent_and_changes_nothing(string? etag)
    {
        var written = await WriteAsync(Grain, new() { Number = 1 });
        var error = await Assert.ThrowsAsync<InconsistentStateException>(
            () => _storage.WriteStateAsync("state", Grain, State(new() { Number = 2 }, etag)));
        Assert.Equal(etag, error.CurrentEtag);
        Assert.Contains("counter/apples/1", error.Message, StringComparison.Ordinal);
        var read = await ReadAsync(Grain);
        Assert.Equal((1, written.ETag), (read.State!.Number, read.ETag));
    }

    [Fact]
    public async Task Write_over_what_was_cleared_meanwhile_is_inconsistent()
    {
        var mine = await WriteAsync(Grain, new() { Number = 1 });
        await _storage.ClearStateAsync("state", Grain, await ReadAsync(Grain));
        var error = await Assert.ThrowsAsync<InconsistentStateException>(
            () => _storage.WriteStateAsync("state", Grain, mine));
        Assert.Null(error.StoredEtag);
        Assert.False((await ReadAsync(Grain)).RecordExists);
    }

    [Fact]
    public async Task Clear_with_a_stale_etag_is_inconsistent_and_changes_nothing()
    {
        var stale = await WriteAsync(Grain, new() { Number = 1 });
        var fresh = await ReadAsync(Grain);
        fresh.State!.Number = 2;
        await _storage.WriteStateAsync("state", Grain, fresh);
        foreach (var etag in new[] { stale.ETag, null })
        {
            foreach (var storage in new[] { _storage, Storage(false) })
            {
                var error = await Assert.ThrowsAsync<InconsistentStateException>(
                    () => storage.ClearStateAsync("state", Grain, State(new(), etag)));
                Assert.Equal((fresh.ETag, etag), (error.StoredEtag, error.CurrentEtag));
            }
        }

        Assert.Equal(2, (await ReadAsync(Grain)).State!.Number);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Clear_gives_a_fresh_state_that_can_be_written_again(bool delete)
    {
        var storage = Storage(delete);
        var state = await WriteAsync(Grain, new() { Number = 1 });
        var written = state.ETag;
        await storage.ClearStateAsync("state", Grain, state);
        Assert.False(state.RecordExists);
        Assert.Equal(0, state.State!.Number);
        Assert.NotEqual(written, state.ETag);
        Assert.Equal(delete, state.ETag is null);

        var read = await ReadAsync(Grain);
        Assert.False(read.RecordExists);
        Assert.Equal(state.ETag, read.ETag);
        Assert.Equal(0, read.State!.Number);
        Assert.Equal(delete ? 0 : 1, await _store.CountAsync(KeyRange.All));

        await storage.ClearStateAsync("state", Grain, state);
        state.State!.Number = 3;
        await storage.WriteStateAsync("state", Grain, state);
        Assert.Equal(3, (await ReadAsync(Grain)).State!.Number);
    }

    [Fact]
    public async Task Clear_that_keeps_the_etag_refuses_an_activation_that_never_knew_of_the_state()
    {
        var storage = Storage(false);
        var ignorant = await ReadAsync(Grain);
        await storage.ClearStateAsync("state", Grain, await WriteAsync(Grain, new() { Number = 1 }));
        await Assert.ThrowsAsync<InconsistentStateException>(
            () => storage.WriteStateAsync("state", Grain, ignorant));
    }

    [Fact]
    public async Task Clear_of_what_was_never_written_does_nothing()
    {
        var state = State(new() { Number = 1 }, null);
        await _storage.ClearStateAsync("state", Grain, state);
        Assert.Equal((false, 0, null), (state.RecordExists, state.State!.Number, state.ETag));
        Assert.Equal(0, await _store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task A_null_state_is_read_as_a_fresh_one_with_its_etag()
    {
        var written = State(null!, null);
        await _storage.WriteStateAsync("state", Grain, written);
        var read = await ReadAsync(Grain);
        Assert.NotNull(read.State);
        Assert.False(read.RecordExists);
        Assert.Equal(written.ETag, read.ETag);
        read.State!.Number = 4;
        await _storage.WriteStateAsync("state", Grain, read);
        Assert.Equal(4, (await ReadAsync(Grain)).State!.Number);
    }

    [Fact]
    public async Task A_big_state_is_kept_whole_and_one_over_the_limit_is_refused_before_anything_changes()
    {
        var big = new TestState { Bytes = new byte[(8 << 20) - 4096] };
        new Random(1).NextBytes(big.Bytes);
        var written = await WriteAsync(Grain, big);
        Assert.Equal(big.Bytes, (await ReadAsync(Grain)).State!.Bytes);

        var etag = written.ETag;
        written.State = new TestState { Bytes = new byte[(8 << 20) + 1] };
        var error = await Assert.ThrowsAsync<DmtException>(() => _storage.WriteStateAsync("state", Grain, written));
        Assert.Equal(DmtErrorKind.TooLarge, error.Kind);
        Assert.Contains("state \"state\" of grain counter/apples/1 is 83886", error.Message, StringComparison.Ordinal);
        Assert.Equal(etag, (await ReadAsync(Grain)).ETag);
    }

    [Fact]
    public async Task Names_of_states_storages_services_and_grains_are_kept_apart()
    {
        var others = new LsmGrainStorage("other", "service", Options(true), _store, Activators);
        var elsewhere = new LsmGrainStorage("storage", "elsewhere", Options(true), _store, Activators);
        var twin = GrainId.Create("counter/apples", "1");
        await WriteAsync(Grain, new() { Number = 1 });
        await _storage.WriteStateAsync("state2", Grain, State(new() { Number = 2 }, null));
        await others.WriteStateAsync("state", Grain, State(new() { Number = 3 }, null));
        await elsewhere.WriteStateAsync("state", Grain, State(new() { Number = 4 }, null));
        await WriteAsync(twin, new() { Number = 5 });

        Assert.Equal(1, (await ReadAsync(Grain)).State!.Number);
        var keys = await _store.EnumerateAsync(new ScanRequest()).ToListAsync();
        Assert.Equal(
            [
                "grain-state/elsewhere/storage/counter/apples%2F1/state",
                "grain-state/service/other/counter/apples%2F1/state",
                "grain-state/service/storage/counter%2Fapples/1/state",
                "grain-state/service/storage/counter/apples%2F1/state",
                "grain-state/service/storage/counter/apples%2F1/state2",
            ],
            keys.Select(k => Encoding.UTF8.GetString(k.Key.Span)));
    }

    [Theory]
    [InlineData("Ärger über 100%", "Ärger über 100%25")]
    [InlineData("a\nb\u007f", "a%0Ab%7F")]
    public void Keys_are_readable_and_keep_different_grains_apart(string key, string shown) => Assert.Equal(
        $"grain-state/s/n/t/{shown}/state",
        Encoding.UTF8.GetString(GrainStateKey.Of("s", "n", GrainId.Create("t", key), "state")));

    [Fact]
    public void Bytes_of_a_grain_key_that_are_no_text_are_kept()
    {
        var grain = GrainId.Create(GrainType.Create("t"), new IdSpan([0x61, 0xFF, 0xC3]));
        Assert.Equal(
            "grain-state/s/n/t/a%FF%C3/state", Encoding.UTF8.GetString(GrainStateKey.Of("s", "n", grain, "state")));
    }

    [Fact]
    public async Task A_key_over_the_limit_is_a_clear_error()
    {
        var grain = GrainId.Create("counter", new string('k', 1000));
        foreach (var call in new Func<Task>[]
        {
            () => ReadAsync(grain), () => WriteAsync(grain, new()),
            () => _storage.ClearStateAsync("state", grain, State(new(), null)),
        })
        {
            var error = await Assert.ThrowsAsync<DmtException>(call);
            Assert.Equal(DmtErrorKind.TooLarge, error.Kind);
            Assert.Contains("1024", error.Message, StringComparison.Ordinal);
            Assert.Contains("counter/kkk", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Of_concurrent_writers_of_one_state_one_wins_each_time()
    {
        var wins = 0;
        await Parallel.ForAsync(0, 8, async (_, _) =>
        {
            for (var i = 0; i < 50; i++)
            {
                var state = await ReadAsync(Grain);
                state.State!.Number++;
                try
                {
                    await _storage.WriteStateAsync("state", Grain, state);
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
        Assert.Equal(wins, (await ReadAsync(Grain)).State!.Number);
    }

    private static IActivatorProvider Activators => Services.GetRequiredService<IActivatorProvider>();

    private static LsmGrainStorageOptions Options(bool delete) => new()
    {
        DeleteStateOnClear = delete,
        GrainStorageSerializer = new OrleansGrainStorageSerializer(Services.GetRequiredService<Serializer>()),
    };

    private static GrainState<TestState> State(TestState state, string? etag) => new(state, etag!);

    private LsmGrainStorage Storage(bool delete) => new("storage", "service", Options(delete), _store, Activators);

    private async Task<GrainState<TestState>> WriteAsync(GrainId grain, TestState state)
    {
        var written = State(state, null);
        await _storage.WriteStateAsync("state", grain, written);
        return written;
    }

    private async Task<GrainState<TestState>> ReadAsync(GrainId grain)
    {
        var read = new GrainState<TestState>();
        await _storage.ReadStateAsync("state", grain, read);
        return read;
    }
}
