namespace Dmt.Engine.Scheduling;

/// <summary>
/// How background loops start and how waiters are woken. In production both go to the thread pool. A simulation runs
/// everything on one thread, in an order of its own choosing, so that a seed replays exactly; it derives from this.
/// </summary>
internal class EngineScheduler
{
    public static readonly EngineScheduler ThreadPool = new();

    protected EngineScheduler()
    {
    }

    /// <summary>Starts a background loop; the task is its end.</summary>
    public virtual Task Start(Func<Task> loop) => Task.Run(loop);

    /// <summary>
    /// Starts something short that may block the thread that it is on, as a store in a folder does. In production it
    /// gets a thread of its own: those of the pool are few, and others wait for them.
    /// </summary>
    public virtual Task StartAside(Func<Task> work) => Task.Factory.StartNew(
        work,
        CancellationToken.None,
        TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
        TaskScheduler.Default).Unwrap();

    /// <summary>
    /// Something to wait for. In production those who wait go on elsewhere, never inside whoever completes it.
    /// </summary>
    public virtual TaskCompletionSource NewCompletion() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Wakes whoever waits for <paramref name="completion"/>; more than once is no error.</summary>
    /// <param name="completion">From <see cref="NewCompletion"/>.</param>
    /// <param name="failure">What they are to see instead of success.</param>
    public virtual void Complete(TaskCompletionSource completion, Exception? failure = null)
    {
        if (failure is null)
        {
            completion.TrySetResult();
        }
        else
        {
            completion.TrySetException(failure);
        }
    }

    /// <summary>
    /// Waits. <see cref="Task.Delay(TimeSpan, TimeProvider)"/>, cancelled, goes on in the thread pool.
    /// </summary>
    public virtual Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken) =>
        Task.Delay(delay, time, cancellationToken);

    /// <summary>Cancels; what is registered with the source has run when the task ends.</summary>
    public virtual Task CancelAsync(CancellationTokenSource source) => source.CancelAsync();
}
