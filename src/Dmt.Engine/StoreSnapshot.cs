using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine;

/// <summary>
/// A store as it was at one moment. Later writes do not show. Entries still expire. Safe for concurrent use; dispose
/// it.
/// </summary>
public sealed class StoreSnapshot : IDisposable
{
    private readonly TrieStore _store;
    private readonly ulong _sequence;
    private int _disposed;

    internal StoreSnapshot(TrieStore store, ulong sequence) => (_store, _sequence) = (store, sequence);

    /// <summary>The version of the last write that it sees; 0 for an empty store.</summary>
    public ulong Version => _sequence;

    /// <inheritdoc cref="ITrieStore.GetAsync"/>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return _store.GetAsync(key, _sequence, cancellationToken);
    }

    /// <inheritdoc cref="ITrieStore.ScanAsync"/>
    public ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return _store.ScanAsync(request, _sequence, cancellationToken);
    }

    /// <inheritdoc cref="ITrieStore.CountAsync"/>
    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return _store.CountAsync(range, _sequence, cancellationToken);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _store.CloseSnapshot(_sequence);
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
}
