using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Api.Tests;

/// <summary>A store that does something else first: fails, waits, or writes in between.</summary>
internal class HookedStore(ITrieStore inner) : ITrieStore
{
    public Func<CancellationToken, Task> BeforeRead { get; init; } = _ => Task.CompletedTask;

    public Func<ITrieStore, Task> BeforeWrite { get; init; } = _ => Task.CompletedTask;

    public async ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        await BeforeRead(cancellationToken);
        return await inner.GetAsync(key, cancellationToken);
    }

    public async ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, WriteOptions options = default,
        CancellationToken cancellationToken = default)
    {
        await BeforeWrite(inner);
        return await inner.PutAsync(key, value, options, cancellationToken);
    }

    public async ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default)
    {
        await BeforeWrite(inner);
        return await inner.DeleteAsync(key, options, cancellationToken);
    }

    public async ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default)
    {
        await BeforeWrite(inner);
        return await inner.DeleteRangeAsync(range, options, cancellationToken);
    }

    public async ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        await BeforeWrite(inner);
        return await inner.WriteAsync(batch, durability, cancellationToken);
    }

    public async ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        await BeforeRead(cancellationToken);
        return await inner.ScanAsync(request, cancellationToken);
    }

    public async ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        await BeforeRead(cancellationToken);
        return await inner.CountAsync(range, cancellationToken);
    }

    public ValueTask SyncAsync(CancellationToken cancellationToken = default) => inner.SyncAsync(cancellationToken);

    public ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default) =>
        inner.StatAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
