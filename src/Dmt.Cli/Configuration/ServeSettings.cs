using Dmt.Core;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Configuration;

/// <summary>What <c>dmt serve</c> runs with; each property is one entry of <see cref="SettingCatalog"/>.</summary>
internal sealed record ServeSettings : ServerSettings
{
    /// <summary>Bytes of a shard's tables at which it is carved; null for never.</summary>
    public long? ShardBytesMax { get; init; }

    /// <summary>Operations a second at which a shard is carved; null for never.</summary>
    public long? ShardLoadMax { get; init; }

    /// <summary>Keyspaces whose segments can be searched in any order, as a JSON array; empty for none.</summary>
    public string Keyspaces { get; init; } = "";

    /// <summary>A read replica; otherwise the main.</summary>
    public bool IsReplica { get; init; }

    /// <summary>Replicas that the main ships to, each <c>host:port</c>, with commas between; empty for none.</summary>
    public string Replicas { get; init; } = "";

    /// <summary>TCP port where a replica hears its main, 0 to 65535; 0 takes a free one.</summary>
    public int ReplicationPort { get; init; } = 3040;

    /// <summary>Replicas that strict writes wait for.</summary>
    public int ReplicaAcks { get; init; }

    /// <summary>How often a replica of a bucket looks into it while it hears nothing of a main.</summary>
    public TimeSpan ReplicaPoll { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A main over a folder takes writes before a replica has said that there is no newer one.</summary>
    public bool StartWithoutReplicas { get; init; }

    /// <summary>Where others reach this server, for the messages of its replicas; null for the host and port.</summary>
    public Uri? Url { get; init; }

    public IReadOnlyList<string> ReplicaList => Replicas.Length == 0 ? [] : Replicas.Split(',');

    /// <summary>It is one of several: a main with replicas, or a replica.</summary>
    public bool HasRole => IsReplica || Replicas.Length > 0;

    public override void Validate()
    {
        if (ReplicaAcks > 0 && ReplicaAcks > ReplicaList.Count)
        {
            throw DmtException.InvalidArgument(
                $"replica_acks is {ReplicaAcks}: expected 0 to {ReplicaList.Count}, the number of replicas");
        }

        if (IsReplica && ReplicationPort == Port && Port > 0)
        {
            throw DmtException.InvalidArgument(
                $"replication_port is {ReplicationPort}: expected another port than port, which is the same");
        }
    }
}
