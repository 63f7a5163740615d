using Dmt.Core;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Objects.Caching;

/// <summary>Reads a table: what is on disk from there, the rest with one request.</summary>
/// <param name="store">Has the cache.</param>
/// <param name="inner">Reads the table in the store.</param>
/// <param name="table">The table.</param>
internal sealed class CachingObjectReader(CachingObjectStore store, IObjectReader inner, TableId table) : IObjectReader
{
    private volatile bool _closed;

    public string Name => inner.Name;

    public long Length => inner.Length;

    /// <summary>Whatever the cache answers at once, the next part may be far away.</summary>
    public bool MayBeRemote => true;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        !IsCacheable(offset, buffer, cancellationToken) ? inner.ReadAsync(offset, buffer, cancellationToken)
            : TryRead(offset, buffer.Span, once: false, out var first, out var last) ? ValueTask.CompletedTask
            : FetchAsync(offset, buffer, first, last, cancellationToken);

    public ValueTask ReadOnceAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!IsCacheable(offset, buffer, cancellationToken))
        {
            return inner.ReadOnceAsync(offset, buffer, cancellationToken);
        }

        if (TryRead(offset, buffer.Span, once: true, out var first, out var last))
        {
            return ValueTask.CompletedTask;
        }

        // Past the cache, straight to where it is wanted.
        store.Cache.Missed(last - first + 1);
        var from = Math.Max(offset, DiskCacheFormat.OffsetOf(first));
        var to = Math.Min(offset + buffer.Length, DiskCacheFormat.OffsetOf(last + 1));
        return inner.ReadOnceAsync(
            from, buffer.Slice((int)(from - offset), (int)(to - from)), cancellationToken);
    }

    public void Forget(long offset, long length)
    {
        inner.Forget(offset, length);
        if (offset == 0 && length >= Length)
        {
            store.Cache.Drop(table);
            return;
        }

        for (var part = DiskCacheFormat.PartAt(offset); DiskCacheFormat.OffsetOf(part) < offset + length; part++)
        {
            store.Cache.Forget(table, part);
        }
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return inner.DisposeAsync();
    }

    /// <summary>What the store refuses, it is to refuse in its own words.</summary>
    private bool IsCacheable(long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        buffer.Length > 0 && offset >= 0 && offset <= Length - buffer.Length && !_closed && store.IsOpen
        && !cancellationToken.IsCancellationRequested;

    /// <summary>Reads from the disk, from both ends up to what is missing.</summary>
    /// <param name="offset">Where to begin.</param>
    /// <param name="buffer">What to fill.</param>
    /// <param name="once">It will not be read again soon.</param>
    /// <param name="first">The first part that is missing.</param>
    /// <param name="last">The last.</param>
    private bool TryRead(long offset, Span<byte> buffer, bool once, out int first, out int last)
    {
        first = DiskCacheFormat.PartAt(offset);
        last = DiskCacheFormat.PartAt(offset + buffer.Length - 1);
        while (first <= last && TryReadPart(first, offset, buffer, once))
        {
            first++;
        }

        while (last > first && TryReadPart(last, offset, buffer, once))
        {
            last--;
        }

        return first > last;
    }

    private bool TryReadPart(int part, long offset, Span<byte> buffer, bool once)
    {
        var start = DiskCacheFormat.OffsetOf(part);
        var length = DiskCacheFormat.LengthOf(part, Length);
        var from = Math.Max(offset, start);
        var to = Math.Min(offset + buffer.Length, start + length);
        return store.Cache.TryRead(
            table, part, length, (int)(from - start), buffer[(int)(from - offset)..(int)(to - offset)], once);
    }

    private async ValueTask FetchAsync(
        long offset, Memory<byte> buffer, int first, int last, CancellationToken cancellationToken)
    {
        byte[] bytes;
        try
        {
            bytes = await store.FetchAsync(inner, table, first, last, cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
        {
            // More was asked for than the caller wanted: it is to hear of what it wanted.
            await inner.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
            return;
        }

        var start = DiskCacheFormat.OffsetOf(first);
        var from = Math.Max(offset, start);
        var to = Math.Min(offset + buffer.Length, start + bytes.Length);
        bytes.AsSpan((int)(from - start), (int)(to - from)).CopyTo(buffer.Span[(int)(from - offset)..]);
    }
}
