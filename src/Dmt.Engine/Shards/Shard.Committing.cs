using Dmt.Core;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Shards;

/// <content>Manifests that carves and merges begin to count with.</content>
internal sealed partial class Shard
{
    private static readonly TimeSpan CommitRetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Writes the manifest that a change begins to count with, until it is known that it is there. Under _manifestLock.
    /// </summary>
    private async ValueTask CommitAsync(Manifest next)
    {
        next = WithRequests(next);
        SetManifest(await UntilDoneAsync(stop => _manifests.WriteAsync(next, stop)).ConfigureAwait(false));
    }

    /// <summary>Tries again while the store is unavailable: what was begun must come to an end.</summary>
    /// <exception cref="DmtException">Fenced; Closed; Corruption.</exception>
    private async ValueTask<T> UntilDoneAsync<T>(Func<CancellationToken, ValueTask<T>> call)
    {
        var hasFailed = false;
        try
        {
            while (true)
            {
                try
                {
                    var done = await call(_closing.Token).ConfigureAwait(false);
                    if (hasFailed)
                    {
                        ReportProblem(BackgroundWork.Flush, null);
                    }

                    return done;
                }
                catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
                {
                    // Shown to operators meanwhile.
                    ReportProblem(BackgroundWork.Flush, e);
                    hasFailed = true;
                }

                await DelayRetryAsync().ConfigureAwait(false);
            }
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced)
        {
            _failure = e;
            _fence.Note(e);
            throw;
        }
        catch (OperationCanceledException) when (
            _closing.IsCancellationRequested || _host.Closing.IsCancellationRequested)
        {
            // In doubt for good: before the gate opens, writers must find the shard closed.
            var closed = DmtException.Closed("the store");
            _failure = closed;
            throw closed;
        }
    }

    private async ValueTask DelayRetryAsync()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, _host.Closing.Token);
        await _host.Scheduler.DelayAsync(CommitRetryDelay, _host.Time, stop.Token).ConfigureAwait(false);
    }
}
