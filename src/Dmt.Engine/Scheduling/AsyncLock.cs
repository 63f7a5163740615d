namespace Dmt.Engine.Scheduling;

/// <summary>A lock that may be held across awaits; first come, first served.</summary>
internal sealed class AsyncLock(EngineScheduler scheduler)
{
    private readonly Lock _lock = new(); // guards both fields
    private readonly LinkedList<TaskCompletionSource> _waiting = new();
    private bool _held;

    /// <summary>Dispose what is returned to release the lock.</summary>
    public async ValueTask<Holder> AcquireAsync(CancellationToken cancellationToken)
    {
        LinkedListNode<TaskCompletionSource> turn;
        lock (_lock)
        {
            if (!_held)
            {
                _held = true;
                return new Holder(this);
            }

            turn = _waiting.AddLast(scheduler.NewCompletion());
        }

        try
        {
            await turn.Value.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!TryLeaveQueue(turn))
        {
            // The lock came at the same moment: whoever is cancelled does not use it.
            Release();
            throw;
        }

        return new Holder(this);
    }

    private bool TryLeaveQueue(LinkedListNode<TaskCompletionSource> turn)
    {
        lock (_lock)
        {
            if (turn.List is null)
            {
                return false;
            }

            _waiting.Remove(turn);
            return true;
        }
    }

    private void Release()
    {
        TaskCompletionSource? next = null;
        lock (_lock)
        {
            if (_waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                next = first.Value;
            }
            else
            {
                _held = false;
            }
        }

        if (next is not null)
        {
            scheduler.Complete(next);
        }
    }

    /// <summary>Holds the lock until it is disposed, once.</summary>
    public readonly struct Holder(AsyncLock owner) : IDisposable
    {
        public void Dispose() => owner.Release();
    }
}
