// What is tried again: everything that says "not here" or "not now". A read may always be; a write carries the number
// of its request, so that whoever has applied it says so instead of applying it again. A call is never left to Orleans'
// own resending.
using System.Diagnostics;
using Dmt.Core;
using Dmt.Core.Diagnostics;

namespace Dmt.Client;

/// <summary>How long and how often a call is tried.</summary>
internal sealed class Retries(DmtClientOptions options, TimeProvider time)
{
    /// <summary>Tries until it succeeds, fails for good, or takes too long.</summary>
    /// <param name="what">What is done, for the error.</param>
    /// <param name="state">Handed to each of them.</param>
    /// <param name="attempt">One attempt.</param>
    /// <param name="notHere">Called when a shard says that it has not got the keys; the map is to be looked at again.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="failed">What came of a first attempt that was made before; null where there was none.</param>
    /// <exception cref="DmtException">Unavailable, with what was tried and what came of it last.</exception>
    public async ValueTask<T> RunAsync<TState, T>(
        Func<string> what,
        TState state,
        Func<TState, CancellationToken, ValueTask<T>> attempt,
        Func<TState, CancellationToken, ValueTask> notHere,
        CancellationToken cancellationToken,
        Exception? failed = null)
    {
        var began = time.GetTimestamp();
        var delay = options.RetryDelayMin;
        for (var attempts = 1; ; attempts++)
        {
            var last = attempts == 1 ? failed : null;
            if (last is null)
            {
                try
                {
                    return await attempt(state, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (IsPassing(e))
                {
                    last = e;
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            var elapsed = time.GetElapsedTime(began);
            if (elapsed >= options.OperationTimeout)
            {
                throw DmtException.Unavailable(
                    $"{what()}: tried {attempts} times in {elapsed.TotalSeconds:F1} s; at last: {last.Message}", last);
            }

            if (Activity.Current is { Source.Name: DmtSpans.Client } span)
            {
                span.AddEvent(new ActivityEvent("dmt.retry", tags: new() { ["dmt.because"] = last.Message }));
            }

            // Chance keeps those who failed together from coming back together.
            await Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), time, cancellationToken).ConfigureAwait(false);
            delay = delay * 2 < options.RetryDelayMax ? delay * 2 : options.RetryDelayMax;
            if (last is DmtException { Kind: DmtErrorKind.NotOwner })
            {
                await TryAsync(notHere, state, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>It may be different the next time, or elsewhere.</summary>
    public static bool IsPassing(Exception error) => error switch
    {
        DmtException known => known.Kind
            is DmtErrorKind.NotOwner or DmtErrorKind.Fenced or DmtErrorKind.Unavailable or DmtErrorKind.Closed,
        OrleansException => true,
        TimeoutException => true,
        _ => false,
    };

    /// <summary>The map cannot be had now: the next attempt finds out whether the old one will do.</summary>
    private static async ValueTask TryAsync<TState>(
        Func<TState, CancellationToken, ValueTask> refresh, TState state, CancellationToken cancellationToken)
    {
        try
        {
            await refresh(state, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsPassing(e))
        {
            // As said.
        }
    }
}
