using Dmt.Core;
using Orleans.Runtime.Placement;

namespace Dmt.Grains.Placement;

internal sealed class NodePlacementDirector : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(
        PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var name = target.GrainIdentity.Key.ToString();
        var silo = SiloAddress.FromParsableString(name!);
        return context.GetCompatibleSilos(target).Contains(silo)
            ? Task.FromResult(silo)
            : throw DmtException.Unavailable($"the silo {silo} is not active");
    }
}
