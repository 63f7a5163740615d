using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <summary>
/// A store as it was at one moment. Later writes do not show. Entries still expire. Safe for concurrent use; dispose
/// it.
/// </summary>
public sealed class StoreSnapshot : IDisposable
{
    private readonly TrieStore _store;
    private readonly DirectorySnapshot _asOf;
    private int _disposed;

    internal StoreSnapshot(TrieStore store, DirectorySnapshot asOf) => (_store, _asOf) = (store, asOf);

    /// <summary>
    /// The version of the last write that it sees, of the shard with the highest; 0 for an empty store.
    /// </summary>
    public ulong Version => _asOf.Version;

    /// <inheritdoc cref="ITrieStore.GetAsync"/>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return _store.GetAsync(key, _asOf, cancellationToken);
    }

    /// <inheritdoc cref="ITrieStore.ScanAsync"/>
    public ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return _store.ScanAsync(request, _asOf, cancellationToken);
    }

    /// <inheritdoc cref="ITrieStore.CountAsync"/>
    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return _store.CountAsync(range, _asOf, cancellationToken);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _store.CloseSnapshot(_asOf);
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
}
