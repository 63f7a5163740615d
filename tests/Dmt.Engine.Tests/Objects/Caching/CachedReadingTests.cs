using Dmt.Core;
using Dmt.Engine.Objects.Caching;
using static Dmt.Engine.Tests.Objects.Caching.CacheFixture;

namespace Dmt.Engine.Tests.Objects.Caching;

/// <summary>Which requests a read makes of the store, and which it does not.</summary>
public sealed class CachedReadingTests : IDisposable
{
    private const int Part = DiskCacheFormat.PartBytes;
    private const int Length = (10 * Part) + 100;

    private readonly CacheFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(5, 100, 0, Part)]
    [InlineData(Part - 1, 2, 0, 2 * Part)]
    [InlineData(Part, Part, Part, Part)]
    [InlineData((10 * Part) + 7, 3, 10 * Part, 100)]
    [InlineData(0, Length, 0, Length)]
    public async Task A_miss_is_one_request_for_the_parts_around_it(int offset, int length, long from, int bytes)
    {
        var content = await PutAsync();
        await using var store = _fixture.Open();
        var expected = content.AsSpan(offset, length).ToArray();
        Assert.Equal(expected, await ReadAsync(store, 1, Length, offset, length));
        Assert.Equal([(Name(1), from, bytes)], _fixture.Far.TakeReads());
        Assert.Equal(expected, await ReadAsync(store, 1, Length, offset, length));
        Assert.Empty(_fixture.Far.TakeReads());
    }

    [Fact]
    public async Task Of_a_read_that_is_partly_cached_the_gap_is_fetched_with_one_request()
    {
        var content = await PutAsync();
        await using var store = _fixture.Open();
        foreach (var cached in new[] { 0, 1, 5, 9 })
        {
            await ReadAsync(store, 1, Length, cached * Part, 1);
        }

        _fixture.Far.TakeReads();
        Assert.Equal(content[100..], await ReadAsync(store, 1, Length, 100, Length - 100));
        Assert.Equal([(Name(1), 2L * Part, Length - (2 * Part))], _fixture.Far.TakeReads());
    }

    [Fact]
    public async Task A_cached_part_is_read_on_the_calling_thread()
    {
        await PutAsync();
        await using var store = _fixture.Open();
        await ReadAsync(store, 1, Length, 10, 10);
        await using var reader = store.OpenRead(Name(1), Length);
        var reading = reader.ReadAsync(3, new byte[100]).AsTask();
        Assert.True(reading.IsCompletedSuccessfully);
        Assert.True(reader.MayBeRemote);
    }

    [Fact]
    public async Task What_is_read_once_takes_no_place_and_no_byte_too_many()
    {
        var content = await PutAsync();
        await using var store = _fixture.Open();
        await ReadAsync(store, 1, Length, Part, 1);
        _fixture.Far.TakeReads();
        await using var reader = store.OpenRead(Name(1), Length);
        var buffer = new byte[3 * Part];
        for (var round = 0; round < 2; round++)
        {
            await reader.ReadOnceAsync(Part + 5, buffer);
            Assert.Equal(content[(Part + 5)..((4 * Part) + 5)], buffer);
            Assert.Equal([(Name(1), 2L * Part, (2 * Part) + 5)], _fixture.Far.TakeReads());
        }

        Assert.Equal(Part, store.DiskCache!.Bytes);
    }

    [Fact]
    public async Task Readers_that_miss_the_same_part_share_a_request()
    {
        var content = await PutAsync();
        await using var store = _fixture.Open();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _fixture.Far.Hold = hold.Task;
        await using var reader = store.OpenRead(Name(1), Length);
        var buffers = Enumerable.Range(0, 10).Select(_ => new byte[100]).ToArray();
        var reads = buffers.Select((buffer, i) => reader.ReadAsync(Part + i, buffer).AsTask()).ToArray();
        hold.SetResult();
        await Task.WhenAll(reads);
        Assert.Single(_fixture.Far.TakeReads());
        Assert.All(buffers, (buffer, i) => Assert.Equal(content[(Part + i)..(Part + i + 100)], buffer));
    }

    [Fact]
    public async Task Whoever_shares_a_request_gets_its_bytes_though_the_first_gave_up()
    {
        var content = await PutAsync();
        await using var store = _fixture.Open();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _fixture.Far.Hold = hold.Task;
        await using var reader = store.OpenRead(Name(1), Length);
        using var giveUp = new CancellationTokenSource();
        var buffer = new byte[100];
        var first = reader.ReadAsync(0, new byte[100], giveUp.Token).AsTask();
        var second = reader.ReadAsync(0, buffer).AsTask();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        hold.SetResult();
        await second;
        Assert.Equal(content[..100], buffer);
    }

    [Fact]
    public async Task A_missing_or_short_table_is_an_error_that_names_where_it_was_read()
    {
        await PutAsync();
        await using var store = _fixture.Open();
        foreach (var (number, length, offset) in new[] { (2UL, Length, Part + 17), (1UL, Length + Part, Length + 3) })
        {
            var error = await Assert.ThrowsAsync<DmtException>(() => ReadAsync(store, number, length, offset, 1));
            Assert.Equal(DmtErrorKind.Corruption, error.Kind);
            Assert.Contains($"{Name(number)} is damaged at offset {offset}", error.Message, StringComparison.Ordinal);
        }

        // What is there of a table that is too short is still read.
        await ReadAsync(store, 1, Length + 1, Length - 3, 3);
    }

    [Fact]
    public async Task A_table_written_through_needs_no_request_and_is_not_found_before_it_is_there()
    {
        var content = Content(new Random(1), Length);
        await using (var store = _fixture.Open())
        {
            await using var writer = store.OpenWrite(Name(1));
            await writer.WriteAsync(content);
            Assert.Equal(0, store.DiskCache!.Bytes);
            await writer.CompleteAsync();
            Assert.Equal(Length, store.DiskCache.Bytes);
        }

        await using var again = _fixture.Open();
        Assert.Equal(content, await ReadAsync(again, 1, Length));
        Assert.Empty(_fixture.Far.TakeReads());
    }

    [Fact]
    public async Task A_table_that_is_not_completed_or_too_large_takes_no_place()
    {
        await using var store = _fixture.Open(slots: 16);
        await using (var writer = store.OpenWrite(Name(1)))
        {
            await writer.WriteAsync(new byte[5 * Part]);
        }

        await using (var writer = store.OpenWrite(Name(2)))
        {
            await writer.WriteAsync(new byte[9 * Part]);
            await writer.CompleteAsync();
        }

        Assert.Equal(0, store.DiskCache!.Bytes);
        await _fixture.Memory.PutAsync(Name(3), Content(new Random(3), 16 * Part));
        await ReadAsync(store, 3, 16 * Part);
        Assert.Equal(16 * Part, store.DiskCache.Bytes);
    }

    [Fact]
    public async Task What_a_reader_forgets_is_fetched_anew()
    {
        await PutAsync();
        await using var store = _fixture.Open();
        await ReadAsync(store, 1, Length);
        await using var reader = store.OpenRead(Name(1), Length);
        reader.Forget(Part + 1, Part);
        Assert.Equal(Length - (2 * Part), store.DiskCache!.Bytes);
        reader.Forget(0, Length);
        Assert.Equal(0, store.DiskCache.Bytes);
    }

    [Fact]
    public async Task Only_tables_are_cached()
    {
        string[] names =
        [
            "shards/1/manifest/0000000000000001", "log/01A/0000000000000001", "shards/1/tables/1-1.table",
            "shards/01/tables/0000000001-0000000001.table", "shards/1/tables/0000000001-0000000001.tables",
            "x/1/tables/0000000001-0000000001.table", "shards/1/tables/0000000001-0000000001-1.table",
        ];
        await using var store = _fixture.Open();
        foreach (var name in names)
        {
            await using (var writer = store.OpenWrite(name))
            {
                await writer.WriteAsync(new byte[100]);
                await writer.CompleteAsync();
            }

            await using var reader = store.OpenRead(name, 100);
            await reader.ReadAsync(0, new byte[100]);
            Assert.False(reader.MayBeRemote);
        }

        Assert.Equal(0, store.DiskCache!.Bytes);
    }

    private async Task<byte[]> PutAsync()
    {
        var content = Content(new Random(Length), Length);
        await _fixture.Memory.PutAsync(Name(1), content);
        return content;
    }
}
