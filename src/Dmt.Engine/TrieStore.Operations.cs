using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <content>
/// Reads and writes: each goes to the shard that the map names. Where that shard turns out not to have the keys any
/// more, the map has changed: it is asked again. A shard refuses before it does anything, so nothing is done twice.
/// </content>
public sealed partial class TrieStore
{
    /// <summary>So often the map does not change while a call is looking: then it is at fault.</summary>
    private const int AttemptsMax = 1000;

    /// <summary>Shards whose keys are counted side by side.</summary>
    private const int CountedAtOnce = 8;

    /// <inheritdoc/>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        ReservedKeys.Contains(key.Span) ? default : GetUncheckedAsync(key, cancellationToken);

    /// <summary>Reserved keys, too.</summary>
    internal ValueTask<Entry?> GetUncheckedAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        if (Shards.TryFind(key.Span, out var shard))
        {
            try
            {
                return shard.GetAsync(key, null, cancellationToken);
            }
            catch (DmtException e) when (shard.HasMoved(e))
            {
                // Looked up again below. (Only what is answered at once is refused.)
            }
        }

        return GetRoutedAsync(key, null, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default)
    {
        ReservedKeys.Refuse(key.Span);
        if (Host.Feed is { } feed && !feed.Admits(key.Span))
        {
            return PutLaterAsync(feed, key, value, options, cancellationToken);
        }

        if (!Shards.TryFind(key.Span, out var shard))
        {
            return PutRoutedAsync(null, default, key, value, options, cancellationToken);
        }

        try
        {
            var writing = shard.PutAsync(key, value, options, cancellationToken);
            return writing.IsCompletedSuccessfully ? writing
                : PutRoutedAsync(shard, writing, key, value, options, cancellationToken);
        }
        catch (DmtException e) when (shard.HasMoved(e))
        {
            return PutRoutedAsync(null, default, key, value, options, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default)
    {
        ReservedKeys.Refuse(key.Span);
        if (!Shards.TryFind(key.Span, out var shard))
        {
            return DeleteRoutedAsync(null, default, key, options, cancellationToken);
        }

        try
        {
            var writing = shard.DeleteAsync(key, options, cancellationToken);
            return writing.IsCompletedSuccessfully ? writing
                : DeleteRoutedAsync(shard, writing, key, options, cancellationToken);
        }
        catch (DmtException e) when (shard.HasMoved(e))
        {
            return DeleteRoutedAsync(null, default, key, options, cancellationToken);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Over several shards, one after the other: each as a whole, and all that were written before it when one
    /// fails.</remarks>
    public ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        DeleteRangeUncheckedAsync(ReservedKeys.ClipWritten(range), options, cancellationToken);

    /// <summary>Reserved keys, too.</summary>
    internal async ValueTask<ulong> DeleteRangeUncheckedAsync(
        KeyRange range, WriteOptions options, CancellationToken cancellationToken)
    {
        if (options.Request is { } request && options.Condition.Kind == WriteCondition.Kinds.None)
        {
            // A shard takes its part of a request as a whole, and a range may lie in it twice, around another shard.
            return await WriteAsync(
                new WriteBatch { Request = request }.DeleteRange(range), options.Durability, cancellationToken)
                .ConfigureAwait(false);
        }

        ulong last = 0;
        var start = range.Start;
        while (true)
        {
            var map = Shards.Map;
            var left = new KeyRange(start, range.End);
            var segment = map.Count == 1 ? new ShardSegment(ShardMap.Root, left)
                : map.Segments(left).FirstOrDefault(new ShardSegment(map.Find(start.Span).Shard, left));
            var shard = await Shards.GetAsync(segment.Shard, cancellationToken).ConfigureAwait(false);
            try
            {
                last = Math.Max(
                    last,
                    await shard.DeleteRangeAsync(segment.Range, options, cancellationToken).ConfigureAwait(false));
            }
            catch (DmtException e) when (shard.HasMoved(e))
            {
                continue;
            }

            if (segment.Range.End is not { } end
                || (range.End is { } last1 && end.Span.SequenceCompareTo(last1.Span) >= 0))
            {
                return last;
            }

            start = end;
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Over several shards, one after the other in the order of their first operations: each as a whole. When one
    /// fails, the error says which were written (<see cref="DmtException.Written"/>). Conditions need all operations to
    /// be in one shard.
    /// </remarks>
    public ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var isAdmitted = CheckKeys(ref batch);
        return isAdmitted ? WriteUncheckedAsync(batch, durability, cancellationToken)
            : WriteLaterAsync(batch, durability, cancellationToken);
    }

    /// <summary>Reserved keys, too.</summary>
    internal async ValueTask<ulong> WriteUncheckedAsync(
        WriteBatch batch, Durability? durability, CancellationToken cancellationToken)
    {
        List<ShardVersion> written = [];
        var left = batch;
        while (true)
        {
            var parts = BatchParts.Of(left, Shards.Map);
            if (left.HasConditions && parts.Count > 1)
            {
                throw DmtException.InvalidArgument(
                    $"a batch with conditions lies in {parts.Count} shards: expected one, it is atomic within a "
                        + $"shard only");
            }

            var before = written.Count;
            var moved = false;
            foreach (var (id, part) in parts)
            {
                var shard = await Shards.GetAsync(id, cancellationToken).ConfigureAwait(false);
                try
                {
                    var version = await shard.WriteAsync(part, durability, cancellationToken).ConfigureAwait(false);
                    written.Add(new ShardVersion(id, version));
                }
                catch (DmtException e) when (shard.HasMoved(e))
                {
                    moved = true;
                    break;
                }
                catch (DmtException e) when (written.Count > 0)
                {
                    throw new DmtException(
                        e.Kind, $"{e.Message} ({written.Count} of {parts.Count} shards of the batch were written)", e)
                    {
                        Written = written,
                    };
                }
            }

            if (!moved)
            {
                return written.Max(static one => one.Version);
            }

            left = BatchParts.After(parts, written.Count - before);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default) =>
        ScanAsync(request, null, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default) =>
        CountAsync(range, null, cancellationToken);

    /// <summary>Walks a range in one snapshot of each shard without copying entries. Dispose the scan.</summary>
    public Scan OpenScan(KeyRange range = default, bool reverse = false) => OpenScan(range, reverse, null);

    /// <summary>
    /// A view of the store as it is now. Dispose it: what it sees is kept until then, and shards are neither carved nor
    /// merged.
    /// </summary>
    public StoreSnapshot OpenSnapshot() => new(this, Shards.OpenSnapshot());

    /// <inheritdoc/>
    public ValueTask SyncAsync(CancellationToken cancellationToken = default) =>
        Shards.Root.SyncAsync(cancellationToken); // One log for all.

    /// <summary>Writes what is in memory into tables.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        foreach (var shard in Shards.Open)
        {
            try
            {
                await shard.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (DmtException e) when (shard.HasMoved(e))
            {
                // Closing flushed it.
            }
        }
    }

    /// <summary>
    /// Flushes and merges all tables into the bottom level, dropping what is overwritten, deleted or expired.
    /// </summary>
    public async ValueTask CompactAsync(CancellationToken cancellationToken = default)
    {
        foreach (var entry in Shards.Map.Entries)
        {
            // Where it is merged meanwhile, into one that was compacted before, that one has its turn again.
            await RouteAsync(entry.Prefix, CompactShardAsync, cancellationToken).ConfigureAwait(false);
        }

        async ValueTask<bool> CompactShardAsync(Shard shard)
        {
            await shard.CompactAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
    }

    internal ValueTask<Entry?> GetAsync(
        ReadOnlyMemory<byte> key, DirectorySnapshot asOf, CancellationToken cancellationToken) =>
        ReservedKeys.Contains(key.Span) ? default : GetRoutedAsync(key, asOf, cancellationToken);

    internal async ValueTask<ScanPage> ScanAsync(
        ScanRequest request, DirectorySnapshot? asOf, CancellationToken cancellationToken)
    {
        request.Validate();
        using var scan = new Scan(Shards, request.RangeLeft, request.Reverse, asOf);
        var page = new PageBuilder(request);
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            if (page.IsFull)
            {
                return page.Build(more: true);
            }

            page.Add(scan.Current);
        }

        return page.Build(more: false);
    }

    internal async ValueTask<long> CountAsync(
        KeyRange range, DirectorySnapshot? asOf, CancellationToken cancellationToken)
    {
        range = ReservedKeys.Clip(range);
        if (Shards.Map.Count == 1)
        {
            return await CountOneAsync(range, asOf, cancellationToken).ConfigureAwait(false);
        }

        Key.ValidatePrefix(range.Start.Span);
        Key.ValidatePrefix(range.End.GetValueOrDefault().Span);
        long count = 0;
        foreach (var some in Shards.Map.Segments(range).Chunk(CountedAtOnce))
        {
            var counts = await Task.WhenAll(some.Select(segment =>
                CountOneAsync(segment.Range, asOf, cancellationToken).AsTask())).ConfigureAwait(false);
            count += counts.Sum();
        }

        return count;
    }

    internal void CloseSnapshot(DirectorySnapshot snapshot) => Shards.CloseSnapshot(snapshot);

    private async ValueTask<long> CountOneAsync(
        KeyRange range, DirectorySnapshot? asOf, CancellationToken cancellationToken)
    {
        using var scan = OpenScan(range, reverse: false, asOf);
        long count = 0;
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            count++;
        }

        return count;
    }

    private Scan OpenScan(KeyRange range, bool reverse, DirectorySnapshot? asOf)
    {
        Key.ValidatePrefix(range.Start.Span);
        Key.ValidatePrefix(range.End.GetValueOrDefault().Span);
        return new Scan(Shards, ReservedKeys.Clip(range), reverse, asOf);
    }

    private async ValueTask<T> RouteAsync<T>(
        ReadOnlyMemory<byte> key, Func<Shard, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        for (var attempts = 1; ; attempts++)
        {
            Shard shard;
            try
            {
                shard = await Shards.FindAsync(key.Span, cancellationToken).ConfigureAwait(false);
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner && attempts < AttemptsMax)
            {
                continue;
            }

            try
            {
                return await call(shard).ConfigureAwait(false);
            }
            catch (DmtException e) when (shard.HasMoved(e) && attempts < AttemptsMax)
            {
                // The map has changed.
            }
        }
    }

    private ValueTask<Entry?> GetRoutedAsync(
        ReadOnlyMemory<byte> key, DirectorySnapshot? asOf, CancellationToken cancellationToken)
    {
        Key.Validate(key.Span);
        return RouteAsync(key, shard => shard.GetAsync(key, asOf?[shard], cancellationToken), cancellationToken);
    }

    /// <param name="first">The shard that was tried; null where none was.</param>
    /// <param name="writing">What it was asked for.</param>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="options">As for a put.</param>
    /// <param name="cancellationToken">Cancels.</param>
    private async ValueTask<ulong> PutRoutedAsync(
        Shard? first,
        ValueTask<ulong> writing,
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options,
        CancellationToken cancellationToken)
    {
        if (first is not null)
        {
            try
            {
                return await writing.ConfigureAwait(false);
            }
            catch (DmtException e) when (first.HasMoved(e))
            {
                // Looked up again below.
            }
        }

        Key.Validate(key.Span);
        return await RouteAsync(
            key, shard => shard.PutAsync(key, value, options, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <param name="first">The shard that was tried; null where none was.</param>
    /// <param name="writing">What it was asked for.</param>
    /// <param name="key">The key.</param>
    /// <param name="options">As for a delete.</param>
    /// <param name="cancellationToken">Cancels.</param>
    private async ValueTask<ulong> DeleteRoutedAsync(
        Shard? first,
        ValueTask<ulong> writing,
        ReadOnlyMemory<byte> key,
        WriteOptions options,
        CancellationToken cancellationToken)
    {
        if (first is not null)
        {
            try
            {
                return await writing.ConfigureAwait(false);
            }
            catch (DmtException e) when (first.HasMoved(e))
            {
                // Looked up again below.
            }
        }

        Key.Validate(key.Span);
        return await RouteAsync(
            key, shard => shard.DeleteAsync(key, options, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }
}
