using System.Net;
using Dmt.Engine.Objects;
using Dmt.Grains.Membership;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Dmt.Grains.Tests.Membership;

/// <summary>Tables of one cluster over one store in memory, and rows to put into them.</summary>
internal static class MembershipFixture
{
    public const string ClusterId = "the cluster/1";

    /// <summary>Where the objects of <see cref="ClusterId"/> lie.</summary>
    public const string Root = "cluster/the_20cluster_2F1/";

    public static readonly DateTime Start = new(2030, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    /// <summary>Above those that tests name themselves.</summary>
    private static int s_generation = 1000;

    public static MemoryObjectStore Store() => new(TimeProvider.System);

    public static ObjectStoreMembershipTable Table(IObjectStore store, string clusterId = ClusterId) => new(
        store,
        Options.Create(new ObjectStoreClusteringOptions()),
        Options.Create(new ClusterOptions { ClusterId = clusterId }),
        NullLogger<ObjectStoreMembershipTable>.Instance);

    public static ObjectStoreGatewayListProvider Gateways(IObjectStore store) => new(
        store,
        Options.Create(new ObjectStoreClusteringOptions()),
        Options.Create(new ClusterOptions { ClusterId = ClusterId }),
        Options.Create(new GatewayOptions { GatewayListRefreshPeriod = TimeSpan.FromSeconds(7) }),
        NullLogger<ObjectStoreGatewayListProvider>.Instance);

    public static SiloAddress Silo() => SiloAddress.New(
        IPAddress.Parse("10.1.2.3"), 11111, Interlocked.Increment(ref s_generation));

    public static MembershipEntry Entry(
        SiloStatus status = SiloStatus.Joining, SiloAddress? silo = null, DateTime? at = null) => new()
        {
            SiloAddress = silo ?? Silo(),
            HostName = "host",
            SiloName = "silo",
            RoleName = "role",
            Status = status,
            ProxyPort = 30000,
            UpdateZone = 3,
            FaultZone = 4,
            StartTime = at ?? Start,
            IAmAliveTime = at ?? Start,
        };

    public static async Task<MembershipEntry> InsertAsync(IMembershipTable table, MembershipEntry entry)
    {
        Assert.True(await table.InsertRow(entry, (await table.ReadAll()).Version.Next()));
        return entry;
    }

    public static async Task<List<string>> NamesAsync(IObjectStore store, string prefix = Root)
    {
        List<string> names = [];
        await foreach (var info in store.ListAsync(prefix))
        {
            names.Add(info.Name);
        }

        return names;
    }
}
