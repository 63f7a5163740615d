namespace Dmt.Grains.Placement;

internal static class ActiveSilos
{
    /// <summary>The silos that take grains now, in one order for all.</summary>
    public static SiloAddress[] Active(this IClusterMembershipService membership) =>
        [
            .. membership.CurrentSnapshot.Members.Values
                .Where(static member => member.Status == SiloStatus.Active)
                .Select(static member => member.SiloAddress).Order(),
        ];
}
