using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

/// <summary>
/// Reads of what a replica has; every write is refused. Reads are consistent (a page is one state that the main was
/// in) and may be old. After a main has been replaced they may go back to what its successor found.
/// </summary>
internal sealed class ReplicaStore(Follower follower) : ITrieStore
{
    private int _disposed;

    public Follower Follower => follower;

    private Shard Shard => follower.Shard
        ?? throw DmtException.Unavailable(
            "this replica has no copy of its main yet: " + (follower.Problem ?? "it has not been heard of"));

    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        ReservedKeys.Contains(key.Span) ? default : Shard.GetAsync(key, null, cancellationToken);

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
        using var scan = Shard.OpenScanUnchecked(request.RangeLeft, request.Reverse, null);
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
        using var scan = Shard.OpenScan(ReservedKeys.Clip(range), reverse: false, null);
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
        var shard = Shard;
        var (tables, memtableBytes, memtableEntries) = shard.Describe();
        List<LevelStatistics> levels = [];
        for (var level = 0; level < tables.Levels.Length; level++)
        {
            var infos = tables.Levels[level].Select(static table => table.Info).ToList();
            if (infos.Count > 0)
            {
                levels.Add(new LevelStatistics(
                    level, infos.Count, infos.Sum(static i => i.Length), infos.Sum(static i => i.Entries)));
            }
        }

        var lag = follower.Lag;
        return ValueTask.FromResult(new StoreStatistics
        {
            Levels = levels,
            EntriesMax = memtableEntries + levels.Sum(static level => level.Entries),
            MemtableBytes = memtableBytes,
            BlockCacheBytes = follower.Host.Cache.Bytes,
            CacheBytesMax = follower.Host.Options.CacheBytes,
            TableBytes = levels.Sum(static level => level.Bytes),
            LastSequence = shard.LastSequence,
            Epoch = shard.Epoch,
            Incarnation = shard.Owned.Manifest.Incarnation,
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

    public ValueTask DisposeAsync() =>
        Interlocked.Exchange(ref _disposed, 1) == 0 ? follower.DisposeAsync() : ValueTask.CompletedTask;

    private string RefusalText => follower.MainUrl is { Length: > 0 } main
        ? $"this is a read replica of {main}: write there"
        : "this is a read replica, and its main has not been heard of yet: write there";

    private DmtException Refusal() => new(DmtErrorKind.NotOwner, RefusalText);
}
