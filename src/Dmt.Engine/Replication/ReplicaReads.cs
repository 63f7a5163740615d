using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

/// <summary>Pages and figures of followed shards.</summary>
internal static class ReplicaReads
{
    /// <summary>One page of a shard, in one snapshot.</summary>
    /// <exception cref="DmtException">InvalidArgument; NotOwner where the range is not all the shard's.</exception>
    public static async ValueTask<ScanPage> ScanAsync(
        Shard shard, ScanRequest request, CancellationToken cancellationToken)
    {
        request.Validate();
        using var scan = shard.OpenScanUnchecked(request.RangeLeft, request.Reverse, null);
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

    /// <summary>The keys of a range of a shard, in one snapshot.</summary>
    public static async ValueTask<long> CountAsync(Shard shard, KeyRange range, CancellationToken cancellationToken)
    {
        using var scan = shard.OpenScan(range, reverse: false, null);
        long count = 0;
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            count++;
        }

        return count;
    }

    /// <summary>What the tables and memtables of shards hold.</summary>
    public static StoreStatistics Describe(ShardHost host, IEnumerable<Shard> shards, string incarnation)
    {
        List<(TableSet Tables, long MemtableBytes, long MemtableEntries)> described = [];
        foreach (var shard in shards)
        {
            try
            {
                described.Add(shard.Describe());
            }
            catch (DmtException e) when (shard.HasMoved(e))
            {
                // A newer state has taken its place just now.
            }
        }

        List<LevelStatistics> levels = [];
        for (var level = 0; level < Manifests.Manifest.LevelCount; level++)
        {
            var infos =
                described.SelectMany(one => one.Tables.Levels[level]).Select(static table => table.Info).ToList();
            if (infos.Count > 0)
            {
                levels.Add(new LevelStatistics(
                    level, infos.Count, infos.Sum(static i => i.Bytes), infos.Sum(static i => i.Entries)));
            }
        }

        return new StoreStatistics
        {
            Incarnation = incarnation,
            Levels = levels,
            EntriesMax = described.Sum(static one => one.MemtableEntries) + levels.Sum(static level => level.Entries),
            MemtableBytes = described.Sum(static one => one.MemtableBytes),
            BlockCacheBytes = host.Cache.Bytes,
            CacheBytesMax = host.Options.CacheBytes,
            TableBytes = levels.Sum(static level => level.Bytes),
            ShardsOpen = described.Count,
        };
    }
}
