using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

/// <summary>
/// Deletes objects in the background. What it does not get to is found, unreferenced, at the next opening.
/// </summary>
internal sealed class Garbage(IObjectStore objects, EngineScheduler scheduler) : IAsyncDisposable
{
    private readonly AsyncQueue<Func<ValueTask<IReadOnlyList<string>>>> _queue = new(scheduler);

    private Task _loop = Task.CompletedTask;
    private long _failures;

    /// <summary>
    /// Deletions, or searches for what to delete, that failed; the objects are found again at the next opening.
    /// </summary>
    public long Failures => Volatile.Read(ref _failures);

    public void Start() => _loop = scheduler.Start(RunAsync);

    public void Add(IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            Add(() => ValueTask.FromResult(names));
        }
    }

    /// <summary>Finds out in the background what to delete.</summary>
    public void Add(Func<ValueTask<IReadOnlyList<string>>> find) => _queue.TryAdd(find);

    /// <summary>Deletes what has been added, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Complete();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (await _queue.TakeAsync(CancellationToken.None).ConfigureAwait(false) is (true, { } find))
        {
            try
            {
                var names = await find().ConfigureAwait(false);
                if (names.Count > 0)
                {
                    await objects.DeleteAsync(names).ConfigureAwait(false);
                }
            }
            catch (DmtException)
            {
                // Deleting too late costs disk, nothing else; the count is a metric.
                Interlocked.Increment(ref _failures);
            }
        }
    }
}
