using Dmt.Engine.Scheduling;

namespace Dmt.Simulation;

/// <summary>
/// Loops start, and waiters go on, as events of their own: never inside whoever starts or wakes them, as in production.
/// </summary>
internal sealed class SimScheduler(SimProcess node) : EngineScheduler
{
    public override Task StartAside(Func<Task> work) => Start(work);

    public override Task Start(Func<Task> loop)
    {
        var end = new TaskCompletionSource();
        Go(() => _ = RunAsync(loop, end));
        return end.Task;
    }

    public override TaskCompletionSource NewCompletion()
    {
        node.World.CheckThread();
        return new TaskCompletionSource();
    }

    public override void Complete(TaskCompletionSource completion, Exception? failure = null) =>
        Go(() => base.Complete(completion, failure));

    public override Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken)
    {
        var over = new TaskCompletionSource();
        var registration = cancellationToken.Register(() => over.TrySetCanceled(cancellationToken));
        node.Post(delay.Ticks, () =>
        {
            registration.Dispose();
            over.TrySetResult();
        });
        return over.Task;
    }

    public override Task CancelAsync(CancellationTokenSource source)
    {
        var done = new TaskCompletionSource();
        Go(() =>
        {
            source.Cancel();
            done.SetResult();
        });
        return done.Task;
    }

    /// <summary>Soon, in an order that the seed decides.</summary>
    private void Go(Action action) => node.Post(node.World.Random.Next(300), action);

    private async Task RunAsync(Func<Task> loop, TaskCompletionSource end)
    {
        try
        {
            await loop().ConfigureAwait(false);
            end.SetResult();
        }
        catch (OperationCanceledException)
        {
            end.SetCanceled();
        }
        catch (Exception e)
        {
            node.World.Note($"node {node.Number}: a loop ended with {e.GetType().Name}");
            end.SetException(e);
        }
    }
}
