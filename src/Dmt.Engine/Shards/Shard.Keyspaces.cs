using Dmt.Core;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <content>What keeps the copies of keyspaces right; see KeyspaceFeed.cs.</content>
internal sealed partial class Shard
{
    /// <summary>A shard that is closed waits so long for the log; then what is in it is replayed.</summary>
    private static readonly TimeSpan ClosingPatience = TimeSpan.FromSeconds(5);

    /// <summary>What was in tables when it was opened; what came later was written, or replayed, in this process.
    /// </summary>
    public ulong FlushedAtOpen { get; private init; }

    /// <summary>The last sequence number given out; the keys of all operations up to it have been noted.</summary>
    public ulong LastTaken()
    {
        lock (_writeLock)
        {
            return _lastSequence;
        }
    }

    /// <summary>Writes a batch, unthrottled, if nothing was written since.</summary>
    /// <param name="batch">Without conditions.</param>
    /// <param name="last">The last sequence number that was given out.</param>
    /// <returns>False where there is another one by now, or writers must wait.</returns>
    public bool TryWriteNext(WriteBatch batch, ulong last)
    {
        lock (_writeLock)
        {
            if (_lastSequence != last)
            {
                return false;
            }

            var written = TryCommit(batch, Durability.Default, 0, 0, out _, out var gate);
            if (gate is not null)
            {
                _gateOpened.Leave(gate);
            }

            return written;
        }
    }

    /// <summary>
    /// Completes when the log is durable as far as it goes now. Tables come into a manifest after that only: what they
    /// hold must not outlive what lies before it in the log and belongs to other shards.
    /// </summary>
    /// <param name="written">Tables that are given up where it fails.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async ValueTask WaitForLogAsync(IReadOnlyList<TableInfo> written, CancellationToken cancellationToken)
    {
        if (_host.Feed is not { IsNeeded: true })
        {
            return;
        }

        // A wait that began before counts its patience from the closing on, which waits for the lock that is held here.
        using var closing = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _host.Time);
        using var onClosing = _closing.Token.UnsafeRegister(
            static closing => ((CancellationTokenSource)closing!).CancelAfter(ClosingPatience), closing);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(closing.Token, cancellationToken);
        try
        {
            await _host.Log.WaitDurableAsync(_host.Log.End, either.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _host.Collector.Add([.. written.Select(static info => info.Id.ObjectName)]);
            if (e is OperationCanceledException && closing.IsCancellationRequested)
            {
                throw DmtException.Unavailable($"the log takes nothing: shard {Id} is closed with what is in it", e);
            }

            throw;
        }
    }
}
