using System.Runtime.CompilerServices;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Reading;

/// <summary>
/// Objects that no request reaches synchronously; counts ranged reads, and holds listings up while told to. The store
/// behind it is not disposed with it.
/// </summary>
internal sealed class RemoteObjectStore(IObjectStore inner) : IObjectStore
{
    private int _reads;

    /// <summary>What listings of prefixes that end so wait for.</summary>
    public (string Suffix, Task Until)? HeldListing { get; set; }

    public string Description => inner.Description;

    public int TakeReads() => Interlocked.Exchange(ref _reads, 0);

    public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        return await inner.GetAsync(name, cancellationToken);
    }

    public IObjectReader OpenRead(string name, long length) => new Reader(this, inner.OpenRead(name, length));

    public ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        inner.PutAsync(name, content, cancellationToken);

    public async ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        return await inner.TryCreateAsync(name, content, cancellationToken);
    }

    public IObjectWriter OpenWrite(string name) => inner.OpenWrite(name);

    public ValueTask DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken = default) =>
        inner.DeleteAsync(names, cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (HeldListing is { } held && prefix.EndsWith(held.Suffix, StringComparison.Ordinal))
        {
            await held.Until;
        }

        await foreach (var info in inner.ListAsync(prefix, startAfter, cancellationToken))
        {
            yield return info;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Reader(RemoteObjectStore store, IObjectReader reader) : IObjectReader
    {
        public string Name => reader.Name;

        public long Length => reader.Length;

        public async ValueTask ReadAsync(
            long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref store._reads);
            await Task.Yield(); // a local store would complete synchronously
            await reader.ReadAsync(offset, buffer, cancellationToken);
        }

        public ValueTask DisposeAsync() => reader.DisposeAsync();
    }
}
