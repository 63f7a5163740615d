using Dmt.Core;
using Dmt.Engine.Log;

namespace Dmt.Engine.Tests.Log;

public sealed class FileLogTests : IDisposable
{
    private readonly LogFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task What_was_appended_is_replayed_in_order()
    {
        var random = new Random(1);
        List<Record> appended = [];
        var log = _fixture.Create(LogFixture.SmallSegments);
        for (var i = 0; i < 2000; i++)
        {
            appended.Add(LogFixture.Append(log, random, random.Next(0, 400)));
            if (i % 100 == 0)
            {
                await log.WaitDurableAsync(log.End);
            }
        }

        await log.DisposeAsync();
        var (records, result) = _fixture.Replay();
        Assert.Equal(appended, records);
        Assert.Equal(new LogReplayResult(log.End, 2000, true, null, 0), result);
        Assert.True(Directory.GetFiles(_fixture.Folder).Length > 5);
    }

    [Fact]
    public async Task An_operation_is_encoded_as_its_batch_would_be()
    {
        var batch = new WriteBatch().Put("key"u8, "value"u8, DateTimeOffset.UnixEpoch.AddDays(1), "meta"u8);
        var log = _fixture.Create();
        long position = 0;
        foreach (var operation in batch)
        {
            position = log.Append(7, 3, 99, in operation, Durability.Default);
        }

        await log.DisposeAsync();
        var record = Assert.Single(_fixture.Replay().Records);
        Assert.Equal(new Record(7, 3, 99, 1, batch.Encoded.ToArray(), position), record);
    }

    [Fact]
    public async Task Fields_at_their_limits_come_back()
    {
        var log = _fixture.Create();
        log.Append(uint.MaxValue, ulong.MaxValue, ulong.MaxValue, int.MaxValue, [1], Durability.Default);
        log.Append(0, 0, 0, 0, [], Durability.Default);
        await log.DisposeAsync();
        var records = _fixture.Replay().Records;
        Assert.Equal(new Record(uint.MaxValue, ulong.MaxValue, ulong.MaxValue, int.MaxValue, [1],
            records[0].Position), records[0]);
        Assert.Equal(new Record(0, 0, 0, 0, [], log.End), records[1]);
    }

    [Fact]
    public async Task Replay_from_a_position_begins_with_the_first_record_that_ends_after_it()
    {
        var random = new Random(2);
        List<Record> appended = [];
        var log = _fixture.Create(LogFixture.SmallSegments);
        for (var i = 0; i < 400; i++)
        {
            appended.Add(LogFixture.Append(log, random, random.Next(0, 1500)));
        }

        await log.DisposeAsync();
        foreach (var from in appended.Select(r => r.Position).Concat(
            appended.Select(r => r.Position - 1)).Append(log.End + 1000))
        {
            var (records, result) = _fixture.Replay(from);
            Assert.Equal(appended.Where(r => r.Position > from), records);
            Assert.Equal(log.End, result.End);
        }
    }

    [Fact]
    public async Task A_record_larger_than_a_segment_gets_one_of_its_size()
    {
        var random = new Random(3);
        var log = _fixture.Create(LogFixture.SmallSegments);
        List<Record> appended = [];
        foreach (var bytes in new[] { 3_000_000, 10, 200_000, 65_000, 65_536, 10, 1_000_000 })
        {
            appended.Add(LogFixture.Append(log, random, bytes));
        }

        await log.DisposeAsync();
        Assert.Equal(appended, _fixture.Replay().Records);
        Assert.InRange(new FileInfo(_fixture.Segment(1)).Length, 3_000_000, 3_100_000);
    }

    [Fact]
    public async Task A_small_log_is_a_small_file()
    {
        var log = _fixture.Create();
        LogFixture.Append(log, new Random(4), 100);
        await log.WaitDurableAsync(log.End);
        Assert.InRange(new FileInfo(_fixture.Segment(1)).Length, 1, 256 << 10);
        await log.DisposeAsync();
        Assert.InRange(new FileInfo(_fixture.Segment(1)).Length, 100, 300);
    }

    [Fact]
    public async Task What_was_not_written_is_lost_with_the_process_and_the_rest_stays()
    {
        var random = new Random(5);
        var log = _fixture.Create();
        var strict = LogFixture.Append(log, random, 100, Durability.Strict);
        await log.WaitDurableAsync(strict.Position);
        LogFixture.Append(log, random, 100);
        await log.AbandonAsync();
        var (records, result) = _fixture.Replay();
        Assert.Equal([strict], records);
        Assert.Equal(new LogReplayResult(strict.Position, 1, false, null, 0), result);
    }

    [Fact]
    public async Task An_empty_log_replays_to_nothing()
    {
        await _fixture.Create().DisposeAsync();
        Assert.Equal(new LogReplayResult(0, 0, true, null, 0), _fixture.Replay().Result);
    }

    [Fact]
    public async Task Releasing_deletes_only_whole_segments_before_the_position()
    {
        var random = new Random(6);
        List<Record> appended = [];
        var log = _fixture.Create(LogFixture.SmallSegments);
        for (var i = 0; i < 600; i++)
        {
            appended.Add(LogFixture.Append(log, random, 1000));
        }

        await log.WaitDurableAsync(log.End);
        var live = log.LiveBytes;
        Assert.InRange(live, 600_000, 700_000);
        log.Release(0);
        Assert.Equal(live, log.LiveBytes);
        var cut = appended[299].Position;
        log.Release(cut);
        Assert.False(File.Exists(_fixture.Segment(1)));
        Assert.InRange(log.LiveBytes, live / 2, (live / 2) + (64 << 10));
        Assert.Equal(appended.Skip(300), _fixture.Replay(cut).Records);
        log.Release(log.End);
        log.Release(log.End);
        Assert.InRange(log.LiveBytes, 1, 64 << 10);
        var last = LogFixture.Append(log, random, 10);
        await log.DisposeAsync();
        Assert.Equal([last], _fixture.Replay(appended[^1].Position).Records);
        var missing = Assert.Throws<DmtException>(() => _fixture.Replay(0));
        Assert.Equal(DmtErrorKind.Corruption, missing.Kind);
        Assert.Contains("missing", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_durable_is_not_released()
    {
        var random = new Random(7);
        var log = _fixture.Create(LogFixture.SmallSegments with { Medium = new TestMedium() });
        List<Record> appended = [];
        for (var i = 0; i < 100; i++)
        {
            appended.Add(LogFixture.Append(log, random, 1000));
        }

        // A segment that is full is synced by itself, sooner or later.
        log.Release(log.End);
        var durable = log.DurableEnd;
        await log.DisposeAsync();
        var left = FileLog.Replay(_fixture.Directory, log.Incarnation, durable, Keep, allowsMissingHead: true);
        Assert.Equal(appended.Count(record => record.Position > durable), left.Records);

        static void Keep(in LogRecord record)
        {
        }
    }

    [Fact]
    public async Task Racing_appenders_keep_positions_and_order()
    {
        var log = _fixture.Create(new FileLogOptions { SegmentBytes = 1 << 20, UnwrittenBytesMax = 64 << 10 },
            TimeProvider.System);
        var appended = new List<Record>[8];
        await Parallel.ForAsync(0, appended.Length, async (thread, ct) =>
        {
            var random = new Random(thread);
            var own = appended[thread] = [];
            for (var i = 0; i < 3000; i++)
            {
                var operations = new byte[random.Next(0, 600)];
                random.NextBytes(operations);
                var seq = (ulong)i;
                var position = log.Append((uint)thread, 1, seq, 1, operations, Durability.Default);
                own.Add(new Record((uint)thread, 1, seq, 1, operations, position));
                if (i % 500 == 499)
                {
                    await log.WaitDurableAsync(position, ct);
                    Assert.True(log.DurableEnd >= position);
                }
            }
        });
        await log.DisposeAsync();
        var all = appended.SelectMany(r => r).OrderBy(r => r.Position).ToList();
        Assert.Equal(log.End, all[^1].Position);
        Assert.Equal(all, _fixture.Replay().Records);
        foreach (var own in appended)
        {
            Assert.Equal(own, own.OrderBy(r => r.Position));
        }
    }

    [Fact]
    public async Task A_log_of_which_nothing_is_needed_gives_its_space_back_and_goes_on()
    {
        var log = _fixture.Create();
        for (var i = 0; i < 30; i++)
        {
            LogFixture.Append(log, new Random(i), 100_000);
        }

        var end = log.End;
        await ReleaseWholeAsync(log);
        Assert.InRange(log.LiveBytes, 0, 1000);
        var after = LogFixture.Append(log, new Random(9), 50);
        await log.WaitDurableAsync(after.Position);
        await log.AbandonAsync();
        var replayed = new List<long>();
        FileLog.Replay(
            _fixture.Directory, log.Incarnation, end, (in LogRecord record) => replayed.Add(record.Position));
        Assert.Equal([after.Position], replayed);
    }

    [Fact]
    public async Task A_log_that_was_released_whole_replays_to_nothing()
    {
        var log = _fixture.Create();
        for (var i = 0; i < 30; i++)
        {
            LogFixture.Append(log, new Random(i), 100_000);
        }

        var end = log.End;
        await ReleaseWholeAsync(log);
        await log.AbandonAsync();
        var result =
            FileLog.Replay(_fixture.Directory, log.Incarnation, end, (in LogRecord _) => Assert.Fail("a record"));
        Assert.Equal(end, result.End);
    }

    /// <summary>A log that is writing gives nothing back for now; the engine asks again, with every flush.</summary>
    private static async Task ReleaseWholeAsync(FileLog log)
    {
        log.Release(log.End);
        for (var attempts = 0; log.LiveBytes > 1000 && attempts < 1000; attempts++)
        {
            await Task.Delay(1);
            log.Release(log.End);
        }
    }

    [Fact]
    public async Task A_closed_log_takes_nothing()
    {
        var log = _fixture.Create();
        var record = LogFixture.Append(log, new Random(8), 10);
        await log.DisposeAsync();
        await log.DisposeAsync();
        var error = Assert.Throws<DmtException>(() => LogFixture.Append(log, new Random(8), 10));
        Assert.Equal(DmtErrorKind.Closed, error.Kind);
        await log.WaitDurableAsync(record.Position);
    }

    [Fact]
    public async Task Incarnations_are_listed_oldest_first_and_deleted_whole()
    {
        Assert.Empty(FileLog.ListIncarnations(_fixture.Directory));
        foreach (var name in new[] { "01B", "01A", "01C" })
        {
            await FileLog.Create(_fixture.Directory, name, new FileLogOptions(), TimeProvider.System).DisposeAsync();
        }

        Assert.Equal(["01A", "01B", "01C"], FileLog.ListIncarnations(_fixture.Directory));
        FileLog.Delete(_fixture.Directory, "01B");
        FileLog.Delete(_fixture.Directory, "01B");
        Assert.Equal(["01A", "01C"], FileLog.ListIncarnations(_fixture.Directory));
        Assert.Equal(2, Directory.GetFileSystemEntries(_fixture.Directory).Length);
        var error = Assert.Throws<DmtException>(
            () => FileLog.Create(_fixture.Directory, "01A", new FileLogOptions(), TimeProvider.System));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        error = Assert.Throws<DmtException>(
            () => FileLog.Create(_fixture.Directory, "../x", new FileLogOptions(), TimeProvider.System));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
    }
}
