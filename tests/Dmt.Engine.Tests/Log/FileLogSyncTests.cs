using Dmt.Core;
using Dmt.Engine.Log;

namespace Dmt.Engine.Tests.Log;

public sealed class FileLogSyncTests : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    private readonly LogFixture _fixture = new();
    private readonly TestMedium _medium = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_lone_strict_writer_syncs_on_its_own_thread()
    {
        await using var log = Create();
        var syncs = _medium.Syncs;
        for (var i = 1; i <= 10; i++)
        {
            var position = LogFixture.Append(log, new Random(i), 10, Durability.Strict).Position;
            Assert.True(log.WaitDurableAsync(position).AsTask().IsCompletedSuccessfully);
            Assert.Equal(syncs + i, _medium.Syncs);
            Assert.Equal(log.End, log.DurableEnd);
            Assert.True(log.WaitDurableAsync(log.End).AsTask().IsCompletedSuccessfully);
        }

        Assert.Equal(syncs + 10, _medium.Syncs);
    }

    [Fact]
    public async Task All_who_come_during_a_sync_share_the_next()
    {
        using var gate = new ManualResetEventSlim();
        await using var log = Create();
        _medium.SyncGate = gate;
        var random = new Random(1);
        var first = LogFixture.Append(log, random, 10, Durability.Strict).Position;
        var leader = Task.Run(async () => await log.WaitDurableAsync(first));
        await SyncBeganAsync();
        var syncs = _medium.Syncs;
        var others = Enumerable.Range(0, 15)
            .Select(_ => log.WaitDurableAsync(
                LogFixture.Append(log, random, 10, Durability.Strict).Position).AsTask()).ToArray();
        Assert.All(others, o => Assert.False(o.IsCompleted));
        Assert.True(log.DurableEnd < first);
        gate.Set();
        await leader;
        await Task.WhenAll(others);
        Assert.Equal(log.End, log.DurableEnd);
        Assert.Equal(syncs + 1, _medium.Syncs);
    }

    [Fact]
    public async Task A_cancelled_waiter_goes_and_its_record_stays()
    {
        using var gate = new ManualResetEventSlim();
        await using var log = Create();
        _medium.SyncGate = gate;
        var random = new Random(2);
        var first = LogFixture.Append(log, random, 10, Durability.Strict).Position;
        var leader = Task.Run(async () => await log.WaitDurableAsync(first));
        await SyncBeganAsync();
        using var cancel = new CancellationTokenSource();
        var waiter = log.WaitDurableAsync(LogFixture.Append(log, random, 10).Position, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);
        gate.Set();
        await leader;
        await log.WaitDurableAsync(log.End);
        Assert.Equal(log.End, log.DurableEnd);
    }

    [Fact]
    public async Task Default_writes_reach_the_medium_within_a_second_and_idle_costs_no_timer()
    {
        await using var log = Create();
        Assert.Equal(0, _time.TimersArmed);
        LogFixture.Append(log, new Random(3), 10);
        LogFixture.Append(log, new Random(4), 10);
        Assert.Equal(0, log.DurableEnd);
        Assert.Equal(1, _time.TimersArmed);
        _time.Advance(TimeSpan.FromSeconds(0.6));
        await DurableAsync(log);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(0, _time.TimersArmed);
        LogFixture.Append(log, new Random(5), 10);
        Assert.Equal(1, _time.TimersArmed);
        _time.Advance(TimeSpan.FromSeconds(0.6));
        await DurableAsync(log);
    }

    [Fact]
    public async Task An_interval_is_kept_also_where_it_is_shorter_than_one_that_runs()
    {
        await using var log = Create();
        LogFixture.Append(log, new Random(6), 10);
        LogFixture.Append(log, new Random(6), 10, Durability.EveryInterval(TimeSpan.FromMilliseconds(50)));
        LogFixture.Append(log, new Random(6), 10, Durability.EveryInterval(TimeSpan.FromHours(1)));
        var syncs = _medium.Syncs;
        _time.Advance(TimeSpan.FromMilliseconds(50) - Tick);
        Assert.Equal(syncs, _medium.Syncs);
        _time.Advance(Tick);
        await DurableAsync(log);
    }

    [Fact]
    public async Task Every_n_operations_a_sync_is_started()
    {
        await using var log = Create();
        var level = Durability.EveryOperations(10);
        for (var i = 0; i < 9; i++)
        {
            log.Append(1, 1, 1, 1, [1], level);
        }

        var syncs = _medium.Syncs;
        Assert.Equal(0, log.DurableEnd);
        log.Append(1, 1, 1, 1, [1], level);
        await DurableAsync(log);
        Assert.Equal(syncs + 1, _medium.Syncs);
        log.Append(1, 1, 1, 10, [1], level);
        await DurableAsync(log);
    }

    [Fact]
    public async Task Too_much_unwritten_is_written_by_the_appender()
    {
        await using var log = Create(new FileLogOptions { UnwrittenBytesMax = 64 << 10 });
        for (var i = 0; i < 200; i++)
        {
            LogFixture.Append(log, new Random(i), 10_000);
        }

        // Nothing was synced and no clock moved: what a crash leaves is what was written.
        var end = log.End;
        await log.AbandonAsync();
        Assert.InRange(_fixture.Replay().Result.End, end - (64 << 10) - 10_100, end);
    }

    [Fact]
    public async Task A_failed_sync_fails_the_log_for_good()
    {
        var log = Create();
        var random = new Random(7);
        var good = LogFixture.Append(log, random, 10);
        await log.WaitDurableAsync(good.Position);
        await SyncBeganAsync();
        using var gate = new ManualResetEventSlim();
        _medium.SyncGate = gate;
        var first = LogFixture.Append(log, random, 10).Position;
        var leader = Task.Run(async () => await log.WaitDurableAsync(first));
        await SyncBeganAsync();
        var waiters = Enumerable.Range(0, 5).Select(
            _ => log.WaitDurableAsync(LogFixture.Append(log, random, 10).Position).AsTask());
        Task[] all = [leader, .. waiters];
        _medium.SyncError = new IOException("Input/output error", 5);
        gate.Set();
        foreach (var waiter in all)
        {
            await UnavailableAsync(() => waiter);
        }

        _medium.SyncError = null;
        Assert.Contains(_fixture.Segment(1), log.RefusedBecause, StringComparison.Ordinal);
        var end = log.End;
        await UnavailableAsync(() => Task.FromResult(LogFixture.Append(log, random, 10)));
        await UnavailableAsync(async () => await log.WaitDurableAsync(log.End));
        Assert.Equal(end, log.End);
        Assert.Equal(good.Position, log.DurableEnd);
        await UnavailableAsync(async () => await log.DisposeAsync());
        Assert.Equal(good, _fixture.Replay().Records[0]);
        Assert.False(_fixture.Replay().Result.CleanlyClosed);
    }

    [Fact]
    public async Task A_failed_write_fails_the_log_for_good()
    {
        var log = Create();
        _medium.WriteError = new IOException("Input/output error", 5);
        var position = LogFixture.Append(log, new Random(8), 10).Position;
        await UnavailableAsync(async () => await log.WaitDurableAsync(position));
        Assert.Contains("Input/output error", log.RefusedBecause, StringComparison.Ordinal);
        await UnavailableAsync(async () => await log.DisposeAsync());
    }

    private static async Task UnavailableAsync(Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<DmtException>(call);
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.Contains("0000000000000001.log", error.Message, StringComparison.Ordinal);
    }

    private FileLog Create(FileLogOptions? options = null)
    {
        var log = _fixture.Create((options ?? new FileLogOptions()) with { Medium = _medium }, _time);
        Assert.True(_medium.SyncBegan.Wait(0));
        return log;
    }

    private async Task SyncBeganAsync()
    {
        Assert.True(await _medium.SyncBegan.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    /// <summary>
    /// Waits for the background, which was woken, to finish; asks the log for nothing that would start a sync itself.
    /// </summary>
    private async Task DurableAsync(FileLog log)
    {
        await SyncBeganAsync();
        await log.WaitDurableAsync(log.End);
    }
}
