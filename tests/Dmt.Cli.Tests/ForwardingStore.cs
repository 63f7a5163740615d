using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Cli.Tests;

/// <summary>Hands every call to another store, but does not dispose it; tests override what should go wrong.</summary>
internal class ForwardingStore(ITrieStore inner) : ITrieStore
{
    public virtual ValueTask<Entry?> GetAsync(
        ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        inner.GetAsync(key, cancellationToken);

    public virtual ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, WriteOptions options =
            default, CancellationToken cancellationToken = default) =>
        inner.PutAsync(key, value, options, cancellationToken);

    public virtual ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        inner.DeleteAsync(key, options, cancellationToken);

    public virtual ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        inner.DeleteRangeAsync(range, options, cancellationToken);

    public virtual ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(batch, durability, cancellationToken);

    public virtual ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default) =>
        inner.ScanAsync(request, cancellationToken);

    public virtual ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default) =>
        inner.CountAsync(range, cancellationToken);

    public virtual ValueTask SyncAsync(CancellationToken cancellationToken = default) =>
        inner.SyncAsync(cancellationToken);

    public virtual ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default) =>
        inner.StatAsync(cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
