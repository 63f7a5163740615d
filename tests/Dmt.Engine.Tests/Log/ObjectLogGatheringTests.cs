using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Log;

/// <summary>Who shares an upload with whom. Time stands still unless a test moves it.</summary>
public sealed class ObjectLogGatheringTests
{
    private static readonly ObjectLogOptions _options = new();

    private readonly ManualTime _time = new();
    private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _sequence;

    [Fact]
    public async Task A_lone_writer_never_waits_for_company()
    {
        await using var objects = new MemoryObjectStore(_time);
        await using var log = NewLog(objects);
        _go.SetResult();
        for (var i = 0; i < 10; i++)
        {
            await Write(log).WaitAsync(TimeSpan.FromMinutes(1));
            Assert.Equal(i + 1, log.Uploaded);
        }
    }

    [Fact]
    public async Task Writers_acknowledged_together_share_the_next_upload_as_soon_as_all_are_back()
    {
        await using var objects = new MemoryObjectStore(_time);
        await using var log = NewLog(objects);
        await AcknowledgeTogetherAsync(log, 3);
        var before = log.Uploaded;
        Task[] writes = [Write(log), Write(log), Write(log)];
        await Task.WhenAll(writes).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(before + 1, log.Uploaded);
    }

    [Fact]
    public async Task A_writer_that_stays_away_holds_others_up_for_the_linger_only()
    {
        await using var objects = new MemoryObjectStore(_time);
        await using var log = NewLog(objects);
        await AcknowledgeTogetherAsync(log, 3);
        var before = log.Uploaded;
        Task[] writes = [Write(log), Write(log)];
        Assert.Equal(before, log.Uploaded);
        _time.Advance(_options.Linger);
        await Task.WhenAll(writes).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(before + 1, log.Uploaded);
        _time.Advance(_options.Linger);
        await Write(log).WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>One batch of so many writers, who are now all expected back.</summary>
    private async Task AcknowledgeTogetherAsync(ObjectLog log, int writers)
    {
        for (var i = 0; i < writers; i++)
        {
            Append(log);
        }

        var end = log.End;
        _time.Advance(_options.Interval); // without waiters it is uploaded when it is due
        var waits = Enumerable.Range(0, writers).Select(_ => log.WaitDurableAsync(end, default).AsTask()).ToList();
        _go.SetResult(); // not before all wait
        await Task.WhenAll(waits).WaitAsync(TimeSpan.FromMinutes(1));
    }

    private Task Write(ObjectLog log) => log.WaitDurableAsync(Append(log), CancellationToken.None).AsTask();

    private long Append(ObjectLog log) => log.Append(1, 1, ++_sequence, 1, [1, 2, 3], Durability.Strict);

    private ObjectLog NewLog(IObjectStore objects) =>
        new(
            new FailingObjectStore(objects) { BeforeCreate = _ => _go.Task },
            "01ARZ3NDEKTSV4RRFFQ69G5FAV", _options, _time, EngineScheduler.ThreadPool);
}
