namespace Dmt.Engine.Scheduling;

/// <summary>
/// Wakes everybody who waits, who then look for themselves. Each has a completion of its own: of several that await one
/// task, the runtime sends all but one to the thread pool, whatever the scheduler says.
/// </summary>
internal sealed class AsyncSignal(EngineScheduler scheduler)
{
    private readonly Lock _lock = new(); // guards _waiting; innermost
    private readonly LinkedList<TaskCompletionSource> _waiting = new();

    /// <summary>
    /// Waits from now on. Under the lock that guards the condition, so that no wake is missed; awaited outside of it.
    /// </summary>
    public LinkedListNode<TaskCompletionSource> Enlist()
    {
        lock (_lock)
        {
            return _waiting.AddLast(scheduler.NewCompletion());
        }
    }

    public async ValueTask WaitAsync(
        LinkedListNode<TaskCompletionSource> enlisted, CancellationToken cancellationToken)
    {
        try
        {
            await enlisted.Value.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                enlisted.List?.Remove(enlisted);
            }
        }
    }

    /// <summary>Does not wait after all.</summary>
    public void Leave(LinkedListNode<TaskCompletionSource> enlisted)
    {
        lock (_lock)
        {
            enlisted.List?.Remove(enlisted);
        }
    }

    public void WakeAll()
    {
        List<TaskCompletionSource> woken;
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                return;
            }

            woken = [.. _waiting];
            _waiting.Clear();
        }

        woken.ForEach(waiter => scheduler.Complete(waiter));
    }
}
