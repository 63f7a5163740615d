using Dmt.Engine.Objects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;

namespace Dmt.Grains.Membership;

/// <summary>Where a client of the cluster finds its gateways: the active silos of the membership table.</summary>
internal sealed class ObjectStoreGatewayListProvider : IGatewayListProvider
{
    private readonly MembershipObjects _objects;

    public ObjectStoreGatewayListProvider(
        [FromKeyedServices(ObjectStoreClusteringOptions.StoreKey)] IObjectStore store,
        IOptions<ObjectStoreClusteringOptions> options,
        IOptions<ClusterOptions> cluster,
        IOptions<GatewayOptions> gateways,
        ILogger<ObjectStoreGatewayListProvider> log)
    {
        _objects = new MembershipObjects(store, options.Value.Prefix, cluster.Value.ClusterId, log);
        MaxStaleness = gateways.Value.GatewayListRefreshPeriod;
    }

    public TimeSpan MaxStaleness { get; }

    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => Task.CompletedTask;

    public async Task<IList<Uri>> GetGateways()
    {
        var table = await _objects.ReadTableAsync();
        return
        [
            .. table.Rows.Where(static row => row is { Status: SiloStatus.Active, ProxyPort: > 0 })
                .Select(static row => GatewayOf(row).ToGatewayUri()),
        ];
    }

    private static SiloAddress GatewayOf(MembershipRow row)
    {
        var silo = SiloAddress.FromParsableString(row.Address);
        return SiloAddress.New(silo.Endpoint.Address, row.ProxyPort, silo.Generation);
    }
}
