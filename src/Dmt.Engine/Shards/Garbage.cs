using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

/// <summary>
/// Deletes objects in the background. What it does not get to is found, unreferenced, at the next opening.
/// </summary>
internal sealed class Garbage(IObjectStore objects, EngineScheduler scheduler) : IAsyncDisposable
{
    private readonly AsyncQueue<IReadOnlyList<string>> _queue = new(scheduler);

    private Task _loop = Task.CompletedTask;
    private long _failures;

    /// <summary>Deletions that failed; the objects are found again at the next opening.</summary>
    public long Failures => Volatile.Read(ref _failures);

    public void Start() => _loop = scheduler.Start(RunAsync);

    public void Add(IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            _queue.TryAdd(names);
        }
    }

    /// <summary>Deletes what has been added, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Complete();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (await _queue.TakeAsync(CancellationToken.None).ConfigureAwait(false) is (true, { } names))
        {
            try
            {
                await objects.DeleteAsync(names).ConfigureAwait(false);
            }
            catch (DmtException)
            {
                // Deleting too late costs disk, nothing else; the count is a metric.
                Interlocked.Increment(ref _failures);
            }
        }
    }
}
