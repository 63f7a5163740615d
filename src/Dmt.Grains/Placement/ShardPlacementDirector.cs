using Dmt.Contracts;
using Dmt.Grains.Shards;
using Orleans.Runtime.Placement;

namespace Dmt.Grains.Placement;

/// <summary>
/// Every silo computes the same homes from the membership and the shard's prefix, without asking anybody. A hint goes
/// before: a shard that moves is sent to where whoever moves it has computed its home.
/// </summary>
internal sealed class ShardPlacementDirector(ShardHomes homes, ShardMapCache maps) : IPlacementDirector
{
    public async Task<SiloAddress> OnAddActivation(
        PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var silos = context.GetCompatibleSilos(target);
        if (IPlacementDirector.GetPlacementHint(target.RequestContextData, silos) is { } hint)
        {
            return hint;
        }

        var (shard, copy) = GrainKeys.Parse(target.GrainIdentity.Key.ToString()!);
        var map = await maps.GetAsync(CancellationToken.None);
        if (!map.TryGet(shard, out var entry))
        {
            // Newer than what is known here; or gone, and then any silo can say so.
            map = await maps.RefreshAsync(CancellationToken.None);
            map.TryGet(shard, out entry);
        }

        var all = homes.Of(entry?.Prefix ?? default, copy + 1, silos);
        return all[Math.Min(copy, all.Length - 1)];
    }
}
