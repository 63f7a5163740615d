// Logs in an object store, which any process may reach at any time; so a log is sealed before it is replayed. See
// ObjectLog.cs for what a fence means.
using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Log;

internal sealed class ObjectLogStore(
    IObjectStore objects, ObjectLogOptions options, TimeProvider time, EngineScheduler scheduler) : ILogStore
{
    /// <summary>
    /// Batches read ahead of the one that is being applied: strict writers leave thousands of small ones.
    /// </summary>
    private const int ReadAheadMax = 128;

    /// <summary>Nothing more is read ahead once batches of this many bytes are.</summary>
    private const long ReadAheadBytesMax = 64 << 20;

    /// <summary>A batch up to this size is read whole; of a larger one, the end first.</summary>
    private const int WholeBytesMax = 256 << 10;

    private string? _incarnation;

    public bool IsExclusive => false;

    public INodeLog Create(string incarnation)
    {
        _incarnation = incarnation;
        return new ObjectLog(objects, incarnation, options, time, scheduler);
    }

    /// <summary>None: in a bucket the garbage collector deletes batches, see <see cref="Delete"/>.</summary>
    public IReadOnlyList<string> ListOwnIncarnations() => [];

    public void Check(LogRange range)
    {
        // A round trip for each batch is not cheap; and until it is sealed, the log is still being written.
    }

    public async ValueTask SealAsync(LogRange range, CancellationToken cancellationToken)
    {
        var first = range.From;
        await foreach (var batch in ListAsync(range, cancellationToken).ConfigureAwait(false))
        {
            if (batch.Number != first)
            {
                break; // The first gap: an upload that never ended, or is under way right now.
            }

            first++;
        }

        // Usually the first free number is free to take. An owner that is alive and busy may be faster, number after
        // number; so a fence is planted ahead of it, further each time, where it must stop.
        var planted = first;
        for (var ahead = 0; !await TryFenceAsync(range, planted, cancellationToken).ConfigureAwait(false);)
        {
            ahead = Math.Max(8, ahead * 2);
            planted += ahead;
        }

        // Now it can only fill numbers below. What it does not fill gets a fence as well: the lowest one is the end of
        // the log, and nothing behind it was acknowledged, for acknowledgements go in order.
        await Task.WhenAll(Enumerable.Range(0, (int)(planted - first)).Select(
            i => TryFenceAsync(range, first + i, cancellationToken).AsTask())).ConfigureAwait(false);
    }

    /// <returns>False when the owner has written that number.</returns>
    private async ValueTask<bool> TryFenceAsync(LogRange range, long number, CancellationToken cancellationToken)
    {
        var by = _incarnation ?? throw new InvalidOperationException("a log is sealed by a node that has one itself");
        var name = ObjectLogFormat.NameOf(range.Incarnation, number);
        var fence = ObjectLogFormat.Encode(ObjectBatchKind.Fence, by, number, []);
        if (await objects.TryCreateAsync(name, fence, cancellationToken).ConfigureAwait(false))
        {
            return true;
        }

        var found = await objects.GetAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw DmtException.Corruption(
                name, 0, "it was there and is gone: logs must not be deleted while replayed");
        return ObjectLogFormat.ReadHeader(found, name).Kind == ObjectBatchKind.Fence;
    }

    public async ValueTask ReplayAsync(
        LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken) =>
        await ReadAsync(range, shard, handler, cancellationToken).ConfigureAwait(false);

    /// <summary>As a replay, of a log that may still be written.</summary>
    /// <returns>How far it reaches now.</returns>
    public async ValueTask<LogEnd> ReadAsync(
        LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken)
    {
        var reading = new Queue<(Task<ShardRecords> Records, long Length)>();
        var readingBytes = 0L;
        var batches = ListAsync(range, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            var (expected, end) = (range.From, range.From);
            var more = true;
            while (true)
            {
                while (more && reading.Count < ReadAheadMax && readingBytes < ReadAheadBytesMax
                    && (more = await batches.MoveNextAsync().ConfigureAwait(false)))
                {
                    if (batches.Current.Number != expected++)
                    {
                        more = false; // Behind a gap nothing was acknowledged.
                        break;
                    }

                    var batch = batches.Current;
                    reading.Enqueue((ReadAsync(batch, shard, cancellationToken).AsTask(), batch.Length));
                    readingBytes += batch.Length;
                }

                if (!reading.TryDequeue(out var next))
                {
                    return new LogEnd(end, IsSealed: false);
                }

                var records = await next.Records.ConfigureAwait(false);
                readingBytes -= next.Length;
                if (records.IsFence)
                {
                    return new LogEnd(end, IsSealed: true);
                }

                Deliver(records, handler);
                end = records.Number + 1;
            }
        }
        finally
        {
            await batches.DisposeAsync().ConfigureAwait(false);

            // What was read ahead and is not needed: its outcome does not matter, but its end is awaited.
            await ((Task)Task.WhenAll(reading.Select(static read => read.Records)))
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One batch, all of it; null where it is not there.</summary>
    /// <exception cref="DmtException">Corruption; Unavailable.</exception>
    public async ValueTask<LogBatch?> TryReadBatchAsync(
        string incarnation, long number, CancellationToken cancellationToken)
    {
        var name = ObjectLogFormat.NameOf(incarnation, number);
        return await objects.GetAsync(name, cancellationToken).ConfigureAwait(false) is { } bytes
            ? LogBatch.Read(name, number, bytes)
            : null;
    }

    public void Delete(string incarnation)
    {
        // Kept: a log must keep its fence, or an owner that was suspended could go on behind it. The garbage collector
        // deletes what it may by age and reference.
    }

    private static void Deliver(ShardRecords records, LogRecordHandler handler) =>
        LogBatch.Deliver(records.Name, records.Number, records.Offset, records.Bytes.Span, handler);

    private async ValueTask<ShardRecords> ReadAsync(
        NumberedBatch batch, uint shard, CancellationToken cancellationToken)
    {
        var reader = objects.OpenRead(batch.Name, batch.Length);
        await using (reader.ConfigureAwait(false))
        {
            var minimum = ObjectLogFormat.HeaderBytes + ObjectLogFormat.TrailerBytes;
            if (batch.Length < minimum)
            {
                throw DmtException.Corruption(batch.Name, 0, $"{batch.Length} bytes are no batch");
            }

            if (batch.Length <= WholeBytesMax)
            {
                var whole = new byte[batch.Length];
                await reader.ReadAsync(0, whole, cancellationToken).ConfigureAwait(false);
                return Cut(batch, whole, shard);
            }

            var tail = new byte[Math.Min(batch.Length, WholeBytesMax)];
            await reader.ReadAsync(batch.Length - tail.Length, tail, cancellationToken).ConfigureAwait(false);
            var entry = Find(ObjectLogFormat.ReadFooter(tail, batch.Length, batch.Name), shard);
            if (entry is not { } section)
            {
                return new ShardRecords(batch.Name, batch.Number, 0, default, false);
            }

            var bytes = new byte[section.Length];
            await reader.ReadAsync(section.Offset, bytes, cancellationToken).ConfigureAwait(false);
            return Check(batch, section, bytes);
        }
    }

    private static ShardRecords Cut(NumberedBatch batch, byte[] whole, uint shard)
    {
        var read = LogBatch.Read(batch.Name, batch.Number, whole);
        return read.IsFence
            ? new ShardRecords(batch.Name, batch.Number, 0, default, true)
            : Find(read.Sections, shard) is { } section
                ? Check(batch, section, whole.AsMemory((int)section.Offset, section.Length))
                : new ShardRecords(batch.Name, batch.Number, 0, default, false);
    }

    private static ShardRecords Check(NumberedBatch batch, ObjectLogEntry section, ReadOnlyMemory<byte> bytes)
    {
        LogBatch.Check(batch.Name, section, bytes.Span);
        return new ShardRecords(batch.Name, batch.Number, section.Offset, bytes, false);
    }

    private static ObjectLogEntry? Find(List<ObjectLogEntry> entries, uint shard) => LogBatch.Find(entries, shard);

    /// <summary>The batches of a range that exist, in order.</summary>
    private async IAsyncEnumerable<NumberedBatch> ListAsync(
        LogRange range, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var folder = ObjectLogFormat.Folder(range.Incarnation);
        var after = range.From > 0 ? ObjectLogFormat.NameOf(range.Incarnation, range.From - 1) : null;
        await foreach (var info in objects.ListAsync(folder, after, cancellationToken).ConfigureAwait(false))
        {
            if (ObjectLogFormat.NumberOf(info.Name, folder) is { } number && number >= range.From)
            {
                yield return new NumberedBatch(number, info.Name, info.Length);
            }
        }
    }

    private readonly record struct NumberedBatch(long Number, string Name, long Length);

    /// <summary>What a batch holds for a shard.</summary>
    private readonly record struct ShardRecords(
        string Name, long Number, long Offset, ReadOnlyMemory<byte> Bytes, bool IsFence);
}
