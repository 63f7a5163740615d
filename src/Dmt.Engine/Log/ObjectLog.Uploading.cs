using Dmt.Core;
using Dmt.Core.Diagnostics;

namespace Dmt.Engine.Log;

internal sealed partial class ObjectLog
{
    /// <summary>Seals the open batch when it is time; sets the timer for when it will be. Under the lock.</summary>
    /// <returns>The batch to upload; null for none.</returns>
    private Batch? SealIfDue()
    {
        if (_open.Length == 0 || _failure is not null)
        {
            return null;
        }

        if (_open.Length >= _options.BatchBytesMax)
        {
            return Seal();
        }

        var now = Now();
        var due = _open.DueAt;
        if (_open.IsAwaited)
        {
            var complete = _open.Waiters >= _returning ? now : _lastAcknowledgedAt + _options.Linger;
            var spaced = _uploads == 0 ? now : _lastSealAt + _options.Linger;
            due = TimeSpan.FromTicks(Math.Min(due.Ticks, Math.Max(complete.Ticks, spaced.Ticks)));
        }

        // With all uploads busy it waits for one to end, and gathers more meanwhile.
        if (due <= now && _uploads < _options.UploadsMax)
        {
            return Seal();
        }

        var wait = due - now;
        _timer.Change(
            wait > TimeSpan.FromMilliseconds(1) ? wait : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        return null;
    }

    /// <summary>Under the lock.</summary>
    private Batch Seal()
    {
        var batch = _open;
        _sealed.Add(batch);
        _nextNumber = batch.Number + 1;
        _open = new Batch(_nextNumber, batch.EndPosition);
        _lastSealAt = Now();
        batch.SealedAt = _time.GetTimestamp();
        _returning = 0;
        _uploads++;
        return batch;
    }

    private void OnTimer()
    {
        Batch? ready;
        lock (_lock)
        {
            ready = _closed ? null : SealIfDue();
        }

        Start(ready);
    }

    /// <summary>
    /// Uploads a sealed batch. Its end is seen in <see cref="Finish"/>, never lost: nobody needs to await it.
    /// </summary>
    private void Start(Batch? batch)
    {
        if (batch is not null)
        {
            _ = _scheduler.Start(() => UploadAsync(batch));
        }
    }

    private async Task UploadAsync(Batch batch)
    {
        var name = ObjectLogFormat.NameOf(Incarnation, batch.Number);
        var content = ObjectLogFormat.Encode(ObjectBatchKind.Records, Incarnation, batch.Number, batch.Sections);
        foreach (var section in batch.Sections)
        {
            section.Release();
        }

        using var span = EngineSpans.Start("dmt.log.upload")?.SetTag("dmt.object", name)
            .SetTag("dmt.bytes", content.Length).SetTag("dmt.operations", batch.Operations);
        try
        {
            while (!await TryUploadAsync(name, content).ConfigureAwait(false))
            {
                await _scheduler.DelayAsync(_options.RetryDelay, _time, _stop.Token).ConfigureAwait(false);
            }

            Finish(batch, content.Length, null);
        }
        catch (OperationCanceledException e)
        {
            Finish(batch, 0, new DmtException(DmtErrorKind.Closed, $"the log {Incarnation} was closed", e));
        }
        catch (Exception e)
        {
            span.Failed(e);
            Finish(
                batch, 0, e as DmtException ?? DmtException.Unavailable($"the log failed at {name}: {e.Message}", e));
        }
    }

    /// <returns>False when the store is out of reach and the upload is to be tried again.</returns>
    /// <exception cref="DmtException">Fenced.</exception>
    private async ValueTask<bool> TryUploadAsync(string name, ReadOnlyMemory<byte> content)
    {
        try
        {
            if (!await _objects.TryCreateAsync(name, content, _stop.Token).ConfigureAwait(false))
            {
                var found = await _objects.GetAsync(name, _stop.Token).ConfigureAwait(false);
                if (!content.Span.SequenceEqual(found))
                {
                    throw Fenced(name);
                }
            }

            Volatile.Write(ref _refused, null);
            return true;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            Volatile.Write(ref _refused, e.Message);
            WakeRoom(onlyRefused: true);
            return false;
        }
    }

    /// <summary>An upload ended: moves the durable position, or fails everything from there on.</summary>
    private void Finish(Batch batch, int bytes, DmtException? failure)
    {
        Fence.Note(failure);
        var done = new List<Waiter>();
        Batch? next;
        lock (_lock)
        {
            _uploads--;
            batch.IsThere = failure is null;
            _failure ??= failure;
            _bytesWritten += bytes;
            Uploaded += failure is null ? 1 : 0;
            while (_sealed.Count > 0 && _sealed[0].IsThere)
            {
                // A log that is sealed has a fence at its first free number: what comes behind that is never durable.
                NoteAlone(_sealed[0].SealedAt);
                Volatile.Write(ref _durableEnd, _sealed[0].EndPosition);
                Volatile.Write(ref _unwritten, _end - _durableEnd);
                _sealed.RemoveAt(0);
            }

            Predicate<Waiter> isDone = waiter => waiter.Position <= _durableEnd || _failure is not null;
            done.AddRange(_waiters.Where(waiter => isDone(waiter)));
            _waiters.RemoveAll(isDone);
            if (done.Count > 0)
            {
                _returning += done.Count;
                _lastAcknowledgedAt = Now();
            }

            next = _closed ? null : SealIfDue();
        }

        Start(next);
        WakeRoom(onlyRefused: false);
        foreach (var waiter in done)
        {
            // Acknowledged in order: what lies before the durable position is there, whatever came behind it.
            if (waiter.Position <= DurableEnd)
            {
                _scheduler.Complete(waiter.Completion);
            }
            else
            {
                _scheduler.Complete(
                    waiter.Completion, new DmtException(_failure!.Kind, _failure.Message, _failure));
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask ConfirmAsync(CancellationToken cancellationToken)
    {
        var asked = _time.GetTimestamp();
        long number;
        lock (_lock)
        {
            ThrowIfFailed();
            number = _sealed.Count > 0 ? _sealed[0].Number : _open.Number;
        }

        // Beyond what is durable there may be batches of this log itself. Where those end, a fence would be.
        for (; ; number++)
        {
            var name = ObjectLogFormat.NameOf(Incarnation, number);
            if (await _objects.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } found)
            {
                break;
            }

            if (ObjectLogFormat.ReadHeader(found, name).Kind == ObjectBatchKind.Fence)
            {
                var fenced = Fenced(name);
                Fence.Note(fenced);
                throw fenced;
            }
        }

        lock (_lock)
        {
            NoteAlone(asked);
        }
    }

    private DmtException Fenced(string name) => new(
        DmtErrorKind.Fenced,
        $"{name} exists already: another process has taken over and sealed the log of {Incarnation}");

    /// <summary>Under the lock.</summary>
    private void NoteAlone(long timestamp) => Volatile.Write(ref _aloneAt, Math.Max(_aloneAt, timestamp));

    /// <summary>Lets writers look again: there is room, or they are to be refused.</summary>
    private void WakeRoom(bool onlyRefused)
    {
        bool wakes;
        lock (_lock)
        {
            wakes = onlyRefused || HasRoom || _failure is not null;
        }

        if (wakes)
        {
            _room.WakeAll();
        }
    }
}
