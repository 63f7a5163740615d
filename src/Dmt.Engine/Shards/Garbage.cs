using System.Threading.Channels;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Shards;

/// <summary>
/// Deletes objects in the background. What it does not get to is found, unreferenced, at the next opening.
/// </summary>
internal sealed class Garbage(IObjectStore objects) : IAsyncDisposable
{
    private readonly Channel<IReadOnlyList<string>> _channel =
        Channel.CreateUnbounded<IReadOnlyList<string>>(new() { SingleReader = true });

    private Task _loop = Task.CompletedTask;
    private long _failures;

    /// <summary>Deletions that failed; the objects are found again at the next opening.</summary>
    public long Failures => Volatile.Read(ref _failures);

    public void Start() => _loop = Task.Run(RunAsync);

    public void Add(IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            _channel.Writer.TryWrite(names);
        }
    }

    /// <summary>Deletes what has been added, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _channel.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        await foreach (var names in _channel.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                await objects.DeleteAsync(names).ConfigureAwait(false);
            }
            catch (DmtException)
            {
                // Deleting too late costs disk, nothing else; the count is a metric.
                Interlocked.Increment(ref _failures);
            }
        }
    }
}
