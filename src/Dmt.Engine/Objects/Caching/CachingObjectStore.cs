// An object store with a cache of table parts on disk in front of it. Tables never change once they are there, which is
// what makes caching them right; everything else passes through.
//
// A read of a table takes from the disk what is there, on the calling thread; what is missing comes with one request,
// from the first missing part to the last, widened to whole parts, which go to the disk. Callers that miss the same
// parts at the same time share the request. Tables written through here are on the disk when they appear.
//
// Names of tables are unique in a store as long as it lives, but not beyond: a store made anew under the same prefix
// numbers its tables from 1 again. So each store that is cached carries an object with a random id, and the cache
// belongs to that id at that place.
//
// A clone borrows tables of other stores, through siblings, and no two tables that it ever names have the same number
// (StoreClone.cs): they share its cache.
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Objects.Caching;

internal sealed class CachingObjectStore : IObjectStore
{
    /// <summary>The object with the store's id, made by the first process that caches the store.</summary>
    public const string IdObject = "store-id";

    private const int IdCharacters = 32;

    private readonly IObjectStore _inner;
    private readonly ConcurrentDictionary<Span, Lazy<Task<byte[]>>> _fetches = new();
    private readonly bool _isSibling;
    private volatile bool _closed;

    internal CachingObjectStore(IObjectStore inner, DiskCache cache, bool isSibling = false) =>
        (_inner, Cache, _isSibling) = (inner, cache, isSibling);

    public DiskCache Cache { get; }

    public string Description => _inner.Description;

    public string Identity => _inner.Identity;

    public RequestTotals? Requests => _inner.Requests;

    public string? Root => _inner.Root;

    public DiskCacheStatistics? DiskCache => Cache.Statistics;

    public IObjectStore? OpenSibling(string root) =>
        _inner.OpenSibling(root) is { } sibling ? new CachingObjectStore(sibling, Cache, isSibling: true) : null;

    /// <summary>Puts a cache in front of a store.</summary>
    /// <param name="inner">The store, which is disposed with this one; where this fails, it stays the caller's.</param>
    /// <param name="folder">The cache's folder.</param>
    /// <param name="bytesMax">Bytes on disk at most.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="DmtException">
    /// InvalidArgument where the folder holds something else; Unavailable where another process has it, or the file
    /// system or the store refuses; Corruption where the store's id is damaged.
    /// </exception>
    public static async ValueTask<CachingObjectStore> OpenAsync(
        IObjectStore inner, string folder, long bytesMax, CancellationToken cancellationToken)
    {
        var id = await IdOfAsync(inner, cancellationToken).ConfigureAwait(false);
        return new CachingObjectStore(inner, Caching.DiskCache.Open(folder, $"{inner.Identity}\n{id}", bytesMax));
    }

    public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default) =>
        _inner.GetAsync(name, cancellationToken);

    public IObjectReader OpenRead(string name, long length)
    {
        var reader = _inner.OpenRead(name, length);
        if (!TableId.TryParse(name, out var table))
        {
            return reader;
        }

        Cache.Expect(table, length);
        return new CachingObjectReader(this, reader, table);
    }

    public async ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        try
        {
            await _inner.PutAsync(name, content, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Drop(name);
        }
    }

    public ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        _inner.TryCreateAsync(name, content, cancellationToken);

    public IObjectWriter OpenWrite(string name)
    {
        var writer = _inner.OpenWrite(name);
        return TableId.TryParse(name, out var table) ? new CachingObjectWriter(Cache, writer, table) : writer;
    }

    public async ValueTask DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        try
        {
            await _inner.DeleteAsync(names, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Some may be gone even where it failed.
            foreach (var name in names ?? [])
            {
                Drop(name);
            }
        }
    }

    public IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null, CancellationToken cancellationToken = default) =>
        _inner.ListAsync(prefix, startAfter, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        try
        {
            await _inner.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            if (!_isSibling)
            {
                Cache.Dispose();
            }
        }
    }

    /// <summary>The cache may answer: the store itself refuses what comes after its closing.</summary>
    public bool IsOpen => !_closed;

    /// <summary>Fetches neighbouring parts of a table with one request, and keeps them.</summary>
    /// <returns>Their bytes.</returns>
    public async ValueTask<byte[]> FetchAsync(
        IObjectReader reader, TableId table, int first, int last, CancellationToken cancellationToken)
    {
        var span = new Span(table, reader.Length, first, last);
        while (true)
        {
            var fetch = _fetches.GetOrAdd(
                span,
                static (span, caller) => new(
                    () => caller.Store.FetchAsync(caller.Reader, span, caller.CancellationToken)),
                (Store: this, Reader: reader, CancellationToken: cancellationToken));
            try
            {
                return await fetch.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Whoever asked first gave up: ask again.
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Closed && IsOpen)
            {
                // Whoever asked first closed its reader; where it is this one, the store says so again.
                var bytes = NewArray(span);
                await reader.ReadAsync(DiskCacheFormat.OffsetOf(first), bytes, cancellationToken)
                    .ConfigureAwait(false);
                return bytes;
            }
        }
    }

    private static async ValueTask<string> IdOfAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        var content = await store.GetAsync(IdObject, cancellationToken).ConfigureAwait(false);
        if (content is null)
        {
            var id = Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(IdCharacters, lowercase: true));
            content = await store.TryCreateAsync(IdObject, id, cancellationToken).ConfigureAwait(false)
                ? id
                : await store.GetAsync(IdObject, cancellationToken).ConfigureAwait(false);
        }

        return content is { Length: IdCharacters } && content.AsSpan().IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0
            ? Encoding.ASCII.GetString(content)
            : throw DmtException.Corruption(
                IdObject, 0, $"expected the store's id, {IdCharacters} characters: delete the object for a new one");
    }

    private static byte[] NewArray(Span span) => GC.AllocateUninitializedArray<byte>((int)(
        DiskCacheFormat.OffsetOf(span.Last) + DiskCacheFormat.LengthOf(span.Last, span.TableLength)
        - DiskCacheFormat.OffsetOf(span.First)));

    private async Task<byte[]> FetchAsync(IObjectReader reader, Span span, CancellationToken cancellationToken)
    {
        try
        {
            var bytes = NewArray(span);
            var start = DiskCacheFormat.OffsetOf(span.First);
            await reader.ReadAsync(start, bytes, cancellationToken).ConfigureAwait(false);
            Cache.Missed(span.Last - span.First + 1);
            for (var part = span.First; part <= span.Last; part++)
            {
                var content = bytes.AsSpan(
                    (int)(DiskCacheFormat.OffsetOf(part) - start), DiskCacheFormat.LengthOf(part, span.TableLength));
                Cache.Add(span.Table, span.TableLength, part, content);
            }

            return bytes;
        }
        finally
        {
            _fetches.TryRemove(span, out _);
        }
    }

    private void Drop(string name)
    {
        if (TableId.TryParse(name, out var table))
        {
            Cache.Drop(table);
        }
    }

    /// <summary>Neighbouring parts.</summary>
    private readonly record struct Span(TableId Table, long TableLength, int First, int Last);
}
