// Decides which shards are carved and merged, one change at a time. A change is done by the shards themselves and is
// right wherever it stops (ShardNode.cs); what is kept here, as grain state in the store itself, is the merge that was
// begun, so that its second half is seen to by whoever comes next, and not only when somebody asks for the keys.
//
// When it is done without being asked for is in ShardMapGrain.Balancing.cs.
using Dmt.Contracts;
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
    /// <summary>So often keys may move between the look into the map and the call.</summary>
    private const int AttemptsMax = 10;

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
        changes.State = changes.State with { Merging = shard, MergingInto = parent };
        await changes.WriteStateAsync(cancellationToken);
        await GrainOf(shard).GiveUpAsync(parent, cancellationToken);
        await FinishAsync(shard, parent, cancellationToken);
        return true;
    }

    private async ValueTask FinishAsync(uint child, uint parent, CancellationToken cancellationToken)
    {
        var map = await maps.RefreshAsync(cancellationToken);
        if (map.TryGet(child, out _))
        {
            // Where it did not come to the first half, there is nothing to finish.
            await GrainOf(child).GiveUpAsync(parent, cancellationToken);
            await merges.FinishAsync(child, parent, cancellationToken);
        }

        changes.State = Changes(CarvedByLoad.Where(id => id != child));
        await changes.WriteStateAsync(cancellationToken);
    }

    private IShardGrain GrainOf(uint shard) => GrainFactory.GetGrain<IShardGrain>(GrainKeys.OfShard(shard));

    [LoggerMessage(LogLevel.Information, "A merge of shard {Shard} was begun before: it is brought to its end")]
    private static partial void LogResumed(ILogger log, uint shard);
}
