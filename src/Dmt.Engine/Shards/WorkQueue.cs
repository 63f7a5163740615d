using System.Diagnostics;
using Dmt.Core;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

/// <summary>
/// One background loop that serves the shards that asked for it, each at most once in the queue, until none has work
/// left. An idle shard costs nothing. Whoever makes it disposes it, which ends the loop and awaits its end.
/// </summary>
/// <param name="kind">What the work is.</param>
/// <param name="work">One piece of work; true when there may be more.</param>
/// <param name="time">Delays retries.</param>
/// <param name="scheduler">Runs the loop.</param>
internal sealed class WorkQueue(
    BackgroundWork kind,
    Func<Shard, CancellationToken, ValueTask<bool>> work,
    TimeProvider time,
    EngineScheduler scheduler) : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    private readonly AsyncQueue<Shard> _queue = new(scheduler);
    private readonly HashSet<Shard> _queued = []; // guarded by itself; bounds the queue by the number of shards
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = scheduler.Start(RunAsync);

    public void Add(Shard shard)
    {
        lock (_queued)
        {
            if (_queued.Add(shard))
            {
                _queue.TryAdd(shard);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await scheduler.CancelAsync(_stop).ConfigureAwait(false);
        _queue.Complete();
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        // What it does follows from no call in particular, least of all from the one that opened the first shard.
        Activity.Current = null;
        try
        {
            while (await _queue.TakeAsync(_stop.Token).ConfigureAwait(false) is (true, { } shard))
            {
                lock (_queued)
                {
                    _queued.Remove(shard);
                }

                if (await ServeAsync(shard).ConfigureAwait(false))
                {
                    Add(shard);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped: what is not done is done at the next opening.
        }
    }

    /// <returns>True when the shard is to be served again.</returns>
    private async ValueTask<bool> ServeAsync(Shard shard)
    {
        try
        {
            var more = await work(shard, _stop.Token).ConfigureAwait(false);
            shard.ReportProblem(kind, null);
            return more;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            // A full disk, say: the shard shows it as its problem, and the work is tried again.
            shard.ReportProblem(kind, e);
            await scheduler.DelayAsync(RetryDelay, time, _stop.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Damage, a fence or a bug: trying again would not help. It stays visible as the shard's problem.
            shard.ReportProblem(kind, e);
            return false;
        }
    }
}
