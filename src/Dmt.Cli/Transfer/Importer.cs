using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>
/// Brings the records of a source into a store.
/// <para>
/// How it works: records are gathered into chunks, up to four chunks are on their way at a time, and chunks are retired
/// in the order of the source, so what was acknowledged is always a prefix of the source. Once a second that prefix is
/// synced and reported as a checkpoint. A chunk that the store refuses is halved until the record at fault stands
/// alone.
/// </para>
/// <para>
/// Invariants: two chunks on their way never share a key, so the last record of a key wins, as if they went one by one;
/// a checkpoint never covers a record that a crash of the server could still lose.
/// </para>
/// </summary>
internal sealed class Importer(ITrieStore store, RecordReader reader, RecordParser parser, ImportOptions options)
{
    /// <summary>Records in one batch, at most.</summary>
    private const int ChunkRecordsMax = 5000;

    /// <summary>A batch ends once it has this many bytes of keys and values.</summary>
    private const int ChunkBytesMax = 1 << 20;

    private const int InFlightMax = 4;
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(1);

    private readonly Queue<(ImportChunk Chunk, Task<int> Sending)> _inFlight = new();
    private DmtException? _badRecord;

    /// <summary>Records that the store took.</summary>
    public long Written { get; private set; }

    /// <summary>Records left out because they were bad.</summary>
    public long Skipped { get; private set; }

    /// <summary>
    /// Reads to the end of the source. Everything before the first record at fault is in the store when this throws.
    /// </summary>
    /// <exception cref="DmtException">InvalidArgument or TooLarge with the line of a bad record; or as the store
    /// throws.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await MoveAllAsync(cancellationToken);
        }
        finally
        {
            // After an error: nothing may still be on its way when the store is closed. Its outcome does not matter any
            // more.
            await Task.WhenAll(_inFlight.Select(sent => sent.Sending)).ContinueWith(
                static ended =>
                    _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        if (_badRecord is not null)
        {
            throw _badRecord;
        }
    }

    private async Task MoveAllAsync(CancellationToken cancellationToken)
    {
        var lastCheckpoint = options.Time.GetTimestamp();
        ImportChunk? last = null;
        while (_badRecord is null && await ReadChunkAsync(cancellationToken) is { } chunk)
        {
            while (_inFlight.Count >= InFlightMax || _inFlight.Any(sent => sent.Chunk.MayShareKeysWith(chunk)))
            {
                last = await RetireOldestAsync();
            }

            _inFlight.Enqueue(
                (chunk, Task.Run(() => SendAsync(chunk, 0, chunk.Batch, cancellationToken), cancellationToken)));
            if (last is not null && options.Checkpoint is not null
                && options.Time.GetElapsedTime(lastCheckpoint) >= CheckpointInterval)
            {
                await SaveCheckpointAsync(last, cancellationToken);
                lastCheckpoint = options.Time.GetTimestamp();
            }
        }

        while (_inFlight.Count > 0)
        {
            last = await RetireOldestAsync();
        }

        if (last is not null)
        {
            await SaveCheckpointAsync(last, cancellationToken);
        }
    }

    private async Task SaveCheckpointAsync(ImportChunk last, CancellationToken cancellationToken)
    {
        await store.SyncAsync(cancellationToken);
        options.Checkpoint?.Invoke(last);
    }

    /// <summary>The next chunk with at least one record; null where there is none.</summary>
    private async Task<ImportChunk?> ReadChunkAsync(CancellationToken cancellationToken)
    {
        var chunk = new ImportChunk();
        while (_badRecord is null && chunk.Batch.Count < ChunkRecordsMax && chunk.Batch.UserBytes < ChunkBytesMax
            && await reader.ReadAsync(cancellationToken))
        {
            chunk.Line = reader.Line;
            try
            {
                parser.Parse(reader.Current, chunk);
            }
            catch (DmtException e) when (IsBadRecord(e))
            {
                if (!options.SkipBad)
                {
                    _badRecord = AtLine(e, reader.Line);
                    break;
                }

                Skipped++;
            }

            (chunk.EndOffset, chunk.EndLine) = (reader.Offset, reader.NextLine);
        }

        return chunk.Batch.Count > 0 ? chunk : null;
    }

    private async Task<ImportChunk> RetireOldestAsync()
    {
        var (chunk, sending) = _inFlight.Peek();
        var skipped = await sending;
        _inFlight.Dequeue();
        var written = chunk.Batch.Count - skipped;
        Written += written;
        Skipped += skipped;
        options.Progress.Advance(chunk.EndOffset, written);
        return chunk;
    }

    /// <summary>
    /// Sends operations of the chunk, from number <paramref name="first"/> on; returns how many were refused and left
    /// out.
    /// </summary>
    private async Task<int> SendAsync(
        ImportChunk chunk, int first, WriteBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            await store.WriteAsync(batch, null, cancellationToken);
            return 0;
        }
        catch (DmtException e) when (IsBadRecord(e) && batch.Count == 1)
        {
            return options.SkipBad ? 1 : throw AtLine(e, chunk.Lines[first]);
        }
        catch (DmtException e) when (IsBadRecord(e))
        {
            var (left, right) = Halve(batch);
            return await SendAsync(chunk, first, left, cancellationToken)
                + await SendAsync(chunk, first + left.Count, right, cancellationToken);
        }
    }

    private static (WriteBatch Left, WriteBatch Right) Halve(WriteBatch batch)
    {
        var (left, right) = (new WriteBatch(), new WriteBatch());
        foreach (var operation in batch)
        {
            var half = left.Count < batch.Count / 2 ? left : right;
            if (operation.Kind == WriteOperationKind.Delete)
            {
                half.Delete(operation.Key);
            }
            else
            {
                DateTimeOffset? expiresAt = operation.ExpiresAtMs > 0
                    ? DateTimeOffset.FromUnixTimeMilliseconds(operation.ExpiresAtMs)
                    : null;
                half.Put(operation.Key, operation.Value, expiresAt, operation.Metadata);
            }
        }

        return (left, right);
    }

    private static bool IsBadRecord(DmtException e) => e.Kind is DmtErrorKind.InvalidArgument or DmtErrorKind.TooLarge;

    private DmtException AtLine(DmtException e, long line) => new(
        e.Kind,
            $"{options.SourceName} line {line}: {e.Message} (lines before it are in; --skip-bad leaves bad lines out)",
                e);
}
