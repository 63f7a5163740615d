using Dmt.Core;

namespace Dmt.Engine.Objects;

/// <summary>
/// Named, immutable byte objects: a directory, a bucket, or memory. Names are 1 to 900 bytes of
/// <c>a-z A-Z 0-9 - _ . /</c>, no empty, "." or ".." segment. Safe for concurrent use. The one synchronisation
/// primitive is <see cref="TryCreateAsync"/>. Errors are DmtExceptions: Unavailable where the medium fails (a full disk
/// says so), Closed after disposal.
/// </summary>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>What to call this store in messages: a path or a URL.</summary>
    string Description { get; }

    /// <summary>Names the store apart from all others, with the server that has it; for what is kept about it
    /// elsewhere.</summary>
    string Identity => Description;

    /// <summary>The requests made so far, where somebody pays for them; null elsewhere.</summary>
    RequestTotals? Requests => null;

    /// <summary>What a cache on disk in front of the store does; null where there is none.</summary>
    DiskCacheStatistics? DiskCache => null;

    /// <summary>
    /// Where the store lies in the space of names that it shares with others: the prefix in a bucket, empty for the
    /// whole bucket. Null where it shares none.
    /// </summary>
    string? Root => null;

    /// <summary>
    /// The store at another <see cref="Root"/> of the same space, over the same connections; it is closed with this
    /// one. Null where <see cref="Root"/> is.
    /// </summary>
    /// <param name="root">A valid object name, or empty.</param>
    IObjectStore? OpenSibling(string root) => null;

    /// <summary>
    /// The whole object; null where there is none. For small objects; tables are read through <see cref="OpenRead"/>.
    /// </summary>
    ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>
    /// Ranged reads of one object, by whoever knows its length. Does no I/O itself; a missing object shows at the first
    /// read.
    /// </summary>
    IObjectReader OpenRead(string name, long length);

    /// <summary>
    /// Writes the object, over any that was there. Durable, and whole or not there at all, when it returns.
    /// </summary>
    ValueTask PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes the object only if there is none of that name: of any number of racing callers exactly one gets true.
    /// </summary>
    ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes a large object piece by piece. It appears, whole and durable, at
    /// <see cref="IObjectWriter.CompleteAsync"/>.
    /// </summary>
    IObjectWriter OpenWrite(string name);

    /// <summary>Deletes objects; names that are not there are no error.</summary>
    ValueTask DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken = default);

    /// <summary>
    /// Objects whose names begin with <paramref name="prefix"/>, in bytewise order of names, after <paramref
    /// name="startAfter"/>.
    /// </summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null, CancellationToken cancellationToken = default);
}

/// <summary>An object as a listing shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="LastModified">When it was written, by the store's clock.</param>
public readonly record struct ObjectInfo(string Name, long Length, DateTimeOffset LastModified);

/// <summary>Reads ranges of one object. Safe for concurrent use.</summary>
public interface IObjectReader : IAsyncDisposable
{
    string Name { get; }

    /// <summary>The object's length in bytes, as it was handed to <see cref="IObjectStore.OpenRead"/>.</summary>
    long Length { get; }

    /// <summary>
    /// Some reads may take a while even where others complete synchronously: whoever reads on had better read ahead.
    /// </summary>
    bool MayBeRemote => false;

    /// <summary>
    /// Fills <paramref name="buffer"/> from <paramref name="offset"/>. Local stores complete synchronously.
    /// </summary>
    /// <exception cref="DmtException">
    /// Corruption where the object is missing or ends before the buffer is full.
    /// </exception>
    ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="ReadAsync"/>, for bytes that will not be read again: no cache need keep them.</summary>
    ValueTask ReadOnceAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        ReadAsync(offset, buffer, cancellationToken);

    /// <summary>
    /// What was read there proved to be damaged, or will not be read again: a cache lets go of it.
    /// </summary>
    void Forget(long offset, long length)
    {
    }
}

/// <summary>Writes one object piece by piece. Disposing without completing leaves nothing behind.</summary>
public interface IObjectWriter : IAsyncDisposable
{
    /// <summary>Appends <paramref name="piece"/>, which may be reused once the call completes.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default);

    /// <summary>Makes the object appear.</summary>
    ValueTask CompleteAsync(CancellationToken cancellationToken = default);
}
