using System.Buffers.Binary;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Checksums;
using Dmt.Engine.Inspection;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Inspection;

/// <summary>What an inspection says of intact, damaged and foreign files.</summary>
public sealed class InspectorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Store => Path.Combine(_directory.Path, "store");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(Compression.None)]
    [InlineData(Compression.Brotli)]
    public async Task An_intact_store_is_found_intact_open_copied_and_closed(Compression compression)
    {
        await using (var store = await TrieStore.OpenAsync(
            Store, TinyOptions.Create() with { Compression = compression }))
        {
            for (var i = 0; i < 20_000; i++)
            {
                await store.PutAsync($"key {i % 7000:D5}", $"value {i}");
            }

            await store.DeleteRangeAsync(KeyRange.Prefix("key 011"u8.ToArray()));
            await store.CompactAsync();
            await store.PutAsync("in the log", "v", new WriteOptions { Durability = Durability.Strict });
            StoreFolder.CopyTo(Store, Store + "-copy");
        }

        foreach (var folder in (string[])[Store, Store + "-copy"])
        {
            var lines = Inspect(folder, InspectDetail.Entries);
            Assert.DoesNotContain(lines, static line => line.IsDamage);
            Assert.StartsWith("verdict: intact, 1 shard, ", lines[^1].Text, StringComparison.Ordinal);
            var summary = Inspect(folder);
            Assert.DoesNotContain(summary, static line => line.IsDamage);
            var named = summary.Count(static line => line.Text.EndsWith(".table: intact", StringComparison.Ordinal));
            var unnamed = summary.Count(static line => line.Text.EndsWith(".table", StringComparison.Ordinal));
            Assert.True(named > 0);
            Assert.Equal(StoreFolder.Tables(folder).Length, named + unnamed);
        }

        Assert.Contains(
            Inspect(Store + "-copy", InspectDetail.Entries),
            static line => line.Text.Contains("put \"in the log\", 1 byte", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_table_shows_its_parts_blocks_and_entries_with_binary_keys_in_hexadecimal()
    {
        await WriteSmallAsync();
        var text = Text(Table, InspectDetail.Entries);
        foreach (var part in (string[])[
            "entries                13, 1 of them tombstones", "all checksums ok", "filter at ", "bits a key",
            "\"p\" to \"q\", at 13", "block 0 at 0: ", "none, 1 restart, checksum ok", "0x00FF at 11: put, 3 bytes",
            "\"deleted\" at 12: tombstone", "\"expires\" at 14: put, 1 byte, expires 2100-01-01T00:00:00.000Z",
            "verdict: intact, every checksum holds"])
        {
            Assert.Contains(part, text, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("block 0 at", Text(Table, InspectDetail.Summary), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_shows_every_field()
    {
        await WriteSmallAsync();
        var text = Text(Manifest, InspectDetail.Summary);
        foreach (var part in (string[])[
            "shard 1, prefix \"\"", "epoch 1, owner \"01", "not closed cleanly", "in tables up to sequence number 14",
            "log \"01", "level 0: 1 table, 13 entries", "1-1-1", "1 to 14", "0x00FF to \"q\""])
        {
            Assert.Contains(part, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_flipped_byte_of_a_table_is_damage()
    {
        await WriteSmallAsync();
        FlipEveryByte(Table, static lines => lines.Any(static line => line.IsDamage));
    }

    [Fact]
    public async Task Every_flipped_byte_of_a_manifest_is_damage()
    {
        await WriteSmallAsync();
        FlipEveryByte(Manifest, static lines => lines.Any(static line => line.IsDamage));
    }

    [Fact]
    public async Task Every_flipped_byte_of_a_log_is_damage_or_a_torn_tail()
    {
        await WriteSmallAsync();
        FlipEveryByte(LogSegment, static lines => lines.Any(static line => line.IsDamage
            || line.Text.Contains("torn tail at", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Every_cut_of_a_file_is_told_and_none_throws()
    {
        await WriteSmallAsync();
        foreach (var file in (string[])[Table, Manifest])
        {
            var bytes = await File.ReadAllBytesAsync(file);
            for (var length = 0; length < bytes.Length; length++)
            {
                await File.WriteAllBytesAsync(file, bytes[..length]);
                Assert.Contains(Inspect(file), static line => line.IsDamage);
            }
        }
    }

    [Fact]
    public async Task Damage_behind_which_the_log_was_durable_is_damage()
    {
        await WriteSmallAsync();
        var bytes = await File.ReadAllBytesAsync(LogSegment);
        bytes[90] ^= 1;
        await File.WriteAllBytesAsync(LogSegment, bytes);
        var damage = Assert.Single(Inspect(LogSegment), static line => line.IsDamage);
        Assert.Contains($"{LogSegment} is damaged at offset 72", damage.Text, StringComparison.Ordinal);
        Assert.Contains(Inspect(Store), static line => line.IsDamage);
    }

    [Fact]
    public async Task Inspection_goes_on_behind_a_damaged_block_and_names_file_and_offset()
    {
        await WriteSmallAsync(padding: 1500);
        var bytes = await File.ReadAllBytesAsync(Table);
        bytes[3] ^= 0x80;
        await File.WriteAllBytesAsync(Table, bytes);
        var lines = Inspect(Table, InspectDetail.Blocks);
        var damage = Assert.Single(lines, static line => line.IsDamage).Text;
        Assert.StartsWith($"{Table} is damaged at offset 0: ", damage, StringComparison.Ordinal);
        Assert.Contains(lines, static line => line.Text.Contains("block 1 at ", StringComparison.Ordinal));
        var ofStore = Inspect(Store);
        Assert.Contains(ofStore, static line => line.Text.EndsWith(".table: damaged", StringComparison.Ordinal));
        Assert.Equal("verdict: damaged, 1 place reported above", ofStore[^1].Text);
    }

    [Fact]
    public async Task A_missing_table_is_damage_and_an_unnamed_one_is_not()
    {
        await WriteSmallAsync();
        var other = Table.Replace("0000000001.table", "0000000009.table", StringComparison.Ordinal);
        File.Move(Table, other);
        var lines = Inspect(Store);
        Assert.Contains("the table is missing", Assert.Single(lines, l => l.IsDamage).Text, StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Text.Trim() == other);
        Assert.Contains(lines, static line => line.Text == "1 table that the manifest does not name");
    }

    [Fact]
    public async Task A_missing_log_is_damage()
    {
        await WriteSmallAsync();
        Directory.Delete(Path.GetDirectoryName(LogSegment)!, recursive: true);
        Assert.Contains(
            "the log is missing", Assert.Single(Inspect(Store), l => l.IsDamage).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_manifest_is_told_and_the_tables_are_inspected_all_the_same()
    {
        await WriteSmallAsync();
        var bytes = await File.ReadAllBytesAsync(Manifest);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(Manifest, bytes);
        var lines = Inspect(Store);
        Assert.Contains(Manifest, Assert.Single(lines, static line => line.IsDamage).Text, StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Text == $"table {Table}: intact");
        Assert.Contains(lines, static line => line.Text.Contains("level 0: 1 table", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_newer_version_wrote_is_not_damage_and_not_passed_over()
    {
        await WriteSmallAsync();
        var bytes = await File.ReadAllBytesAsync(Table);
        var footer = bytes.AsSpan(^56..);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[36..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[48..], Crc32C.Compute(footer[..48]));
        await File.WriteAllBytesAsync(Table, bytes);
        foreach (var path in (string[])[Table, Store])
        {
            List<InspectLine> lines = [];
            var error = Assert.Throws<DmtException>(
                () => Inspector.Inspect(path, InspectDetail.Summary, lines.Add));
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Contains("newer DMT (table format 2; ", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(lines, static line => line.IsDamage);
            Assert.Equal("verdict: no damage, but not everything could be checked", lines[^1].Text);
        }
    }

    [Fact]
    public async Task A_file_is_recognised_by_its_magic_whatever_its_name()
    {
        await WriteSmallAsync();
        foreach (var (file, begins) in ((string, string)[])[
            (Table, "table "), (Manifest, "manifest "), (LogSegment, "log segment ")])
        {
            var copy = Path.Combine(_directory.Path, "copy");
            File.Copy(file, copy, overwrite: true);
            var lines = Inspect(copy);
            Assert.StartsWith(begins, lines[0].Text, StringComparison.Ordinal);
            Assert.DoesNotContain(lines, static line => line.IsDamage);
        }
    }

    [Fact]
    public void What_is_not_of_DMT_is_refused()
    {
        var file = Path.Combine(_directory.Path, "notes.txt");
        File.WriteAllText(file, "nothing");
        foreach (var path in (string[])[file, _directory.Path])
        {
            Assert.Equal(DmtErrorKind.InvalidArgument, Assert.Throws<DmtException>(() => Inspect(path)).Kind);
        }
    }

    [Fact]
    public async Task Nothing_is_written()
    {
        await WriteSmallAsync();
        var before = Contents();
        Inspect(Store, InspectDetail.Entries);
        Assert.Equal(before, Contents());

        string[] Contents() => [.. StoreFolder.Files(Store)
            .Select(f => f + " " + Convert.ToHexString(File.ReadAllBytes(Path.Combine(Store, f))))];
    }

    private string Table => Path.Combine(Store, Assert.Single(StoreFolder.Tables(Store)));

    private string Manifest => Path.Combine(Store, StoreFolder.Manifests(Store)[^1]);

    private string LogSegment => Path.Combine(Store, StoreFolder.Logs(Store)[0]);

    /// <summary>
    /// A store that crashed: one table, with a tombstone, a range tombstone and an expiry in it, and a log with several
    /// groups, cut to what is used of it and a little more.
    /// </summary>
    private async Task WriteSmallAsync(int padding = 3)
    {
        var live = Path.Combine(_directory.Path, "live");
        await using var store = await TrieStore.OpenAsync(live, TinyOptions.Create());
        for (var i = 0; i < 10; i++)
        {
            await store.PutAsync($"key {i}", new string('v', padding));
        }

        await store.PutAsync(new byte[] { 0, 0xFF }, "bin"u8.ToArray());
        await store.DeleteAsync("deleted");
        await store.DeleteRangeAsync(new KeyRange("p"u8.ToArray(), "q"u8.ToArray()));
        var expiry = new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await store.WriteAsync(new WriteBatch().Put("expires"u8, "x"u8, expiry));
        await store.FlushAsync();
        for (var i = 0; i < 4; i++)
        {
            await store.PutAsync($"in the log {i}", "v", new WriteOptions { Durability = Durability.Strict });
        }

        StoreFolder.CopyTo(live, Store);
        var log = await File.ReadAllBytesAsync(LogSegment);
        var used = log.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        await File.WriteAllBytesAsync(LogSegment, log[..((used + 71) & -8)]);
    }

    private static void FlipEveryByte(string file, Predicate<List<InspectLine>> isTold)
    {
        var bytes = File.ReadAllBytes(file);
        Assert.InRange(bytes.Length, 100, 8000);
        for (var i = 0; i < bytes.Length; i++)
        {
            foreach (var mask in (byte[])[0x01, 0x80, 0xFF])
            {
                bytes[i] ^= mask;
                File.WriteAllBytes(file, bytes);
                var lines = Inspect(file, InspectDetail.Entries);
                Assert.True(isTold(lines), $"byte {i} flipped by {mask:X2}: nothing told");
                bytes[i] ^= mask;
            }
        }
    }

    private static List<InspectLine> Inspect(string path, InspectDetail detail = InspectDetail.Summary)
    {
        List<InspectLine> lines = [];
        Inspector.Inspect(path, detail, lines.Add);
        return lines;
    }

    private static string Text(string path, InspectDetail detail)
    {
        var text = new StringBuilder();
        Inspect(path, detail).ForEach(line => text.Append(line.Text).Append('\n'));
        return text.ToString();
    }
}
