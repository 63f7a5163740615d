using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

/// <summary>
/// Reads of what a replica has; every write is refused. Reads are consistent (of each shard a page is one state that
/// the main was in) and may be old. After a main has been replaced they may go back to what its successor found.
/// </summary>
internal sealed class ReplicaStore(Follower follower) : ITrieStore
{
    /// <summary>So often the map does not change while a call is looking: then it is at fault.</summary>
    private const int AttemptsMax = 1000;

    private int _disposed;

    public Follower Follower => follower;

    public async ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        Key.Validate(key.Span);
        ThrowIfEmpty();
        if (ReservedKeys.Contains(key.Span))
        {
            return null;
        }

        for (var attempts = 1; ; attempts++)
        {
            Shard? shard = null;
            try
            {
                shard = await follower.Shards.GetAsync(
                    follower.Shards.Map.Find(key.Span).Shard, cancellationToken).ConfigureAwait(false);
                return await shard.GetAsync(key, null, cancellationToken).ConfigureAwait(false);
            }
            catch (DmtException e) when (
                attempts < AttemptsMax && (shard?.HasMoved(e) ?? e.Kind == DmtErrorKind.NotOwner))
            {
                await Task.Yield(); // The map is about to say so.
            }
        }
    }

    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default) => throw Refusal();

    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        throw Refusal();

    public ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        throw Refusal();

    public ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default) =>
        throw Refusal();

    public ValueTask SyncAsync(CancellationToken cancellationToken = default) => throw Refusal();

    public async ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        request.Validate();
        ThrowIfEmpty();
        using var scan = new Scan(follower.Shards, request.RangeLeft, request.Reverse, null);
        var page = new PageBuilder(request);
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            if (page.IsFull)
            {
                return page.Build(more: true);
            }

            page.Add(scan.Current);
        }

        return page.Build(more: false);
    }

    public async ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        Key.ValidatePrefix(range.Start.Span);
        Key.ValidatePrefix(range.End.GetValueOrDefault().Span);
        ThrowIfEmpty();
        using var scan = new Scan(follower.Shards, ReservedKeys.Clip(range), reverse: false, null);
        long count = 0;
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            count++;
        }

        return count;
    }

    /// <exception cref="DmtException">Unavailable while there is no copy.</exception>
    public ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfEmpty();
        var root = follower.Root!;
        var open = follower.Open.ToList();
        var lag = follower.Lag;
        return ValueTask.FromResult(
            ReplicaReads.Describe(follower.Host, open, root.Owned.Manifest.Incarnation) with
            {
                LastSequence = open.Max(static shard => shard.LastSequence),
                Epoch = root.Epoch,
                Shards = follower.Shards.Map.Count,
                WritesRefused = RefusalText,
                BackgroundProblem = follower.Problem,
                Replication = new ReplicationStatistics
                {
                    Role = "replica",
                    Main = follower.MainUrl,
                    LagOperations = lag.Operations,
                    LagMs = lag.Milliseconds,
                    Connected = follower.HearsMain,
                },
            });
    }

    /// <summary>The shards of the map, and what is here of those that are followed.</summary>
    public IReadOnlyList<ShardInfo> ListShards()
    {
        var open = follower.Open.ToDictionary(static shard => shard.Id);
        var map = follower.Shards.Map;
        return [.. map.Entries.Select(entry =>
            TrieStore.Describe(map, entry, open.GetValueOrDefault(entry.Shard)))];
    }

    public ValueTask DisposeAsync() =>
        Interlocked.Exchange(ref _disposed, 1) == 0 ? follower.DisposeAsync() : ValueTask.CompletedTask;

    /// <summary>The error of every write.</summary>
    public DmtException Refusal() => new(DmtErrorKind.NotOwner, RefusalText);

    private string RefusalText => follower.MainUrl is { Length: > 0 } main
        ? $"this is a read replica of {main}: write there"
        : "this is a read replica, and its main has not been heard of yet: write there";

    private void ThrowIfEmpty()
    {
        if (follower.Root is null)
        {
            throw DmtException.Unavailable(
                "this replica has no copy of its main yet: " + (follower.Problem ?? "it has not been heard of"));
        }
    }
}
