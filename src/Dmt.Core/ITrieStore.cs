using Dmt.Core.Keys;

namespace Dmt.Core;

/// <summary>
/// An ordered key-value store, wherever it runs: embedded, behind HTTP or in a cluster. Safe for concurrent use. Keys
/// are 1 to 1,024 bytes in bytewise order; values are 0 bytes to the store's limit (8 MiB unless configured). Byte
/// buffers that are handed in must not change until the call completes; those that come back belong to the caller.
/// Errors are <see cref="DmtException"/>s; bad input changes nothing. A write that carries a <see cref="RequestId"/> is
/// applied once however often it is sent, and gets the version that it got the first time; what failed before it was
/// applied leaves nothing behind, and may succeed when it is sent again.
/// </summary>
public interface ITrieStore : IAsyncDisposable
{
    /// <summary>What <paramref name="key"/> holds; null where it is absent, deleted or expired.</summary>
    ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default);

    /// <summary>
    /// What each of the keys holds; null where it is absent, deleted or expired. Each is read by itself: not all in one
    /// snapshot. In a cluster many keys cost little more than one.
    /// </summary>
    /// <param name="keys">Any number, in any order.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>As many, in the order of the keys.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for an empty key; TooLarge for a long one; Unavailable: nothing is returned then.
    /// </exception>
    async ValueTask<Entry?[]> GetManyAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (var key in keys)
        {
            Key.Validate(key.Span);
        }

        var entries = new Entry?[keys.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = await GetAsync(keys[i], cancellationToken).ConfigureAwait(false);
        }

        return entries;
    }

    /// <summary>Sets the key.</summary>
    /// <returns>The new version.</returns>
    /// <exception cref="DmtException">
    /// Conflict when the condition does not hold; TooLarge; InvalidArgument; Unavailable.
    /// </exception>
    ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default);

    /// <summary>Removes the key; removing an absent key is no error unless the condition says so.</summary>
    /// <returns>The version of the removal.</returns>
    ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default);

    /// <summary>Removes every key in the range, at the cost of one write however many there are.</summary>
    /// <returns>The version of the removal.</returns>
    ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default);

    /// <summary>Sets many keys as one batch; where one comes twice, its last value stays.</summary>
    /// <param name="entries">Keys with their values, at least one.</param>
    /// <param name="durability">As for a batch.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>As for a batch.</returns>
    /// <exception cref="DmtException">As for a batch.</exception>
    ValueTask<ulong> PutManyAsync(
        IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> entries,
        Durability? durability = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var batch = new WriteBatch();
        foreach (var (key, value) in entries)
        {
            batch.Put(key.Span, value.Span);
        }

        return WriteAsync(batch, durability, cancellationToken);
    }

    /// <summary>
    /// Applies all operations of the batch, or, when one of its conditions does not hold, none. Atomic within a shard.
    /// </summary>
    /// <returns>The version of the last operation; the others have the versions just before it, in order.</returns>
    ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default);

    /// <summary>One page of entries in key order; see <see cref="ScanRequest"/>.</summary>
    ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default);

    /// <summary>The number of keys in the range, in one snapshot.</summary>
    ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default);

    /// <summary>Returns once everything acknowledged so far is durable on the medium.</summary>
    ValueTask SyncAsync(CancellationToken cancellationToken = default);

    ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default);
}
