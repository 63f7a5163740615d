namespace Dmt.EndToEnd.Tests;

/// <summary>
/// Kills a server with SIGKILL at a random moment: after a random number of acknowledgements, whichever writer gets the
/// last of them, and then a random instant later, so that kills fall between requests as well as into them.
/// </summary>
internal sealed class KillSwitch(ServerProcess server, int acknowledgements, TimeSpan later)
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _left = acknowledgements;

    /// <summary>Writers call it for each answer that says that a write is acknowledged.</summary>
    public void Acknowledged()
    {
        if (Interlocked.Decrement(ref _left) == 0)
        {
            _reached.SetResult();
        }
    }

    /// <summary>Returns when the server is dead and the writers have seen it.</summary>
    public async Task RunAsync(IEnumerable<Func<KillSwitch, Task>> writers)
    {
        var running = Task.WhenAll(writers.Select(write => Task.Run(() => write(this))));

        // A writer that ends before the kill has found a fault, which Task.WhenAll throws.
        await await Task.WhenAny(_reached.Task, running);
        await Task.Delay(later);
        await server.KillAsync();
        await running;
    }
}
