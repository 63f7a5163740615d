using System.Net;
using Dmt.Core;
using Dmt.Grains;
using Dmt.Hosting.Configuration;

namespace Dmt.Silo.Configuration;

/// <summary>What <c>dmt-silo</c> runs with; each property is one entry of <see cref="SiloSettingCatalog"/>.</summary>
internal sealed record SiloSettings : ServerSettings
{
    /// <summary>Silos of one cluster have the same.</summary>
    public string ClusterId { get; init; } = "dmt";

    /// <summary>Names the service in the keys of grain state; outlives clusters.</summary>
    public string ServiceId { get; init; } = "dmt";

    /// <summary>The node's name, the same after a restart: shards are placed by it.</summary>
    public string Name { get; init; } = Dns.GetHostName();

    public Clustering Clustering { get; init; } = Clustering.Localhost;

    /// <summary>TCP port that other silos connect to, 1 to 65535.</summary>
    public int SiloPort { get; init; } = 11111;

    /// <summary>TCP port that Orleans clients connect to, 1 to 65535; 0 for none.</summary>
    public int GatewayPort { get; init; } = 30000;

    /// <summary>Address that other silos reach this one at, and at which it listens to them; null for the host's.
    /// </summary>
    public IPAddress? AdvertisedAddress { get; init; }

    /// <summary>Where the state of grains lies, by the name of a <see cref="GrainStorageChoice"/>.</summary>
    public string GrainStorage { get; init; } = GrainStorageChoice.Dmt.Name;

    /// <summary>Bytes of data at which a shard is carved; null for by command only.</summary>
    public long? ShardBytesMax { get; init; } = 256L << 20;

    /// <summary>Operations a second at which a shard is carved; null for by size or by command only.</summary>
    public long? ShardLoadMax { get; init; }

    /// <summary>Warm replicas of each shard on other silos.</summary>
    public int ShardReplicas { get; init; } = new DmtNodeOptions().Replicas;

    /// <summary>A silo that does not answer a probe within this has missed it; so often it is probed, too.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Missed probes after which a silo is suspected.</summary>
    public int ProbesMissedMax { get; init; } = 3;

    /// <summary>How long a silo that was asked to stop may take to hand its shards over.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Where metrics and traces go, with OTLP; null for nowhere.</summary>
    public Uri? OtlpEndpoint { get; init; }

    public override void Validate()
    {
        if (Clustering == Clustering.Store && Store is null)
        {
            throw DmtException.InvalidArgument(
                "clustering is store, and store is not set: expected s3://bucket/prefix, or clustering localhost");
        }

        if (SiloPort == GatewayPort || SiloPort == Port || (GatewayPort == Port && Port > 0))
        {
            throw DmtException.InvalidArgument(
                $"port is {Port}, silo_port {SiloPort}, gateway_port {GatewayPort}: expected three different ones");
        }
    }
}
