using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Keyspaces;

/// <content>The loop.</content>
internal sealed partial class KeyspaceFeed
{
    private List<byte[]> _taken = []; // keys, in order, of which those before _takenAt are done
    private int _takenAt;
    private volatile bool _isDeclared;

    private async Task RunAsync()
    {
        try
        {
            while (await ServeAsync().ConfigureAwait(false))
            {
                await _queue.WaitForWorkAsync(HasOtherWork, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped while something failed: the next opening compares.
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A fence, damage or a bug: trying again would not help. Searches say so.
            _problem = e;
        }
        finally
        {
            _hasEnded = true;
            EndRebuilds();
            _queue.Replace([]);
            _queue.Wake();
        }
    }

    private bool HasOtherWork() => _isStopping || HasStalePositions || HasRebuilds;

    /// <summary>One step, made again while it fails.</summary>
    /// <returns>False when the feed is to end.</returns>
    private async ValueTask<bool> ServeAsync()
    {
        while (true)
        {
            try
            {
                var ends = _isStopping;
                await StepAsync(ends).ConfigureAwait(false);
                (_problem, _failures) = (null, 0);
                return !ends;
            }
            catch (DmtException e) when (e.Kind is DmtErrorKind.Unavailable or DmtErrorKind.NotOwner)
            {
                (_problem, _failures) = (e, _failures + 1);
                if (_queue.IsFull)
                {
                    _queue.Replace(_keys.Select(static one => Whole(one.Keyspace)));
                }

                _queue.Wake();
                if (_isStopping)
                {
                    return false;
                }

                await _host.Scheduler.DelayAsync(RetryDelay, _host.Time, _stop.Token).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask StepAsync(bool isLast)
    {
        if (!_isDeclared)
        {
            await DeclareAsync().ConfigureAwait(false);
            _isDeclared = true;
            _queue.Wake();
        }

        await RebuildAsync().ConfigureAwait(false);
        await RedoAsync().ConfigureAwait(false);
        var before = CapturePositions(all: isLast);
        await FeedKeysAsync().ConfigureAwait(false);
        if (!isLast && _queue.PeekRange() is { } range)
        {
            await FeedRangeAsync(range).ConfigureAwait(false);
        }

        if (!_queue.HasRanges)
        {
            await WritePositionsAsync(before, isLast).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The keys that are left of an attempt that failed, and all that wait: what has been noted so far is fed when this
    /// returns, as a position says.
    /// </summary>
    private async ValueTask FeedKeysAsync()
    {
        await FeedTakenAsync().ConfigureAwait(false);
        _taken = _queue.TakeKeys();
        _takenAt = 0;
        SortDistinct(_taken);
        await FeedTakenAsync().ConfigureAwait(false);
    }

    private async ValueTask FeedTakenAsync()
    {
        while (_takenAt < _taken.Count)
        {
            _takenAt = await FeedAsync(_taken, _takenAt).ConfigureAwait(false);
        }

        _queue.FinishKeys();
    }

    /// <summary>Compares a piece of a range, and feeds the keys that differ.</summary>
    private async ValueTask FeedRangeAsync(DirtyRange range)
    {
        var copies = Find(range.Keyspace.Name);
        if (range.Builds != 0 && range.Builds != copies.Generation)
        {
            _queue.Finish(range); // Another one is being built.
            return;
        }

        if (range.Unless is { } known)
        {
            if (PositionOf(known.Shard) >= known.Flushed)
            {
                _queue.Finish(range);
                return;
            }

            range.Unless = null;
        }

        var (differing, next) = await CompareAsync(copies, range.Left).ConfigureAwait(false);
        for (var at = 0; at < differing.Count;)
        {
            at = await FeedAsync(differing, at).ConfigureAwait(false);
        }

        if (next is not null)
        {
            range.Left = new KeyRange(next, range.Left.End);
            return;
        }

        if (range.Builds != 0)
        {
            await MarkBuiltAsync(copies).ConfigureAwait(false);
        }

        _queue.Finish(range);
    }

    private static void SortDistinct(List<byte[]> keys)
    {
        keys.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        var kept = 0;
        for (var i = 0; i < keys.Count; i++)
        {
            if (kept == 0 || !keys[i].AsSpan().SequenceEqual(keys[kept - 1]))
            {
                keys[kept++] = keys[i];
            }
        }

        keys.RemoveRange(kept, keys.Count - kept);
    }
}
