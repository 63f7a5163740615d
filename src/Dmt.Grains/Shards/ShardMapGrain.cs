// Decides which shards are carved and merged, one change at a time. A change is done by the shards themselves and is
// right wherever it stops (ShardNode.cs); what is kept here, as grain state in the store itself, is the merge that was
// begun, so that its second half is seen to by whoever comes next, and not only when somebody asks for the keys.
//
// Hysteresis, as in one process: a carve needs more than ShardBytesMax, a merge less than a quarter of it in both
// together; one of them must have shrunk to half of what it once had, and the carve must be QuietTime ago.
using System.Diagnostics;
using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Sharding;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dmt.Grains.Shards;

internal sealed partial class ShardMapGrain(
    [PersistentState("changes", DmtShardsExtensions.StorageName)] IPersistentState<ShardMapChanges> changes,
    ShardMapCache maps,
    MergeFinisher merges,
    IOptions<DmtNodeOptions> options,
    ILogger<ShardMapGrain> log) : Grain, IShardMapGrain
{
    /// <summary>A shard is not merged sooner after it was carved, or first seen here.</summary>
    public static readonly TimeSpan QuietTime = TimeSpan.FromMinutes(10);

    /// <summary>So often keys may move between the look into the map and the call.</summary>
    private const int AttemptsMax = 10;

    private readonly Dictionary<uint, long> _seenAt = []; // timestamps

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (changes.State.Merging is { } child)
        {
            LogResumed(log, child);
            await FinishAsync(child, changes.State.MergingInto, cancellationToken);
        }
    }

    public async ValueTask<uint[]> SplitAsync(ReadOnlyMemory<byte>[] prefixes, CancellationToken cancellationToken)
    {
        for (var attempts = 1; ; attempts++)
        {
            var map = await maps.RefreshAsync(cancellationToken);
            try
            {
                await GrainOf(ShardPrefixes.ParentOf(map, prefixes)).CarveAsync(prefixes, cancellationToken);
                map = await maps.RefreshAsync(cancellationToken);
                return [.. prefixes.Select(prefix => map.Find(prefix.Span).Shard)];
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner && attempts < AttemptsMax)
            {
                // The keys have moved: the map is looked at again.
            }
        }
    }

    public async ValueTask<bool> MergeAsync(uint shard, CancellationToken cancellationToken)
    {
        var map = await maps.RefreshAsync(cancellationToken);
        if (!map.TryGet(shard, out _))
        {
            return false;
        }

        var parent = ShardPrefixes.ParentOf(map, shard);
        changes.State = new ShardMapChanges { Merging = shard, MergingInto = parent };
        await changes.WriteStateAsync(cancellationToken);
        await GrainOf(shard).GiveUpAsync(parent, cancellationToken);
        await FinishAsync(shard, parent, cancellationToken);
        return true;
    }

    public async ValueTask<int> BalanceAsync(CancellationToken cancellationToken)
    {
        if (options.Value.ShardBytesMax is not { } bytesMax)
        {
            return 0;
        }

        var done = 0;
        var map = await maps.RefreshAsync(cancellationToken);
        var open = await DescribeOpenAsync(cancellationToken);
        foreach (var gone in _seenAt.Keys.Where(shard => !map.TryGet(shard, out _)).ToList())
        {
            _seenAt.Remove(gone);
        }

        foreach (var shard in open.Values.Where(shard => map.TryGet(shard.Shard, out _)))
        {
            _seenAt.TryAdd(shard.Shard, Stopwatch.GetTimestamp());
            if (shard.DataBytes > bytesMax)
            {
                await GrainOf(shard.Shard).CarveAsync([], cancellationToken);
                done++;
            }
            else if (map.Parent(shard.Shard) is { } parent && open.TryGetValue(parent.Shard, out var above)
                && MayMerge(shard, above, bytesMax))
            {
                await MergeAsync(shard.Shard, cancellationToken);
                done++;
                break; // What is above has other sizes now.
            }
        }

        return done;
    }

    private static bool HasShrunk(ShardDescription shard) => shard.DataBytes < shard.DataBytesMost / 2;

    private bool MayMerge(ShardDescription shard, ShardDescription above, long bytesMax) =>
        shard.DataBytes + shard.MemtableBytes + above.DataBytes + above.MemtableBytes < bytesMax / 4
        && (HasShrunk(shard) || HasShrunk(above))
        && Stopwatch.GetElapsedTime(_seenAt[shard.Shard]) >= QuietTime;

    private async ValueTask FinishAsync(uint child, uint parent, CancellationToken cancellationToken)
    {
        var map = await maps.RefreshAsync(cancellationToken);
        if (map.TryGet(child, out _))
        {
            // Where it did not come to the first half, there is nothing to finish.
            await GrainOf(child).GiveUpAsync(parent, cancellationToken);
            await merges.FinishAsync(child, parent, cancellationToken);
        }

        changes.State = new ShardMapChanges();
        await changes.WriteStateAsync(cancellationToken);
    }

    private async ValueTask<Dictionary<uint, ShardDescription>> DescribeOpenAsync(CancellationToken cancellationToken)
    {
#pragma warning disable CA2016 // Earlier versions of Orleans 10 take no token here.
        var hosts = await GrainFactory.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true);
#pragma warning restore CA2016
        var nodes = await Task.WhenAll(hosts.Keys.Select(silo =>
            GrainFactory.GetGrain<INodeGrain>(silo.ToParsableString()).DescribeAsync(cancellationToken).AsTask()));
        var open = new Dictionary<uint, ShardDescription>();
        foreach (var shard in nodes.SelectMany(static node => node.Shards))
        {
            open[shard.Shard] = shard;
        }

        return open;
    }

    private IShardGrain GrainOf(uint shard) => GrainFactory.GetGrain<IShardGrain>(GrainKeys.OfShard(shard));

    [LoggerMessage(LogLevel.Information, "A merge of shard {Shard} was begun before: it is brought to its end")]
    private static partial void LogResumed(ILogger log, uint shard);
}
