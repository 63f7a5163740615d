using System.Threading.Channels;

namespace Dmt.Engine.Log;

/// <summary>Runs one piece of work whenever it is woken, one at a time, on the thread pool; sleeps otherwise.</summary>
internal sealed class LogWorker
{
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>The loop; ends after <see cref="Stop"/>. Its owner awaits it.</summary>
    public async Task RunAsync(Action work)
    {
        while (await _wake.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            _wake.Reader.TryRead(out _);
            work();
        }
    }

    /// <summary>Has the work run once more after this call; many calls may be served by one run.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    public void Stop() => _wake.Writer.TryComplete();
}
