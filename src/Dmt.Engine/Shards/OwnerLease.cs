// Whoever takes a shard over seals the log of the owner before, who learns of it when it next writes there. Until then
// it would answer reads with what was, while its successor takes writes. So it answers only while it knows that its log
// was not sealed a short time ago, and a successor waits out that time after it has sealed.
//
// What is known comes with every upload of the log, and where there are none a request asks: in advance, while somebody
// reads, so that nobody waits for it. A node that nobody reads from asks nothing. Only spans of time are compared, each
// on one clock; clocks need not agree, only run at about the same rate.
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

/// <summary>Whether a node may answer for the shards that it has open. Safe for concurrent use.</summary>
/// <param name="log">The node's.</param>
/// <param name="time">The clock.</param>
/// <param name="scheduler">Runs renewals.</param>
internal sealed class OwnerLease(INodeLog log, TimeProvider time, EngineScheduler scheduler)
{
    /// <summary>For so long a node goes by what it knows.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(1);

    /// <summary>So long a successor waits: as long, and a quarter for clocks that run at different rates.</summary>
    public static readonly TimeSpan Patience = Length * 1.25;

    private readonly Lock _lock = new(); // guards _renewing and who waits for it
    private readonly AsyncSignal _renewed = new(scheduler);
    private Renewal? _renewing;

    /// <summary>
    /// Completes when it is known that nobody else answered for the node's shards before now. To be called after what
    /// is to be answered was read or written.
    /// </summary>
    /// <exception cref="DmtException">Fenced; Unavailable where that cannot be found out.</exception>
    public ValueTask HoldAsync(CancellationToken cancellationToken)
    {
        var age = time.GetElapsedTime(log.AloneAt);
        if (age < Length / 2)
        {
            return ValueTask.CompletedTask;
        }

        var renewal = Renew(isAwaited: age >= Length, out var renewed);
        return renewed is null ? ValueTask.CompletedTask : WaitAsync(renewal, renewed, cancellationToken);
    }

    private async ValueTask WaitAsync(
        Renewal renewal, LinkedListNode<TaskCompletionSource>? renewed, CancellationToken cancellationToken)
    {
        // The one that was under way may have asked before; the next one has not.
        var since = time.GetTimestamp();
        while (true)
        {
            await _renewed.WaitAsync(renewed!, cancellationToken).ConfigureAwait(false);
            if (renewal.Error is { } error)
            {
                throw new DmtException(error.Kind, error.Message, error);
            }

            if (log.AloneAt >= since || time.GetElapsedTime(log.AloneAt) < Length)
            {
                return;
            }

            renewal = Renew(isAwaited: true, out renewed);
        }
    }

    /// <param name="isAwaited">Somebody waits for its end.</param>
    /// <param name="renewed">What to wait for then.</param>
    private Renewal Renew(bool isAwaited, out LinkedListNode<TaskCompletionSource>? renewed)
    {
        Renewal renewal;
        lock (_lock)
        {
            renewed = isAwaited ? _renewed.Enlist() : null;
            if (_renewing is { } underWay)
            {
                return underWay;
            }

            _renewing = renewal = new Renewal();
        }

        _ = scheduler.Start(() => RunAsync(renewal));
        return renewal;
    }

    /// <summary>An error goes to those who wait; who does not wait yet asks again.</summary>
    private async Task RunAsync(Renewal renewal)
    {
        try
        {
            await log.ConfirmAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Not Closed, where the log is: what is to be answered may have been done.
            renewal.Error = e is DmtException { Kind: DmtErrorKind.Fenced } fenced
                ? fenced
                : DmtException.Unavailable($"it cannot be found out who owns the shards: {e.Message}", e);
        }

        lock (_lock)
        {
            _renewing = null;
            _renewed.WakeAll();
        }
    }

    private sealed class Renewal
    {
        public DmtException? Error { get; set; }
    }
}
