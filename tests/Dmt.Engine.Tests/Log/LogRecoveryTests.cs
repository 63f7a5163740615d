using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Tests.Log;

public sealed class LogRecoveryTests : IDisposable
{
    private readonly LogFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_log_is_synced_before_it_is_replayed_once_for_all_shards()
    {
        var appended = await FillAsync(12, random => random.Next(0, 60), 3);
        var medium = new TestMedium();
        var store = new FileLogStore(
            _fixture.Directory, new FileLogOptions { Medium = medium }, TimeProvider.System);
        var range = new LogRange(LogFixture.Incarnation, 0);
        await store.SealAsync(range, default);
        Assert.Equal(Directory.GetFiles(Path.GetDirectoryName(_fixture.Segment(1))!).Length, medium.Syncs);
        await store.SealAsync(range, default);
        Assert.Equal(Directory.GetFiles(Path.GetDirectoryName(_fixture.Segment(1))!).Length, medium.Syncs);
        medium.SyncError = new IOException("the disk is gone");
        var other = new FileLogStore(_fixture.Directory, new FileLogOptions { Medium = medium }, TimeProvider.System);
        await Assert.ThrowsAsync<DmtException>(async () => await other.SealAsync(range, default));
        Assert.Equal(appended, _fixture.Replay().Records);
    }

    /// <summary>
    /// As a crash would leave it, had the disk got that far: strict groups, each of them, or several records a group.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task The_log_cut_at_every_byte_gives_what_was_whole_before_the_cut(int recordsPerGroup)
    {
        var appended = await FillAsync(
            40, random => random.Next(4) == 0 ? random.Next(200, 900) : random.Next(0, 60), recordsPerGroup);
        var file = _fixture.Segment(1);
        var whole = await File.ReadAllBytesAsync(file);
        var groups = Groups(file);
        var used = groups[^1].End;
        for (var cut = used; cut >= 0; cut--)
        {
            using (var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write))
            {
                RandomAccess.SetLength(handle, cut);
            }

            var survived = groups.Where(g => g.End <= cut).Select(g => g.Position).LastOrDefault();
            var (records, result) = _fixture.Replay();
            Assert.Equal(appended.Where(r => r.Position <= survived), records);
            Assert.Equal(survived, result.End);
        }

        await File.WriteAllBytesAsync(file, whole);
        Assert.Equal(appended, _fixture.Replay().Records);
    }

    [Fact]
    public async Task The_log_with_zeros_from_every_byte_on_is_a_torn_tail_too()
    {
        var appended = await FillAsync(12, random => random.Next(0, 60), 3);
        var file = _fixture.Segment(1);
        var bytes = await File.ReadAllBytesAsync(file);
        var groups = Groups(file);
        for (var cut = groups[^1].End - 1; cut >= LogFormat.SegmentHeaderBytes; cut--)
        {
            bytes[cut] = 0;
            await File.WriteAllBytesAsync(file, bytes);
            var (records, _) = _fixture.Replay();
            Assert.Equal(appended.Take(records.Count), records);
            Assert.True(records.Count >= appended.Count(r => r.Position <= groups.Where(g => g.End <= cut)
                .Select(g => g.Position).LastOrDefault()));
        }
    }

    [Fact]
    public async Task A_later_segment_cut_at_every_byte_of_its_start_is_a_torn_tail()
    {
        var random = new Random(3);
        List<Record> appended = [];
        var log = _fixture.Create(LogFixture.SmallSegments);
        while (!File.Exists(_fixture.Segment(3)) || log.End < 150_000)
        {
            appended.Add(LogFixture.Append(log, random, 700));
            await log.WaitDurableAsync(log.End);
        }

        await log.AbandonAsync();
        var last = Directory.GetFiles(_fixture.Folder).Order(StringComparer.Ordinal)
            .Last(f => File.ReadAllBytes(f).Any(b => b != 0));
        foreach (var after in Directory.GetFiles(_fixture.Folder).Where(f => string.CompareOrdinal(f, last) > 0))
        {
            Assert.All(await File.ReadAllBytesAsync(after), b => Assert.Equal(0, b)); // A spare: made ahead, not begun.
        }

        var groups = Groups(last);
        var before = groups[0].Start;
        for (var cut = 2000; cut >= 0; cut--)
        {
            using (var handle = File.OpenHandle(last, FileMode.Open, FileAccess.Write))
            {
                RandomAccess.SetLength(handle, cut);
            }

            var survived = groups.Where(g => g.End <= cut).Select(g => g.Position).Append(before).Max();
            var (records, result) = _fixture.Replay();
            Assert.Equal(survived, result.End);
            Assert.Equal(appended.Where(r => r.Position <= survived), records);
        }
    }

    [Fact]
    public async Task Every_bit_flipped_gives_a_clean_prefix_or_corruption()
    {
        var appended = await FillAsync(12, random => random.Next(0, 40), 1);
        var file = _fixture.Segment(1);
        var whole = await File.ReadAllBytesAsync(file);
        var groups = Groups(file);
        var bytes = whole[..(int)groups[^1].End];
        int corrupt = 0, prefix = 0;
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(file, bytes);
            List<Record> records = [];
            try
            {
                records = _fixture.Replay().Records;
                prefix++;

                // Only padding, or the last group, which nothing after it proves durable, may be hurt unnoticed.
                Assert.True(records.Count == appended.Count || bit / 8 >= groups[^1].Offset,
                    $"bit {bit} lost durable records");
            }
            catch (DmtException e)
            {
                Assert.Equal(DmtErrorKind.Corruption, e.Kind);
                Assert.Contains(file, e.Message, StringComparison.Ordinal);
                Assert.Contains("offset", e.Message, StringComparison.Ordinal);
                corrupt++;
            }

            Assert.Equal(appended.Take(records.Count), records);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(corrupt > prefix, $"{corrupt} flips were noticed, {prefix} were not");
    }

    [Fact]
    public async Task After_a_clean_close_every_flipped_bit_of_a_record_is_corruption()
    {
        var log = _fixture.Create();
        var random = new Random(5);
        var appended = Enumerable.Range(0, 5).Select(_ => LogFixture.Append(log, random, 20)).ToList();
        await log.DisposeAsync();
        var file = _fixture.Segment(1);
        var bytes = await File.ReadAllBytesAsync(file);
        var group = Groups(file)[0];
        for (var bit = 0; bit < group.End * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(file, bytes);
            var error = Assert.Throws<DmtException>(() => _fixture.Replay());
            Assert.Equal(DmtErrorKind.Corruption, error.Kind);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        await File.WriteAllBytesAsync(file, bytes);
        Assert.Equal(appended, _fixture.Replay().Records);
    }

    [Fact]
    public async Task Unsynced_groups_that_a_crash_lost_are_no_damage()
    {
        // Written one after the other, never synced: a disk may keep the later and lose the earlier.
        var log = _fixture.Create(new FileLogOptions { Medium = new TestMedium(), UnwrittenBytesMax = 64 << 10 });
        var random = new Random(6);
        var appended = Enumerable.Range(0, 30).Select(_ => LogFixture.Append(log, random, 30_000)).ToList();
        await log.AbandonAsync();
        var file = _fixture.Segment(1);
        var groups = Groups(file);
        Assert.True(groups.Count > 3);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes.AsSpan((int)groups[1].Offset, (int)(groups[1].End - groups[1].Offset)).Clear();
        await File.WriteAllBytesAsync(file, bytes);
        var (records, result) = _fixture.Replay();
        Assert.Equal(appended.Where(r => r.Position <= groups[0].Position), records);
        Assert.Equal((file, groups[1].Offset), (result.TornFile, result.TornOffset));
    }

    [Fact]
    public async Task A_missing_segment_is_named()
    {
        await FillSegmentsAsync();
        File.Delete(_fixture.Segment(2));
        CorruptionNames(_fixture.Segment(2));
    }

    [Fact]
    public async Task Damage_in_an_earlier_segment_is_corruption_wherever_it_lies()
    {
        await FillSegmentsAsync();
        var file = _fixture.Segment(2);
        var whole = await File.ReadAllBytesAsync(file);
        var groups = Groups(file);
        foreach (var offset in new[] { 0, 9, 50, 71, 72, 100, (int)groups[^1].Offset, (int)groups[^1].End - 1 })
        {
            var bytes = whole.ToArray();
            bytes[offset] ^= 0x10;
            await File.WriteAllBytesAsync(file, bytes);
            CorruptionNames(file);
            await File.WriteAllBytesAsync(file, whole[..offset]);
            CorruptionNames(file);
        }
    }

    [Fact]
    public async Task Damage_before_the_segment_that_is_asked_for_does_not_matter()
    {
        var appended = await FillSegmentsAsync();
        await File.WriteAllBytesAsync(_fixture.Segment(1), new byte[1000]);
        var from = Groups(_fixture.Segment(2))[0].Start;
        Assert.Equal(appended.Where(r => r.Position > from), _fixture.Replay(from).Records);
    }

    [Fact]
    public async Task A_segment_of_another_log_is_not_taken_for_its_own()
    {
        await FillSegmentsAsync();
        await using (var other = FileLog.Create(
            _fixture.Directory, "01OTHER", LogFixture.SmallSegments, TimeProvider.System))
        {
            LogFixture.Append(other, new Random(9), 100);
        }

        File.Copy(
            Path.Combine(_fixture.Directory, "01OTHER", "0000000000000001.log"), _fixture.Segment(1), overwrite: true);
        CorruptionNames(_fixture.Segment(1));
    }

    [Fact]
    public async Task A_newer_format_is_told_from_damage()
    {
        await FillAsync(3, _ => 10, 1);
        var file = _fixture.Segment(1);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[8] = 2;
        bytes[68] ^= 0xFF;
        await File.WriteAllBytesAsync(file, bytes);
        var error = Assert.Throws<DmtException>(() => _fixture.Replay());
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.Equal($"{file} was written by a newer DMT (log format 2, this one reads 1)", error.Message);
    }

    [Fact]
    public async Task A_missing_log_is_an_error()
    {
        await Task.CompletedTask;
        CorruptionNames(_fixture.Folder);
    }

    [Fact]
    public async Task Inspection_lists_everything_and_goes_on_behind_damage()
    {
        var appended = await FillAsync(6, _ => 30, 2);
        var file = _fixture.Segment(1);
        var groups = Groups(file);
        Assert.Equal(3, groups.Count);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[groups[1].Offset + 40] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        List<string> items = [];
        FileLog.Inspect(file, (in LogItem item) => items.Add(
            $"{item.Kind} {item.Offset} "
            + $"{(item.Kind == LogItemKind.Record ? item.Record.Position : item.StartPosition)}"));
        Assert.Equal(
            [
                "SegmentHeader 0 0",
                "Group 72 0",
                $"Record 104 {appended[0].Position}",
                $"Record {104 + appended[0].Position} {appended[1].Position}",
                $"Unreadable {groups[1].Offset} 0",
                $"Group {groups[2].Offset} {appended[3].Position}",
                $"Record {groups[2].Offset + 32} {appended[4].Position}",
                $"Record {groups[2].Offset + 32 + appended[4].Position - appended[3].Position} {appended[5].Position}",
                $"Unused {LogFormat.Align(groups[2].End)} 0",
            ],
            items);
    }

    private static List<(long Offset, long End, long Start, long Position)> Groups(string file)
    {
        List<(long, long, long, long)> groups = [];
        FileLog.Inspect(file, (in LogItem item) =>
        {
            if (item.Kind == LogItemKind.Group)
            {
                groups.Add((item.Offset, item.Offset + item.Length, item.StartPosition,
                    item.StartPosition + item.Length - 32));
            }
        });
        return groups;
    }

    private void CorruptionNames(string file)
    {
        var error = Assert.Throws<DmtException>(() => _fixture.Replay());
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
    }

    /// <summary>A log whose groups of some records each were synced one by one, left as by a killed process.</summary>
    private async Task<List<Record>> FillAsync(int records, Func<Random, int> bytes, int recordsPerGroup)
    {
        var random = new Random(4);
        List<Record> appended = [];
        var log = _fixture.Create();
        for (var i = 1; i <= records; i++)
        {
            appended.Add(LogFixture.Append(log, random, bytes(random)));
            if (i % recordsPerGroup == 0 || i == records)
            {
                await log.WaitDurableAsync(log.End);
            }
        }

        await log.AbandonAsync();
        return appended;
    }

    private async Task<List<Record>> FillSegmentsAsync()
    {
        var random = new Random(7);
        List<Record> appended = [];
        var log = _fixture.Create(LogFixture.SmallSegments);
        for (var i = 0; i < 300; i++)
        {
            appended.Add(LogFixture.Append(log, random, 700));
            await log.WaitDurableAsync(i % 3 == 0 ? log.End : 0);
        }

        await log.DisposeAsync();
        return appended;
    }
}
