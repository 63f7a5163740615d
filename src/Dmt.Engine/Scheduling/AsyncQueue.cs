namespace Dmt.Engine.Scheduling;

/// <summary>Hands items from any number of producers to one consumer that awaits them.</summary>
internal sealed class AsyncQueue<T>(EngineScheduler scheduler)
{
    private readonly Lock _lock = new(); // guards the fields below
    private readonly Queue<T> _items = new();
    private TaskCompletionSource? _waiter;
    private bool _completed;

    /// <summary>False once the queue has been completed.</summary>
    public bool TryAdd(T item)
    {
        TaskCompletionSource? waiter;
        lock (_lock)
        {
            if (_completed)
            {
                return false;
            }

            _items.Enqueue(item);
            (waiter, _waiter) = (_waiter, null);
        }

        Wake(waiter);
        return true;
    }

    /// <summary>No more items come; those that are there are still handed out.</summary>
    public void Complete()
    {
        TaskCompletionSource? waiter;
        lock (_lock)
        {
            _completed = true;
            (waiter, _waiter) = (_waiter, null);
        }

        Wake(waiter);
    }

    /// <summary>The next item; nothing once the queue is completed and empty. One consumer at a time.</summary>
    public async ValueTask<(bool HasItem, T? Item)> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task arrival;
            lock (_lock)
            {
                if (_items.TryDequeue(out var item))
                {
                    return (true, item);
                }

                if (_completed)
                {
                    return (false, default);
                }

                _waiter ??= scheduler.NewCompletion();
                arrival = _waiter.Task;
            }

            await arrival.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void Wake(TaskCompletionSource? waiter)
    {
        if (waiter is not null)
        {
            scheduler.Complete(waiter);
        }
    }
}
