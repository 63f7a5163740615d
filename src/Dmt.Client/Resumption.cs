// Those who wait for one message go on when it comes back. A work item of the thread pool for each of them costs more
// than the calls themselves: threads wake up, find little to do and go to sleep again. So one thread lets one after the
// other go on, as far as each goes without waiting. One that blocks its thread holds up nobody: while there is somebody
// left, another work item is on its way, which goes on with the rest.
namespace Dmt.Client;

/// <summary>Lets callers go on, each once.</summary>
/// <param name="count">How many.</param>
/// <param name="resume">Lets one go on, on the present thread.</param>
internal sealed class Resumption(int count, Action<int> resume) : IThreadPoolWorkItem
{
    private int _next;
    private int _isQueued; // 1 while a work item is on its way

    public void Execute()
    {
        Volatile.Write(ref _isQueued, 0);
        for (int i; (i = Interlocked.Increment(ref _next) - 1) < count;)
        {
            if (i + 1 < count && Interlocked.Exchange(ref _isQueued, 1) == 0)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
            }

            resume(i);
        }
    }
}
