// From silos to names and back. Placement goes by names, which outlive restarts: a silo that comes back under its name
// gets back what it had. Members that cannot be chosen, because they are down, leaving or coming, keep their places
// until Orleans forgets them (DefunctSiloExpiration), so that the holder of copy 1 becomes the primary, and not whoever
// would be next (docs/adr/0011).
namespace Dmt.Grains.Placement;

/// <summary>The homes of shards and of their copies, by the present membership.</summary>
internal sealed class ShardHomes(IClusterMembershipService membership)
{
    private volatile Members? _members;

    /// <summary>The homes of a shard's copies, the primary first.</summary>
    /// <param name="prefix">The shard's.</param>
    /// <param name="copies">At least 1, the primary included.</param>
    /// <param name="silos">Those that may be chosen; at least one.</param>
    /// <returns>As many as copies, or all silos where these are fewer.</returns>
    public SiloAddress[] Of(ReadOnlyMemory<byte> prefix, int copies, SiloAddress[] silos)
    {
        var snapshot = membership.CurrentSnapshot;
        var members = _members;
        if (members is null || members.Version != snapshot.Version || !members.Silos.SequenceEqual(silos))
        {
            members = new Members(snapshot, silos);
            _members = members;
        }

        return [.. members.Placement.Homes(prefix, copies).Select(name => members.ByName[name])];
    }

    private sealed class Members
    {
        public Members(ClusterMembershipSnapshot snapshot, SiloAddress[] silos)
        {
            (Version, Silos) = (snapshot.Version, silos);
            foreach (var silo in silos.Order())
            {
                // Two of one name are told apart, rather than leaving one without shards.
                var name = NameOf(snapshot, silo);
                if (!ByName.TryAdd(name, silo))
                {
                    ByName.Add($"{name}/{silo.ToParsableString()}", silo);
                }
            }

            var others = snapshot.Members.Keys.Select(silo => NameOf(snapshot, silo)).Distinct()
                .Where(name => !ByName.ContainsKey(name));
            Placement = new Core.Sharding.Placement(ByName.Keys, others);
        }

        public MembershipVersion Version { get; }

        public SiloAddress[] Silos { get; }

        public Dictionary<string, SiloAddress> ByName { get; } = [];

        public Core.Sharding.Placement Placement { get; }

        private static string NameOf(ClusterMembershipSnapshot snapshot, SiloAddress silo) =>
            snapshot.Members.TryGetValue(silo, out var member) && !string.IsNullOrEmpty(member.Name)
                ? member.Name
                : silo.ToParsableString();
    }
}
