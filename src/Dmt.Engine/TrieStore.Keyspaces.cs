using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Keyspaces;

namespace Dmt.Engine;

/// <content>Keyspaces: search by segments, and what keeps the reserved keys out of everybody's sight.</content>
public sealed partial class TrieStore
{
    private KeyspaceFeed Feed => Host.Feed
        ?? throw DmtException.InvalidArgument("the store has no keyspace: declare one to search by segments");

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KeyspaceInfo>> ListKeyspacesAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return ValueTask.FromResult(Host.Feed?.Describe() ?? []);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> RebuildKeyspaceAsync(string name, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (Host.Feed is not { } feed || feed.Describe().All(info => info.Keyspace.Name != name))
        {
            return false;
        }

        await feed.RebuildAsync(name, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask<MatchPage> MatchAsync(MatchRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ThrowIfDisposed();
        var feed = Feed;
        var search = MatchSearch.Of(request, feed.Declared(request.Keyspace));
        while (true)
        {
            var lagMs = feed.LagMs;
            if (request.IsStrong)
            {
                await feed.WaitAsync(cancellationToken).ConfigureAwait(false);
                lagMs = 0;
            }

            var copies = feed.Find(request.Keyspace);
            if (copies.IsBuilt)
            {
                var page = await search.RunAsync(this, copies, lagMs, cancellationToken).ConfigureAwait(false);
                if (feed.IsPresent(copies))
                {
                    return page;
                }
            }
            else if (!request.IsStrong)
            {
                throw DmtException.Unavailable(
                    $"the copies of keyspace {copies.Keyspace.Name} are being built: try again, or ask for a strong "
                        + "search, which waits for them");
            }
        }
    }

    /// <summary>Checks the keys of a batch, and takes reserved ones out of the ranges that it deletes.</summary>
    /// <returns>False where the writer should wait.</returns>
    private bool CheckKeys(ref WriteBatch batch)
    {
        var (isAdmitted, isCut) = (true, false);
        foreach (var operation in batch)
        {
            if (operation.Kind == WriteOperationKind.DeleteRange)
            {
                var range = RangeOf(operation);
                isCut |= ReservedKeys.ClipWritten(range) != range;
                continue;
            }

            ReservedKeys.Refuse(operation.Key);
            isAdmitted &= operation.Kind != WriteOperationKind.Put || Host.Feed?.Admits(operation.Key) != false;
        }

        if (isCut)
        {
            batch = Cut(batch);
        }

        return isAdmitted;
    }

    private static WriteBatch Cut(WriteBatch batch)
    {
        var cut = new WriteBatch(batch.Encoded.Length + 64) { Request = batch.Request };
        foreach (var operation in batch)
        {
            _ = operation.Kind == WriteOperationKind.DeleteRange
                ? cut.DeleteRange(ReservedKeys.Clip(RangeOf(operation)))
                : cut.Append(operation);
        }

        return cut;
    }

    private static KeyRange RangeOf(in WriteOperation operation) => new(
        operation.Key.ToArray(),
        operation.HasNoEnd ? default(ReadOnlyMemory<byte>?) : operation.Value.ToArray());

    private async ValueTask<ulong> PutLaterAsync(
        KeyspaceFeed feed,
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options,
        CancellationToken cancellationToken)
    {
        await feed.WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        return await PutRoutedAsync(null, default, key, value, options, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<ulong> WriteLaterAsync(
        WriteBatch batch, Durability? durability, CancellationToken cancellationToken)
    {
        await Feed.WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        return await WriteUncheckedAsync(batch, durability, cancellationToken).ConfigureAwait(false);
    }
}
