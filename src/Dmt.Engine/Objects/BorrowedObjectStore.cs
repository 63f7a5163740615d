using Dmt.Core;

namespace Dmt.Engine.Objects;

/// <summary>An object store that stays open when this view of it is disposed: several incarnations use it in turn.
/// </summary>
internal sealed class BorrowedObjectStore(IObjectStore inner) : IObjectStore
{
    public string Description => inner.Description;

    public string Identity => inner.Identity;

    public RequestTotals? Requests => inner.Requests;

    public DiskCacheStatistics? DiskCache => inner.DiskCache;

    public string? Root => inner.Root;

    public IObjectStore? OpenSibling(string root) => inner.OpenSibling(root);

    public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default) =>
        inner.GetAsync(name, cancellationToken);

    public IObjectReader OpenRead(string name, long length) => inner.OpenRead(name, length);

    public ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        inner.PutAsync(name, content, cancellationToken);

    public ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        inner.TryCreateAsync(name, content, cancellationToken);

    public IObjectWriter OpenWrite(string name) => inner.OpenWrite(name);

    public ValueTask DeleteAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellationToken = default) =>
        inner.DeleteAsync(names, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null, CancellationToken cancellationToken = default) =>
        inner.ListAsync(prefix, startAfter, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
