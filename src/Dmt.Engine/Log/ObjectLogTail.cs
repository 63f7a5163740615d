// The end of one incarnation's log in a bucket, read as it grows: once for all shards of this process that follow it.
//
// What comes next is asked for by its name: an idle log costs one small request a look, and no listing. Where a batch
// is there, those behind it are asked for side by side, more at a time the more there are.
//
// The newest batches are kept for those who come a little later. Who needs older ones reads the log itself.
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Log;

internal sealed class ObjectLogTail(
    ObjectLogStore logs, string incarnation, TimeProvider time, EngineScheduler scheduler)
{
    /// <summary>Bytes of the newest batches that are kept; one is always.</summary>
    private const long KeptBytesMax = 8 << 20;

    /// <summary>Batches asked for at a time.</summary>
    private const int AheadMax = 32;

    private readonly AsyncLock _reading = new(scheduler);
    private readonly Lock _lock = new(); // guards all below
    private readonly Queue<LogBatch> _kept = [];
    private long _keptBytes;
    private long? _next; // the batch to ask for; null before anybody said where to begin
    private bool _isSealed;
    private long _lookedAt;

    /// <summary>When it was looked at last, as a timestamp of the clock.</summary>
    public long LookedAt => Volatile.Read(ref _lookedAt);

    /// <summary>Whoever read the log says how far it reaches: the tail begins there, or goes on from there.</summary>
    public void BeginAt(LogEnd end, long lookedAt)
    {
        lock (_lock)
        {
            if (_next is { } next && next >= end.Next)
            {
                return;
            }

            _kept.Clear();
            (_keptBytes, _next, _isSealed) = (0, end.Next, end.IsSealed);
            Volatile.Write(ref _lookedAt, lookedAt);
        }
    }

    /// <summary>Reads what has come.</summary>
    /// <param name="ageMax">Not when somebody else did, so short a time ago.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="Core.DmtException">Unavailable; Corruption.</exception>
    public async ValueTask AdvanceAsync(TimeSpan ageMax, CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        using var held = await _reading.AcquireAsync(cancellationToken).ConfigureAwait(false);
        long next;
        lock (_lock)
        {
            // Whoever waited while another one looked has what that one found, if it began after this one asked.
            if (_next is not { } known || _isSealed || _lookedAt > asked
                || (ageMax > TimeSpan.Zero && time.GetElapsedTime(_lookedAt, asked) < ageMax))
            {
                return;
            }

            next = known;
        }

        var lookedAt = time.GetTimestamp();
        for (var count = 1; await TryReadAsync(next, count, cancellationToken).ConfigureAwait(false);)
        {
            next += count;
            count = Math.Min(AheadMax, count * 2);
        }

        Volatile.Write(ref _lookedAt, lookedAt);
    }

    /// <summary>A batch, as far as the tail was read.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="batch">Null where it is not there yet, or a fence is there.</param>
    /// <returns>False where the log must be read for it: it is not kept any more, or the tail has not come so far.
    /// </returns>
    public bool TryGet(long number, out LogBatch? batch)
    {
        lock (_lock)
        {
            batch = null;
            if (number == _next)
            {
                return true;
            }

            if (_next is not { } next || number > next || number < next - _kept.Count)
            {
                return false;
            }

            batch = _kept.ElementAt((int)(number - (next - _kept.Count)));
            return true;
        }
    }

    /// <summary>A fence has that number.</summary>
    public bool IsSealedAt(long number)
    {
        lock (_lock)
        {
            return _isSealed && number == _next;
        }
    }

    /// <returns>All were there: there may be more.</returns>
    private async ValueTask<bool> TryReadAsync(long first, int count, CancellationToken cancellationToken)
    {
        var batches = await Task.WhenAll(Enumerable.Range(0, count).Select(i =>
            logs.TryReadBatchAsync(incarnation, first + i, cancellationToken).AsTask())).ConfigureAwait(false);
        lock (_lock)
        {
            if (_next != first)
            {
                return false; // Somebody who read the log is further.
            }

            foreach (var batch in batches)
            {
                _isSealed = batch is { IsFence: true };
                if (batch is null || batch.IsFence)
                {
                    return false;
                }

                Keep(batch);
            }
        }

        return true;
    }

    /// <summary>Under the lock.</summary>
    private void Keep(LogBatch batch)
    {
        _kept.Enqueue(batch);
        _keptBytes += batch.Length;
        _next = batch.Number + 1;
        while (_keptBytes > KeptBytesMax && _kept.Count > 1)
        {
            _keptBytes -= _kept.Dequeue().Length;
        }
    }
}
