using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Checksums;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Objects;
using Dmt.Engine.Reading;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Torture;

/// <summary>
/// Files with flipped bits, cut files and missing files: right data, or an error that names the file; never wrong data.
/// </summary>
public sealed class DamageTests : IDisposable
{
    private static readonly EngineOptions Options = TinyOptions.Create() with { FilterBitsPerKey = 10 };

    private readonly TemporaryDirectory _directory = new();

    private string Folder => Path.Combine(_directory.Path, "store");

    private string Copy => Path.Combine(_directory.Path, "copy");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Every_flipped_bit_and_cut_of_a_table_is_an_error_that_names_it()
    {
        await FillAsync(keys: 40);
        var info = Assert.Single(LatestManifest().Levels.SelectMany(static level => level));
        Assert.True(info.RangeTombstones > 0 && info.Entries >= 20);
        var whole = await File.ReadAllBytesAsync(Path.Combine(Folder, info.Id.ObjectName));
        var expected = await ReadTableAsync(info, whole);
        foreach (var damaged in Damaged(whole))
        {
            var error =
                await Record.ExceptionAsync(async () => Assert.Equal(expected, await ReadTableAsync(info, damaged)));
            Assert.Equal(DmtErrorKind.Corruption, Assert.IsType<DmtException>(error).Kind);
            Assert.Contains(info.Id.ObjectName, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_flipped_bit_and_cut_of_a_manifest_is_an_error_that_names_it()
    {
        await FillAsync(keys: 5);
        var whole = ManifestCodec.Encode(LatestManifest());
        foreach (var damaged in Damaged(whole))
        {
            var error = Assert.Throws<DmtException>(() => ManifestCodec.Decode(damaged, "the/manifest"));
            Assert.Equal(DmtErrorKind.Corruption, error.Kind);
            Assert.Contains("the/manifest", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_missing_table_is_an_error_that_names_it()
    {
        await FillAsync(keys: 40);
        var table = Assert.Single(StoreFolder.Tables(Folder));
        File.Delete(Path.Combine(Folder, table));
        var error = await Assert.ThrowsAsync<DmtException>(() => ReadAsync(Folder));
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Contains(Path.GetFileName(table), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_latest_manifest_never_shows_wrong_data()
    {
        var expected = await FillAsync(keys: 40);
        File.Delete(Path.Combine(Folder, StoreFolder.Manifests(Folder)[^1]));
        try
        {
            Assert.Equal(expected, await ReadAsync(Folder));
        }
        catch (DmtException e)
        {
            Assert.Equal(DmtErrorKind.Corruption, e.Kind);
        }
    }

    [Theory]
    [InlineData("table")]
    [InlineData("manifest")]
    [InlineData("log")]
    public async Task A_newer_format_is_refused_and_nothing_changes(string kind)
    {
        await FillAsync(keys: 40, crash: kind == "log");
        var path = Path.Combine(Folder, kind switch
        {
            "table" => StoreFolder.Tables(Folder)[^1],
            "manifest" => StoreFolder.Manifests(Folder)[^1],
            _ => StoreFolder.Logs(Folder)[0],
        });
        var bytes = await File.ReadAllBytesAsync(path);
        Upgrade(kind, bytes);
        await File.WriteAllBytesAsync(path, bytes);
        var before = StoreFolder.Files(Folder);
        for (var tries = 0; tries < 3; tries++)
        {
            var error = await Assert.ThrowsAsync<DmtException>(() => ReadAsync(Folder));
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Contains("newer", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, StoreFolder.Files(Folder));
    }

    [Fact]
    public async Task The_log_cut_at_every_byte_leaves_a_prefix()
    {
        var (path, whole, records) = await LogOfAsync(12);
        for (var length = 0; length <= records; length++)
        {
            StoreFolder.CopyTo(Folder, Copy);
            await File.WriteAllBytesAsync(Path.Combine(Copy, path), whole[..length]);
            await PrefixOrCorruptionAsync($"cut at {length}");
            Directory.Delete(Copy, recursive: true);
        }
    }

    [Fact]
    public async Task The_log_with_any_flipped_bit_is_a_prefix_or_an_error()
    {
        var (path, whole, records) = await LogOfAsync(2);
        for (var bit = 0; bit < records * 8; bit++)
        {
            StoreFolder.CopyTo(Folder, Copy);
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(Path.Combine(Copy, path), whole);
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
            await PrefixOrCorruptionAsync($"bit {bit}");
            Directory.Delete(Copy, recursive: true);
        }
    }

    private static void Upgrade(string kind, byte[] bytes)
    {
        switch (kind)
        {
            case "table":
                var footer = bytes.AsSpan(^56..);
                BinaryPrimitives.WriteUInt32LittleEndian(footer[36..], 2);
                BinaryPrimitives.WriteUInt32LittleEndian(footer[48..], Crc32C.Compute(footer[..48]));
                break;
            case "manifest":
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), ManifestCodec.Version + 1);
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^4..), Crc32C.Compute(bytes.AsSpan(..^4)));
                break;
            default:
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 2);
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(68), Crc32C.Compute(bytes.AsSpan(..68)));
                break;
        }
    }

    /// <summary>
    /// A folder with entries, tombstones and range tombstones in one table of several blocks; or in the log, after a
    /// crash.
    /// </summary>
    private async Task<List<string>> FillAsync(int keys, bool crash = false)
    {
        await using var store = await TrieStore.OpenAsync(crash ? Copy : Folder, Options);
        using var snapshot = store.OpenSnapshot();
        for (var i = 0; i < keys; i++)
        {
            await store.PutAsync($"key{i:D3}", new string((char)('a' + (i % 26)), 30));
        }

        await store.DeleteAsync("key001");
        await store.DeleteRangeAsync(KeyRange.Prefix("key02"u8.ToArray()));
        if (crash)
        {
            await store.SyncAsync();
            StoreFolder.CopyTo(Copy, Folder);
        }

        return await ReadAsync(store);
    }

    private async Task<(string Path, byte[] Whole, int Records)> LogOfAsync(int puts)
    {
        await using var store = await TrieStore.OpenAsync(Copy, Options);
        for (var i = 0; i < puts; i++)
        {
            await store.PutAsync($"key{i:D3}", $"value {i}", new WriteOptions { Durability = Durability.Strict });
        }

        StoreFolder.CopyTo(Copy, Folder);
        await store.DisposeAsync();
        Directory.Delete(Copy, recursive: true);
        var path =
            Assert.Single(StoreFolder.Logs(Folder), static f => f.EndsWith("0001.log", StringComparison.Ordinal));
        var whole = await File.ReadAllBytesAsync(Path.Combine(Folder, path));
        return (path, whole, whole.AsSpan().LastIndexOfAnyExcept((byte)0) + 1);
    }

    private async Task PrefixOrCorruptionAsync(string what)
    {
        try
        {
            var found = await ReadAsync(Copy);
            var prefix = Enumerable.Range(0, found.Count).Select(i =>
                string.Create(CultureInfo.InvariantCulture, $"key{i:D3}=value {i}"));
            Assert.True(prefix.SequenceEqual(found), $"{what}: {string.Join(", ", found)}");
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Corruption or DmtErrorKind.Unavailable)
        {
            Assert.Contains(".log", e.Message, StringComparison.Ordinal);
        }
    }

    private Manifest LatestManifest()
    {
        var name = StoreFolder.Manifests(Folder)[^1];
        return ManifestCodec.Decode(File.ReadAllBytes(Path.Combine(Folder, name)), name);
    }

    /// <summary>The bytes with each bit flipped, one at a time, and cut at each length.</summary>
    private static IEnumerable<byte[]> Damaged(byte[] whole)
    {
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return [.. whole];
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var length = 0; length < whole.Length; length++)
        {
            yield return whole[..length];
        }
    }

    /// <summary>All entries and range tombstones, as text.</summary>
    private static async Task<List<string>> ReadTableAsync(TableInfo info, byte[] bytes)
    {
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        await objects.PutAsync(info.Id.ObjectName, bytes);
        var table = await TableReader.OpenAsync(objects, info, new BlockCache(new MemoryBudget(8 << 20)), default);
        using var cursor = new RunCursor([table], reverse: false, CachedBlocks.Instance);
        List<string> found =
            [.. table.RangeTombstones.Tombstones().Select(static t => $"{t.Sequence} {Key.ToDisplay(t.Start)}")];
        for (var done = cursor.Seek([]); ; done = cursor.Advance())
        {
            if (!done)
            {
                await cursor.LoadAsync(default);
            }

            if (!cursor.Valid)
            {
                return found;
            }

            found.Add(
                $"{Key.ToDisplay(cursor.Key)} {cursor.Sequence} {cursor.Kind} {Encoding.UTF8.GetString(cursor.Value)}");
        }
    }

    private static async Task<List<string>> ReadAsync(string folder)
    {
        await using var store = await TrieStore.OpenAsync(folder, Options);
        return await ReadAsync(store);
    }

    /// <summary>Everything, by scans both ways and by gets, which must agree.</summary>
    private static async Task<List<string>> ReadAsync(TrieStore store)
    {
        List<string>[] found = [[], []];
        foreach (var reverse in (bool[])[false, true])
        {
            using var scan = store.OpenScan(KeyRange.All, reverse);
            while (await scan.MoveNextAsync())
            {
                found[reverse ? 1 : 0]
                    .Add($"{Encoding.UTF8.GetString(scan.Key)}={Encoding.UTF8.GetString(scan.Value)}");
            }
        }

        found[1].Reverse();
        Assert.Equal(found[0], found[1]);
        List<string> got = [];
        for (var i = 0; i < 45; i++)
        {
            if (await store.GetTextAsync($"key{i:D3}") is { } value)
            {
                got.Add($"key{i:D3}={value}");
            }
        }

        Assert.Equal(found[0], got);
        return got;
    }
}
