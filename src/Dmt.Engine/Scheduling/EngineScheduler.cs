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
    /// Something to wait for. In production those who wait go on elsewhere, never inside whoever completes it.
    /// </summary>
    public virtual TaskCompletionSource NewCompletion() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
