using Dmt.Core;
using Dmt.Engine.Log;

namespace Dmt.Engine.Tests.Log;

public sealed class FileLogSpaceTests : IDisposable
{
    private readonly LogFixture _fixture = new();
    private readonly TestMedium _medium = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_full_disk_refuses_changes_nothing_and_recovers()
    {
        _medium.RoomBytes = 1 << 20;
        var log = _fixture.Create(new FileLogOptions { SegmentBytes = 256 << 10, Medium = _medium }, _time);
        var random = new Random(1);
        List<Record> accepted = [];
        var refused = 0;
        while (refused < 10)
        {
            var end = log.End;
            try
            {
                accepted.Add(LogFixture.Append(log, random, random.Next(1000, 3000)));
            }
            catch (DmtException e)
            {
                refused++;
                Assert.Equal(DmtErrorKind.Unavailable, e.Kind);
                Assert.StartsWith($"the disk of {_fixture.Folder} is full", e.Message, StringComparison.Ordinal);
                Assert.Equal(e.Message, log.RefusedBecause);
                Assert.Equal(end, log.End);
            }
        }

        // All that was accepted has its place.
        await log.WaitDurableAsync(log.End);
        Assert.Equal(accepted, _fixture.Replay().Records);

        // Not before 100 ms is the disk touched again.
        _medium.RoomBytes = 1 << 20;
        Assert.Throws<DmtException>(() => LogFixture.Append(log, random, 5000));
        _time.Advance(TimeSpan.FromMilliseconds(100));
        accepted.Add(LogFixture.Append(log, random, 5000));
        Assert.Null(log.RefusedBecause);
        await log.DisposeAsync();
        var (records, result) = _fixture.Replay();
        Assert.Equal(accepted, records);
        Assert.True(result.CleanlyClosed);
    }

    [Fact]
    public async Task A_full_disk_that_gets_room_is_noticed_without_an_append()
    {
        _medium.RoomBytes = 256 << 10;
        var log = _fixture.Create(new FileLogOptions { Medium = _medium }, _time);
        var random = new Random(2);
        Assert.Throws<DmtException>(() => LogFixture.Append(log, random, 1 << 20));
        Assert.NotNull(log.RefusedBecause);
        _medium.RoomBytes = 8 << 20;
        _time.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => log.RefusedBecause is null);
        LogFixture.Append(log, random, 1 << 20);
        await log.DisposeAsync();
        Assert.Single(_fixture.Replay().Records);
    }

    [Fact]
    public async Task What_a_refused_record_had_taken_is_given_back()
    {
        _medium.RoomBytes = 512 << 10;
        var log = _fixture.Create(new FileLogOptions { Medium = _medium }, _time);
        var length = new FileInfo(_fixture.Segment(1)).Length;
        Assert.Throws<DmtException>(() => LogFixture.Append(log, new Random(3), 1 << 20));
        Assert.Equal(length, new FileInfo(_fixture.Segment(1)).Length);
        var small = LogFixture.Append(log, new Random(3), 1000);
        await log.DisposeAsync();
        Assert.Equal([small], _fixture.Replay().Records);
    }

    [Fact]
    public async Task A_segment_that_could_not_be_started_leaves_no_file()
    {
        _medium.RoomBytes = 64 << 10;
        var log = _fixture.Create(LogFixture.SmallSegments with { Medium = _medium }, _time);
        List<Record> accepted = [];
        var random = new Random(4);
        void FillUp()
        {
            while (accepted.Count < 1000)
            {
                accepted.Add(LogFixture.Append(log, random, 1000));
            }
        }

        Assert.Throws<DmtException>(FillUp);
        Assert.False(File.Exists(_fixture.Segment(2)));
        await log.DisposeAsync();
        Assert.Equal(accepted, _fixture.Replay().Records);
    }

    [Fact]
    public void A_log_that_finds_no_room_at_all_is_not_created()
    {
        _medium.RoomBytes = 100;
        var error = Assert.Throws<DmtException>(() => _fixture.Create(new FileLogOptions { Medium = _medium }, _time));
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.Equal($"the disk of {_fixture.Folder} is full", error.Message);
        Assert.Equal(0, _fixture.Replay().Result.End);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
