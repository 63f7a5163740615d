using Dmt.Core;
using Dmt.Core.Diagnostics;
using Dmt.Core.Keys;
using Dmt.Engine.Memory;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>Bytes of keys, values and metadata that were written.</summary>
    public long UserBytesWritten => Volatile.Read(ref _userBytesWritten);

    /// <summary>
    /// A memtable with so many is flushed: fragments that overlap cost memory by the square of their number, and a
    /// flush reduces them to what snapshots can tell apart.
    /// </summary>
    private const int RangeTombstonesMax = 1024;

    /// <summary>
    /// A memtable is flushed when the log has made so many objects since it was begun: each costs recovery a request,
    /// however little it holds, and strict writers who are few make one for each write.
    /// </summary>
    private const int LogObjectsMax = 2048;

    private long _userBytesWritten;
    private UndurableWrites? _undurable; // null where nobody waits for other's writes

    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, WriteOptions options, CancellationToken cancellationToken)
    {
        Key.Validate(key.Span);
        CheckValue(value.Length, options.Metadata.Length);
        var expiresAtMs = ExpiryOf(options.TimeToLive);
        if (NeedsBatch(options) || !_throttle.IsOpen || !_host.Log.HasRoom)
        {
            return WriteSlowlyAsync(WriteOperationKind.Put, key, value, options, expiresAtMs, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var operation = new WriteOperation
        {
            Kind = WriteOperationKind.Put,
            Key = key.Span,
            Value = value.Span,
            Metadata = options.Metadata.Span,
            ExpiresAtMs = expiresAtMs,
        };
        return TryCommit(operation, options.Durability, out var committed)
            ? Acknowledge(committed, options.Durability, cancellationToken)
            : WriteSlowlyAsync(WriteOperationKind.Put, key, value, options, expiresAtMs, cancellationToken);
    }

    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options, CancellationToken cancellationToken)
    {
        Key.Validate(key.Span);
        if (NeedsBatch(options) || !_throttle.IsOpen || !_host.Log.HasRoom)
        {
            return WriteSlowlyAsync(WriteOperationKind.Delete, key, default, options, 0, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var operation = new WriteOperation { Kind = WriteOperationKind.Delete, Key = key.Span };
        return TryCommit(operation, options.Durability, out var committed)
            ? Acknowledge(committed, options.Durability, cancellationToken)
            : WriteSlowlyAsync(WriteOperationKind.Delete, key, default, options, 0, cancellationToken);
    }

    public ValueTask<ulong> DeleteRangeAsync(KeyRange range, WriteOptions options, CancellationToken cancellationToken)
    {
        if (options.Condition.Kind != WriteCondition.Kinds.None)
        {
            throw DmtException.InvalidArgument("a range delete takes no condition");
        }

        var batch = new WriteBatch { Request = options.Request }.DeleteRange(range);
        return WriteAsync(batch, options.Durability, cancellationToken);
    }

    public async ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability, CancellationToken cancellationToken)
    {
        CheckValue(batch.ValueBytesLargest, 0);
        if (batch.Count == 0)
        {
            throw DmtException.InvalidArgument("the batch is empty");
        }

        if (batch.Request is { } request)
        {
            return await WriteOnceAsync(batch, request, durability, cancellationToken).ConfigureAwait(false);
        }

        while (true)
        {
            await _throttle.WaitAsync(batch.Encoded.Length, cancellationToken).ConfigureAwait(false);
            await _host.Log.WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            var checkedAt = batch.HasConditions ? await CheckAsync(batch, cancellationToken).ConfigureAwait(false) : 0;
            if (TryCommit(batch, durability, checkedAt, 0, out var committed, out var gate))
            {
                return await Acknowledge(committed, durability, cancellationToken).ConfigureAwait(false);
            }

            if (gate is not null)
            {
                await _gateOpened.WaitAsync(gate, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Completes when everything acknowledged so far is durable.</summary>
    public ValueTask SyncAsync(CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        return _host.Log.WaitDurableAsync(_host.Log.End, cancellationToken);
    }

    private static bool NeedsBatch(in WriteOptions options) =>
        options.Condition.Kind != WriteCondition.Kinds.None || options.Request is not null;

    /// <summary>A single write that must wait, has a condition or may be sent again.</summary>
    private ValueTask<ulong> WriteSlowlyAsync(
        WriteOperationKind kind,
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options,
        long expiresAtMs,
        CancellationToken cancellationToken)
    {
        var batch = new WriteBatch(key.Length + value.Length + options.Metadata.Length + 64)
        {
            Request = options.Request,
        };
        if (kind == WriteOperationKind.Put)
        {
            DateTimeOffset? expiresAt = expiresAtMs > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(expiresAtMs) : null;
            batch.Put(key.Span, value.Span, expiresAt, options.Metadata.Span, options.Condition);
        }
        else
        {
            batch.Delete(key.Span, options.Condition);
        }

        return WriteAsync(batch, options.Durability, cancellationToken);
    }

    /// <summary>Where a write went.</summary>
    private readonly record struct Committed(ulong Sequence, long LogPosition);

    /// <returns>False while writers of the key must wait.</returns>
    private bool TryCommit(in WriteOperation operation, Durability? durability, out Committed committed)
    {
        lock (_writeLock)
        {
            ThrowIfUnusable();
            Touch();
            _view.Ownership.Check(operation.Key);
            if (IsGated(operation.Key))
            {
                committed = default;
                return false;
            }

            var sequence = _lastSequence + 1;
            var position = _host.Log.Append(Id, Epoch, sequence, operation, durability ?? _options.Durability);
            if (_undurable is { } undurable && (durability ?? _options.Durability).IsStrict)
            {
                undurable.Add(operation.Key, position);
            }

            Apply(operation, sequence);
            committed = Publish(
                sequence, position, operation.Key.Length + operation.Value.Length + operation.Metadata.Length);
            _host.Feed?.Note(operation);
            return true;
        }
    }

    /// <param name="batch">The operations.</param>
    /// <param name="durability">When the log must be synced.</param>
    /// <param name="checkedAt">The sequence number as of which the conditions hold; 0 when there are none.</param>
    /// <param name="known">The version that its request was known to have; 0 for none.</param>
    /// <param name="committed">Where the last operation went.</param>
    /// <param name="gate">Where to wait, when writers of the batch must.</param>
    /// <returns>
    /// False at a closed gate, and when a key with a condition has, or may have, changed since, or the request was
    /// applied.
    /// </returns>
    private bool TryCommit(
        WriteBatch batch,
        Durability? durability,
        ulong checkedAt,
        ulong known,
        out Committed committed,
        out LinkedListNode<TaskCompletionSource>? gate)
    {
        lock (_writeLock)
        {
            ThrowIfUnusable();
            Touch();
            CheckOwnership(batch);
            gate = IsGated(batch) ? _gateOpened.Enlist() : null;
            if (gate is not null)
            {
                committed = default;
                return false;
            }

            if ((batch.HasConditions && HasChanged(batch, checkedAt))
                || (batch.Request is { } again && VersionOf(again) != known))
            {
                committed = default;
                return false;
            }

            var sequence = _lastSequence + 1;
            var position = _host.Log.Append(
                Id, Epoch, sequence, batch.RecordCount, batch.Record, durability ?? _options.Durability);
            sequence += (ulong)(batch.RecordCount - batch.Count);
            if (_undurable is { } undurable && (durability ?? _options.Durability).IsStrict)
            {
                undurable.Add(batch, position);
            }

            foreach (var operation in batch)
            {
                Apply(operation, sequence++);
            }

            if (batch.Request is { } request)
            {
                _requests.Add(request, sequence - 1, NowMs());
            }

            committed = Publish(sequence - 1, position, batch.UserBytes);
            _host.Feed?.Note(batch);
            return true;
        }
    }

    /// <summary>
    /// Into the memtable. The record is in the log already, so a failure half way ends the shard's service.
    /// </summary>
    private void Apply(in WriteOperation operation, ulong sequence)
    {
        Count(operation.Key);
        try
        {
            Apply(_view.Active, operation, sequence);
        }
        catch (Exception e)
        {
            _failure = e;
            throw;
        }
    }

    private static void Apply(MemTable memtable, in WriteOperation operation, ulong sequence)
    {
        if (operation.Kind == WriteOperationKind.DeleteRange)
        {
            memtable.Add(new RangeTombstone(
                operation.Key.ToArray(), operation.HasNoEnd ? null : operation.Value.ToArray(), sequence));
            return;
        }

        memtable.Add(new EntryData
        {
            Key = operation.Key,
            Value = operation.Value,
            Metadata = operation.Metadata,
            ExpiresAtMs = operation.ExpiresAtMs,
            Sequence = sequence,
            Kind = operation.Kind == WriteOperationKind.Put ? EntryKind.Put : EntryKind.Tombstone,
        });
    }

    private Committed Publish(ulong sequence, long position, long userBytes)
    {
        Volatile.Write(ref _lastSequence, sequence);
        _userBytesWritten += userBytes;
        if (_view.Active.BytesUsed >= _options.MemtableBytesEffective
            || _view.Active.RangeTombstoneCount >= RangeTombstonesMax
            || _host.Log.Objects - _activeSince >= LogObjectsMax)
        {
            Freeze(_host.LogRangeFrom(position));
        }
        else if (_host.Budget.IsOverMemtables && _view.Active.BytesUsed >= _options.MemtableBytesEffective / 8)
        {
            // Many shards share the memory: the larger memtables make room.
            FreezeSoon();
        }

        return new Committed(sequence, position);
    }

    private ValueTask<ulong> Acknowledge(
        Committed committed, Durability? durability, CancellationToken cancellationToken) =>
        (durability ?? _options.Durability).IsStrict
            ? AcknowledgeStrictAsync(committed, cancellationToken)
            : ValueTask.FromResult(committed.Sequence);

    private async ValueTask<ulong> AcknowledgeStrictAsync(Committed committed, CancellationToken cancellationToken)
    {
        using var span = EngineSpans.Start("dmt.log.wait", Id);
        try
        {
            await _host.Log.WaitDurableAsync(committed.LogPosition, cancellationToken).ConfigureAwait(false);
            return committed.Sequence;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Closed)
        {
            // Not Closed, which says that nothing was done: it is in memory, and may have come into a table.
            span.Failed(e);
            throw DmtException.Unavailable($"it is not known whether the write is durable: {e.Message}", e);
        }
        catch (Exception e) when (span.Failed(e))
        {
            throw;
        }
    }

    /// <summary>
    /// Checks the conditions of a batch against one state of the shard, and returns its sequence number.
    /// </summary>
    /// <exception cref="DmtException">Conflict.</exception>
    private async ValueTask<ulong> CheckAsync(WriteBatch batch, CancellationToken cancellationToken)
    {
        var asOf = OpenSnapshot();
        try
        {
            foreach (var (key, condition) in Conditions(batch))
            {
                var current = (await GetAsync(key, asOf, cancellationToken).ConfigureAwait(false))?.Version ?? 0;
                var holds = condition.Kind switch
                {
                    WriteCondition.Kinds.Absent => current == 0,
                    WriteCondition.Kinds.Present => current != 0,
                    _ => current == condition.Version && current != 0,
                };
                if (!holds)
                {
                    throw DmtException.Conflict(Describe(key, condition, current), current);
                }
            }

            return asOf;
        }
        finally
        {
            CloseSnapshot(asOf);
        }
    }

    private static string Describe(byte[] key, WriteCondition condition, ulong current)
    {
        var found = current == 0 ? "it is absent" : $"it has version {current}";
        return condition.Kind switch
        {
            WriteCondition.Kinds.Absent => $"\"{Key.ToDisplay(key)}\" was to be absent: {found}",
            WriteCondition.Kinds.Present => $"\"{Key.ToDisplay(key)}\" was to be present: {found}",
            _ => $"\"{Key.ToDisplay(key)}\" was to have version {condition.Version}: {found}",
        };
    }

    private static List<(byte[] Key, WriteCondition Condition)> Conditions(WriteBatch batch)
    {
        var conditions = new List<(byte[], WriteCondition)>();
        foreach (var operation in batch)
        {
            if (operation.Condition.Kind != WriteCondition.Kinds.None)
            {
                conditions.Add((operation.Key.ToArray(), operation.Condition));
            }
        }

        return conditions;
    }

    /// <summary>
    /// True when a key with a condition may have changed since its check. Only memtables are asked; when some of what
    /// came since has been flushed already, the answer is yes. Under _writeLock.
    /// </summary>
    private bool HasChanged(WriteBatch batch, ulong since)
    {
        if (_manifest.FlushedSequence > since)
        {
            return true;
        }

        foreach (var operation in batch)
        {
            if (operation.Condition.Kind == WriteCondition.Kinds.None)
            {
                continue;
            }

            foreach (var memtable in _view.Frozen.Append(_view.Active))
            {
                var entry = default(EntryData);
                if ((memtable.TryGet(operation.Key, ulong.MaxValue, ref entry) && entry.Sequence > since)
                    || memtable.RangeTombstones.CoveringSequence(operation.Key, ulong.MaxValue) > since)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void CheckValue(int valueBytes, int metadataBytes)
    {
        if (valueBytes > _options.ValueBytesMax)
        {
            throw DmtException.TooLarge(
                $"the value has {valueBytes} bytes: at most {_options.ValueBytesMax} are allowed");
        }

        if (metadataBytes > Entry.MetadataBytesMax)
        {
            throw DmtException.TooLarge(
                $"the metadata has {metadataBytes} bytes: at most {Entry.MetadataBytesMax} are allowed");
        }
    }

    private long ExpiryOf(TimeSpan? timeToLive)
    {
        if (timeToLive is not { } ttl)
        {
            return 0;
        }

        if (ttl < TimeSpan.FromMilliseconds(1) || ttl > TimeSpan.FromDays(36_500))
        {
            throw DmtException.InvalidArgument($"a time to live of {ttl}: expected 1 ms to 36500 days");
        }

        return NowMs() + (long)ttl.TotalMilliseconds;
    }
}
