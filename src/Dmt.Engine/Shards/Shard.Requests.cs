// Writes that name themselves (RequestId) are applied once, however often they are sent. The name lies in the record of
// the write, before its operations, and has a sequence number of its own; so it is there exactly when the write is,
// whoever replays the log. It is not put into the memtable but noted in _requests. A manifest has what is noted of all
// that is in its tables and nothing of what lies behind them in the log, which may be lost with the end of the log.
//
// Two attempts of one write may come at the same time. What is known of the request is looked up first and again under
// the lock of the commit; where it has changed, the attempt begins anew and finds the other one's outcome.
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Requests;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    private readonly RequestTable _requests; // guarded by _writeLock

    private async ValueTask<ulong> WriteOnceAsync(
        WriteBatch batch, RequestId request, Durability? durability, CancellationToken cancellationToken)
    {
        while (true)
        {
            var left = LeftOf(batch, request, out var known);
            if (left is null)
            {
                return await AcknowledgeAgainAsync(known, durability, cancellationToken).ConfigureAwait(false);
            }

            await _throttle.WaitAsync(left.Encoded.Length, cancellationToken).ConfigureAwait(false);
            await _host.Log.WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            ulong checkedAt = 0;
            try
            {
                checkedAt = left.HasConditions ? await CheckAsync(left, cancellationToken).ConfigureAwait(false) : 0;
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict && HasChanged(request, known))
            {
                continue; // What does not hold any more may be what another attempt of this write has changed.
            }

            if (TryCommit(left, durability, checkedAt, known, out var committed, out var gate))
            {
                return await Acknowledge(committed, durability, cancellationToken).ConfigureAwait(false);
            }

            if (gate is not null)
            {
                await _gateOpened.WaitAsync(gate, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>What of a batch is still to be done.</summary>
    /// <param name="batch">All of it.</param>
    /// <param name="request">Its name.</param>
    /// <param name="known">The version that it was answered with; 0 where nothing is known of it.</param>
    /// <returns>Null where all of it was applied before.</returns>
    private WriteBatch? LeftOf(WriteBatch batch, RequestId request, out ulong known)
    {
        lock (_writeLock)
        {
            ThrowIfUnusable();
            Touch();
            CheckOwnership(batch);
            var found = _requests.Find(request, NowMs());
            known = found?.Version ?? 0;
            if (found is not { } done)
            {
                return batch;
            }

            return done.Scope?.Missing(batch) is { Count: > 0 } left ? left : null;
        }
    }

    private bool HasChanged(RequestId request, ulong known)
    {
        lock (_writeLock)
        {
            return VersionOf(request) != known;
        }
    }

    /// <summary>Under _writeLock.</summary>
    private ulong VersionOf(RequestId request) => _requests.Find(request, NowMs())?.Version ?? 0;

    /// <summary>At level strict, as the first attempt was or would have been: when it is durable.</summary>
    private async ValueTask<ulong> AcknowledgeAgainAsync(
        ulong version, Durability? durability, CancellationToken cancellationToken)
    {
        if ((durability ?? _options.Durability).IsStrict)
        {
            await SyncAsync(cancellationToken).ConfigureAwait(false);
        }

        return version;
    }

    /// <summary>
    /// Notes the request that a record of the log begins with. Under _writeLock, or while nobody else has the shard.
    /// </summary>
    private void NoteRequest(in LogRecord record, RequestId request) =>
        _requests.Add(request, record.FirstSeq + (ulong)record.Count - 1, NowMs());

    /// <exception cref="DmtException">Corruption for a request that does not come before the operations.</exception>
    private static void CheckRequest(in LogRecord record, ulong sequence)
    {
        if (sequence != record.FirstSeq || record.Count < 2)
        {
            throw DmtException.Corruption(
                record.File, record.Offset, "a request that does not come before the operations of its record");
        }
    }

    /// <summary>What a merged shard knew is known here from now on. Behind a closed gate.</summary>
    private void AbsorbRequests(Manifest merged)
    {
        lock (_writeLock)
        {
            _requests.Absorb(
                merged.Requests,
                new RequestScope(_view.Ownership.Ranges),
                new RequestScope(new Ownership(merged).Ranges));
        }
    }

    /// <summary>The manifest with what is known of requests that are in its tables.</summary>
    private Manifest WithRequests(Manifest next)
    {
        lock (_writeLock)
        {
            return next with { Requests = _requests.Snapshot(next.FlushedSequence, NowMs()) };
        }
    }
}
