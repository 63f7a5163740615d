using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Shards;

/// <content>What all open shards are together, for people and metrics.</content>
internal sealed partial class ShardHost
{
    private readonly long _startedAt;

    /// <summary>The highest of all open shards.</summary>
    public ulong LastSequence => Open.Select(static shard => shard.LastSequence).DefaultIfEmpty().Max();

    public long UserBytesWritten => UserBytesOfReleased + Open.Sum(static shard => shard.UserBytesWritten);

    public string? Problem => Log.RefusedBecause
        ?? Open.Select(static shard => shard.Problem).FirstOrDefault(static problem => problem is not null);

    public long TableBytes => Open.Sum(static shard => shard.Tables.Sum(static table => table.Bytes));

    public long TableCount => Open.Sum(static shard => (long)shard.Tables.Count());

    /// <summary>Dollars a month for requests at the rate since the start; null where nobody pays.</summary>
    public decimal? RequestDollarsPerMonth => Objects.Requests is { } totals
        && Time.GetElapsedTime(_startedAt) is var uptime && uptime > TimeSpan.Zero
        ? S3Cost.OfRequestsPerMonth(totals, uptime)
        : null;

    private List<Shard> Open
    {
        get
        {
            lock (_lock)
            {
                return [.. _shards.Values.Concat(_followed).Where(static shard => !shard.IsRetired)];
            }
        }
    }

    /// <param name="shards">How many the store has, open or not.</param>
    public StoreStatistics Describe(int shards)
    {
        var open = Open;
        var described = open.Select(static shard => shard.Describe()).ToList();
        var levels = new List<LevelStatistics>();
        for (var level = 0; level < Manifest.LevelCount; level++)
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
            Levels = levels,
            EntriesMax = described.Sum(static one => one.MemtableEntries) + levels.Sum(static level => level.Entries),
            MemtableBytes = described.Sum(static one => one.MemtableBytes),
            BlockCacheBytes = Cache.Bytes,
            CacheBytesMax = Options.CacheBytes,
            LogBytes = Log.LiveBytes,
            TableBytes = levels.Sum(static level => level.Bytes),
            BorrowedBytes = described.SelectMany(static one => one.Tables.Levels).SelectMany(static level => level)
                .Where(static table => table.Info.Origin is not null).Sum(static table => table.Info.Bytes),
            UserBytesWritten = UserBytesWritten,
            MediumBytesWritten = Metrics.TableBytesWritten + Log.BytesWritten,
            LastSequence = LastSequence,
            Epoch = open.Find(static shard => shard.Id == ShardMap.Root)?.Epoch ?? 0,
            Shards = shards,
            ShardsOpen = described.Count,
            Incarnation = Log.Incarnation,
            WritesRefused = Problem,
            BackgroundProblem = open.Select(static shard => shard.BackgroundProblem)
                .FirstOrDefault(static problem => problem is not null),
            Fenced = Log.Fence.Reason?.Message,
            Requests = Describe(Objects.Requests),
            DiskCache = Objects.DiskCache,
        };
    }

    private RequestStatistics? Describe(RequestTotals? requests) => requests is not { } totals ? null
        : new RequestStatistics
        {
            Gets = totals.Gets,
            RangedGets = totals.RangedGets,
            Puts = totals.Puts,
            ConditionalPuts = totals.ConditionalPuts,
            Deletes = totals.Deletes,
            Lists = totals.Lists,
            Heads = totals.Heads,
            Multiparts = totals.Multiparts,
            BytesUp = totals.BytesUp,
            BytesDown = totals.BytesDown,
            Retries = totals.Retries,
            Hedges = totals.Hedges,
            RequestDollarsPerMonth = RequestDollarsPerMonth ?? 0,
            StorageDollarsPerMonth = S3Cost.OfStoragePerMonth(TableBytes),
        };
}
