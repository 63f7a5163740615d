using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Sharding;

namespace Dmt.Client;

/// <content>What concerns all silos, and the structure of the store.</content>
public sealed partial class DmtClient
{
    /// <inheritdoc/>
    public async ValueTask SyncAsync(CancellationToken cancellationToken = default) =>
        await OnNodesAsync(
            async (node, stop) =>
            {
                await node.SyncAsync(stop).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>
    /// All silos together: sizes and counts, <see cref="StoreStatistics.LastSequence"/> too, are sums over the shards
    /// that are open.
    /// </remarks>
    public async ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default)
    {
        var map = await NewestMapAsync(cancellationToken).ConfigureAwait(false);
        var nodes = await DescribeNodesAsync(cancellationToken).ConfigureAwait(false);
        return new StoreStatistics
        {
            Levels =
            [
                .. nodes.SelectMany(static node => node.Levels).GroupBy(static level => level.Level)
                    .OrderBy(static group => group.Key)
                    .Select(static group => new LevelStatistics(
                        group.Key,
                        group.Sum(static level => level.Tables),
                        group.Sum(static level => level.Bytes),
                        group.Sum(static level => level.Entries))),
            ],
            EntriesMax = nodes.Sum(static node => node.EntriesMax),
            MemtableBytes = nodes.Sum(static node => node.MemtableBytes),
            BlockCacheBytes = nodes.Sum(static node => node.BlockCacheBytes),
            CacheBytesMax = nodes.Sum(static node => node.CacheBytesMax),
            LogBytes = nodes.Sum(static node => node.LogBytes),
            TableBytes = nodes.Sum(static node => node.TableBytes),
            UserBytesWritten = nodes.Sum(static node => node.UserBytesWritten),
            MediumBytesWritten = nodes.Sum(static node => node.MediumBytesWritten),
            LastSequence = nodes.SelectMany(static node => node.Shards)
                .Aggregate(0UL, static (sum, shard) => sum + shard.LastSequence),
            Epoch = nodes.SelectMany(static node => node.Shards)
                .Where(static shard => shard.Shard == ShardMap.Root)
                .Select(static shard => shard.Epoch).DefaultIfEmpty().Max(),
            Shards = map.Count,
            ShardsOpen = nodes.Sum(static node => node.Shards.Length),
            Incarnation = string.Join(' ', nodes.Select(static node => node.Incarnation).OfType<string>()),
            WritesRefused = nodes.Select(static node => node.WritesRefused).FirstOrDefault(static w => w is not null),
            BackgroundProblem =
                nodes.Select(static node => node.BackgroundProblem).FirstOrDefault(static p => p is not null),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ShardInfo>> ListShardsAsync(CancellationToken cancellationToken = default)
    {
        var map = await NewestMapAsync(cancellationToken).ConfigureAwait(false);
        var nodes = await DescribeNodesAsync(cancellationToken).ConfigureAwait(false);
        var open = new Dictionary<uint, ShardDescription>();
        foreach (var shard in nodes.SelectMany(static node => node.Shards))
        {
            open[shard.Shard] = shard;
        }

        return [.. map.Entries.Select(entry => Describe(map, entry, open.GetValueOrDefault(entry.Shard)))];
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ShardInfo>> SplitShardAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        ShardPrefixes.Validate(prefixes);
        var made = await ChangeAsync(MapGrain.SplitAsync([.. prefixes], cancellationToken)).ConfigureAwait(false);
        var all = await ListShardsAsync(cancellationToken).ConfigureAwait(false);
        var byNumber = all.ToDictionary(static info => info.Shard);
        return [.. made.Where(byNumber.ContainsKey).Select(shard => byNumber[shard])];
    }

    /// <inheritdoc/>
    public ValueTask<bool> MergeShardAsync(uint shard, CancellationToken cancellationToken = default) =>
        ChangeAsync(MapGrain.MergeAsync(shard, cancellationToken));

    /// <summary>
    /// Not tried again, as it may take long: whoever asks for it decides. Orleans says so when the grain's own state is
    /// out of reach, with a page of text of which the first line tells what is the matter.
    /// </summary>
    private static async ValueTask<T> ChangeAsync<T>(ValueTask<T> change)
    {
        try
        {
            return await change.ConfigureAwait(false);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            throw DmtException.Unavailable(
                $"the shards were not changed, or not yet: {e.Message.Split('\n', 2)[0].Trim()}", e);
        }
    }

    private IShardMapGrain MapGrain => _grains.GetGrain<IShardMapGrain>(GrainKeys.Map);

    private static ShardInfo Describe(ShardMap map, ShardEntry entry, ShardDescription? open) => new(
        entry.Shard,
        entry.Prefix,
        map.Parent(entry.Shard)?.Shard,
        open is null
            ? null
            : new OpenShard(open.TableBytes, open.EntriesMax, open.LastSequence, open.Epoch)
            {
                OperationsPerSecond = open.OperationsPerSecond,
            });

    private ValueTask<ShardMap> NewestMapAsync(CancellationToken cancellationToken) => _retries.RunAsync(
        static () => "the shard map could not be read",
        _routing,
        static (routing, stop) => routing.NewestAsync(stop),
        static (_, _) => ValueTask.CompletedTask,
        cancellationToken);

    private ValueTask<NodeDescription[]> DescribeNodesAsync(CancellationToken cancellationToken) =>
        OnNodesAsync(static (node, stop) => node.DescribeAsync(stop), cancellationToken);

    private ValueTask<T[]> OnNodesAsync<T>(
        Func<INodeGrain, CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken) =>
        _retries.RunAsync(
            static () => "not all silos have answered",
            call,
            async (call, stop) =>
            {
#pragma warning disable CA2016 // Earlier versions of Orleans 10 take no token here.
                var hosts = await _grains.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true)
                    .WaitAsync(stop).ConfigureAwait(false);
#pragma warning restore CA2016
                return await Task.WhenAll(hosts.Keys.Select(silo =>
                    call(_grains.GetGrain<INodeGrain>(silo.ToParsableString()), stop).AsTask())).ConfigureAwait(false);
            },
            static (_, _) => ValueTask.CompletedTask,
            cancellationToken);
}
