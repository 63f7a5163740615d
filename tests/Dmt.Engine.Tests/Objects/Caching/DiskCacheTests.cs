using Dmt.Core;
using Dmt.Engine.Objects.Caching;
using static Dmt.Engine.Tests.Objects.Caching.CacheFixture;

namespace Dmt.Engine.Tests.Objects.Caching;

/// <summary>Whatever became of its files, a cache gives the right bytes or none.</summary>
public sealed class DiskCacheTests : IDisposable
{
    private const int Part = DiskCacheFormat.PartBytes;

    private readonly CacheFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    public static TheoryData<string> Files =>
        new(DiskCacheFolder.PartsFile, DiskCacheFolder.IndexFile, DiskCacheFolder.IdentityFile);

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_file_cut_at_any_byte_is_a_miss_and_mended(string file)
    {
        var content = await FilledAsync(100);
        var path = Path.Combine(_fixture.Folder, file);
        var whole = await File.ReadAllBytesAsync(path);
        for (var length = 0; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(path, whole[..length]);
            await AssertMissedAndMendedAsync(content);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Any_flipped_bit_is_a_miss_and_mended(string file)
    {
        var content = await FilledAsync(100);
        var path = Path.Combine(_fixture.Folder, file);
        var whole = await File.ReadAllBytesAsync(path);
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(path, whole);
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
            await AssertMissedAndMendedAsync(content);
        }
    }

    [Fact]
    public async Task A_bit_that_flips_under_an_open_cache_is_a_miss_and_mended()
    {
        var content = Content(new Random(1), 100);
        await _fixture.Memory.PutAsync(Name(1), content);
        await using var store = _fixture.Open();
        await ReadAsync(store, 1, 100);
        for (var bit = 0; bit < 800; bit++)
        {
            var bytes = await File.ReadAllBytesAsync(_fixture.Parts);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            await using (var file = new FileStream(
                _fixture.Parts, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            {
                await file.WriteAsync(bytes);
            }

            Assert.Equal(content, await ReadAsync(store, 1, 100));
            Assert.Equal(content, await ReadAsync(store, 1, 100));
            Assert.Equal((bit + 1L, bit + 2L, bit + 1L),
                (store.DiskCache!.Hits, store.DiskCache.Misses, store.DiskCache.Failures));
        }
    }

    [Fact]
    public async Task A_restarted_cache_gives_every_part_again_without_a_request()
    {
        var content = await FilledAsync((5 * Part) + 7);
        await using var store = _fixture.Open();
        Assert.Equal(content, await ReadAsync(store, 1, content.Length));
        Assert.Empty(_fixture.Far.TakeReads());
        Assert.Equal(content.Length, store.DiskCache!.Bytes);
    }

    [Fact]
    public async Task A_cache_of_another_store_is_emptied()
    {
        var content = await FilledAsync(3 * Part);
        await using (var store = _fixture.Open(identity: "memory\nanother"))
        {
            Assert.Equal(0, store.DiskCache!.Bytes);
            Assert.Equal(content, await ReadAsync(store, 1, content.Length));
            Assert.Single(_fixture.Far.TakeReads());
        }
    }

    [Fact]
    public async Task Records_of_another_store_are_not_believed_even_under_the_right_identity()
    {
        // As a power failure may leave it: the new identity is on the disk, the emptying is not.
        var content = await FilledAsync(Part);
        var index = await File.ReadAllBytesAsync(_fixture.Index);
        var parts = await File.ReadAllBytesAsync(_fixture.Parts);
        await _fixture.Open(identity: "memory\nanother").DisposeAsync();
        await File.WriteAllBytesAsync(_fixture.Index, index);
        await File.WriteAllBytesAsync(_fixture.Parts, parts);
        await using var store = _fixture.Open(identity: "memory\nanother");
        Assert.Equal(0, store.DiskCache!.Bytes);
        Assert.Equal(content, await ReadAsync(store, 1, content.Length));
    }

    [Fact]
    public async Task A_cache_keeps_to_its_bound_and_gives_disk_back_when_the_bound_shrinks()
    {
        var random = new Random(2);
        for (var number = 1UL; number <= 20; number++)
        {
            await _fixture.Memory.PutAsync(Name(number), Content(random, 3 * Part));
        }

        foreach (var slots in new[] { 10, 30, 4, 4 })
        {
            await using var store = _fixture.Open(slots);
            for (var number = 1UL; number <= 20; number++)
            {
                await ReadAsync(store, number, 3 * Part);
                Assert.InRange(DiskBytes(), 0, slots * (long)DiskCacheFormat.SlotBytes);
            }

            Assert.Equal(slots * (long)Part, store.DiskCache!.Bytes);
            Assert.NotEqual(0, store.DiskCache.Evictions);
            Assert.Equal(0, store.DiskCache.Failures);
        }
    }

    [Fact]
    public async Task What_is_read_again_and_again_outlives_what_is_read_once()
    {
        var random = new Random(3);
        await using var store = _fixture.Open(slots: 16);
        for (var number = 1UL; number <= 100; number++)
        {
            await _fixture.Memory.PutAsync(Name(number), Content(random, 2 * Part));
            await ReadAsync(store, 1, 2 * Part);
            await ReadAsync(store, number, 2 * Part);
        }

        _fixture.Far.TakeReads();
        await ReadAsync(store, 1, 2 * Part);
        Assert.Empty(_fixture.Far.TakeReads());
    }

    [Fact]
    public async Task A_deleted_table_gives_its_place_back_for_good()
    {
        var content = await FilledAsync(3 * Part);
        await using (var store = _fixture.Open())
        {
            await store.DeleteAsync([Name(1), Name(2), "manifest"]);
            Assert.Equal(0, store.DiskCache!.Bytes);
        }

        await _fixture.Memory.PutAsync(Name(1), new byte[content.Length]);
        await using var again = _fixture.Open();
        Assert.Equal(new byte[content.Length], await ReadAsync(again, 1, content.Length));
    }

    [Fact]
    public async Task A_table_of_another_length_is_another_table()
    {
        await FilledAsync(3 * Part);
        var content = Content(new Random(9), 2 * Part);
        await _fixture.Memory.PutAsync(Name(1), content);
        await using var store = _fixture.Open();
        Assert.Equal(content, await ReadAsync(store, 1, content.Length));
    }

    [Theory]
    [InlineData("shards/1/tables/x", "holds a DMT store (it has shards)")]
    [InlineData("log/1", "holds a DMT store (it has log)")]
    [InlineData("holiday.jpg", "is no cache and is not empty (it has holiday.jpg)")]
    [InlineData("parts", "is no cache and is not empty (it has parts)")]
    public void A_folder_that_holds_anything_else_is_refused_and_not_touched(string file, string said)
    {
        var path = Path.Combine(_fixture.Folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "precious");
        var error = Assert.Throws<DmtException>(() => DiskCache.Open(_fixture.Folder, Identity, 1 << 20));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.StartsWith($"the folder {_fixture.Folder} {said}", error.Message, StringComparison.Ordinal);
        var left = Directory.EnumerateFiles(_fixture.Folder, "*", SearchOption.AllDirectories);
        Assert.Equal("precious", File.ReadAllText(Assert.Single(left)));
    }

    [Fact]
    public async Task A_store_in_a_folder_is_refused_and_opens_as_before()
    {
        await using (var store = await TrieStore.OpenAsync(_fixture.Folder))
        {
            await store.PutAsync("a", "1");
        }

        var before = Snapshot();
        Assert.Throws<DmtException>(() => DiskCache.Open(_fixture.Folder, Identity, 1 << 20));
        Assert.Equal(before, Snapshot());
        await using var again = await TrieStore.OpenAsync(_fixture.Folder);
        Assert.Equal("1", await again.GetTextAsync("a"));

        List<(string, DateTime, long)> Snapshot() =>
            [.. new DirectoryInfo(_fixture.Folder).EnumerateFiles("*", SearchOption.AllDirectories)
                .Select(file => (file.FullName, file.LastWriteTimeUtc, file.Length)).Order()];
    }

    [Fact]
    public async Task A_folder_is_one_cache_at_a_time()
    {
        await using (var store = _fixture.Open())
        {
            var error = Assert.Throws<DmtException>(() => _fixture.Open());
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Contains("is in use by another process", error.Message, StringComparison.Ordinal);
        }

        await _fixture.Open().DisposeAsync();
    }

    [Fact]
    [Trait("Needs", "small-disk")]
    public async Task On_a_full_disk_a_cache_uses_the_places_it_has_and_grows_once_there_is_room()
    {
        using var disk = new SmallDisk(4 << 20);
        await using var store = new CachingObjectStore(_fixture.Far, DiskCache.Open(disk.Path, Identity, 2 << 20));
        var hog = disk.FillUp(200_000);
        var content = Content(new Random(5), 2 * Part);
        var number = 0UL;
        await ReadManyAsync(100);
        var full = store.DiskCache!;
        Assert.InRange(full.Bytes, 1, 200_000);
        Assert.NotEqual(0, full.Evictions);
        Assert.InRange(full.Failures, 1, 10); // it does not try again each time

        File.Delete(hog);
        await ReadManyAsync(1000);
        Assert.InRange(store.DiskCache!.Bytes, 1_500_000, 2 << 20);
        Assert.Equal(full.Failures, store.DiskCache.Failures);

        async Task ReadManyAsync(int tables)
        {
            for (var i = 0; i < tables; i++)
            {
                await _fixture.Memory.PutAsync(Name(++number), content);
                Assert.Equal(content, await ReadAsync(store, number, content.Length));
            }
        }
    }

    [Fact]
    public async Task Many_readers_and_writers_at_once_never_disturb_each_other()
    {
        const int Tables = 12;
        var seed = Environment.TickCount;
        var contents = Enumerable.Range(0, 2 * Tables)
            .Select(i => Content(new Random(seed + i), ((i % 4) + 1) * Part - i)).ToArray();
        for (var i = 0; i < Tables; i++)
        {
            await _fixture.Memory.PutAsync(Name((ulong)i), contents[i]);
        }

        await using var store = _fixture.Open(slots: 10);
        await Parallel.ForAsync(0, 8, async (worker, _) =>
        {
            var random = new Random(seed + (1000 * worker));
            for (var i = 0; i < 500; i++)
            {
                var table = random.Next(Tables);
                var offset = random.Next(contents[table].Length);
                var length = random.Next(contents[table].Length - offset);
                var read = await ReadAsync(store, (ulong)table, contents[table].Length, offset, length);
                Assert.True(contents[table].AsSpan(offset, length).SequenceEqual(read), $"seed {seed}");
                if (i % 50 == worker)
                {
                    var own = Tables + worker;
                    await using var writer = store.OpenWrite(Name((ulong)own));
                    await writer.WriteAsync(contents[own], CancellationToken.None);
                    await writer.CompleteAsync(CancellationToken.None);
                    Assert.Equal(contents[own], await ReadAsync(store, (ulong)own, contents[own].Length));
                    await store.DeleteAsync([Name((ulong)own)], CancellationToken.None);
                }
            }
        });
        Assert.Equal(0, store.DiskCache!.Failures);
        Assert.NotEqual(0, store.DiskCache.Hits);
        Assert.NotEqual(0, store.DiskCache.Evictions);
    }

    private long DiskBytes() => new FileInfo(_fixture.Parts).Length + new FileInfo(_fixture.Index).Length;

    /// <summary>A closed cache that has one table.</summary>
    private async Task<byte[]> FilledAsync(int length)
    {
        var content = Content(new Random(length), length);
        await _fixture.Memory.PutAsync(Name(1), content);
        await using var store = _fixture.Open();
        Assert.Equal(content, await ReadAsync(store, 1, length));
        Assert.Single(_fixture.Far.TakeReads());
        return content;
    }

    private async Task AssertMissedAndMendedAsync(byte[] content)
    {
        await using var store = _fixture.Open();
        Assert.Equal(content, await ReadAsync(store, 1, content.Length));
        Assert.Equal(content, await ReadAsync(store, 1, content.Length));
        Assert.Equal((1L, 1L), (store.DiskCache!.Hits, store.DiskCache.Misses));
    }
}
