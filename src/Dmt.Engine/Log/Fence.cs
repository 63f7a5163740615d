using Dmt.Core;

namespace Dmt.Engine.Log;

/// <summary>
/// Whether this incarnation of the node is known to be fenced: another process has taken over. Set once, by whoever
/// meets the fence first (an upload of the log, a manifest), and then nothing is read or written any more by any shard.
/// Safe for concurrent use; asking is one volatile read.
/// </summary>
internal sealed class Fence
{
    private readonly TaskCompletionSource<string> _known = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile DmtException? _reason;

    /// <summary>What was met; null while nothing is known.</summary>
    public DmtException? Reason => _reason;

    /// <summary>Completes, with what was met, when it is met.</summary>
    public Task<string> Known => _known.Task;

    /// <summary>Notes what an error says of a fence, if it does.</summary>
    public void Note(Exception? error)
    {
        if (error is DmtException { Kind: DmtErrorKind.Fenced } fenced
            && Interlocked.CompareExchange(ref _reason, fenced, null) is null)
        {
            _known.TrySetResult(fenced.Message);
        }
    }

    /// <exception cref="DmtException">Fenced.</exception>
    public void ThrowIfKnown()
    {
        if (_reason is { } reason)
        {
            throw new DmtException(DmtErrorKind.Fenced, reason.Message, reason);
        }
    }
}
