using Dmt.Engine;
using Dmt.Engine.Replication;
using Dmt.Hosting.Configuration;
using static Dmt.Hosting.Configuration.SettingForms<Dmt.Cli.Configuration.ServeSettings>;

namespace Dmt.Cli.Configuration;

/// <summary>Every setting of <c>dmt serve</c>: what all servers have, and the roles of one machine.</summary>
internal static class SettingCatalog
{
    private const string Off = "off";

    public static IReadOnlyList<Setting<ServeSettings>> All { get; } =
    [
        .. ServerSettingCatalog.All<ServeSettings>(),
        SizeOr(
            "shard_bytes_max",
            "size of its tables at which a shard is carved; what deletions leave small is merged again",
            Off,
            EngineOptions.ShardBytesMaxLeast,
            EngineOptions.ShardBytesMaxMost,
            (s, n) => s with { ShardBytesMax = n },
            s => s.ShardBytesMax),
        NumberOr(
            "shard_load_max",
            "operations a second at which a shard is carved; what has cooled down is merged again",
            Off,
            EngineOptions.ShardLoadMaxLeast,
            EngineOptions.ShardLoadMaxMost,
            (s, n) => s with { ShardLoadMax = n },
            s => s.ShardLoadMax),
        new(
            "keyspaces",
            "keys that can be searched by any of their segments",
            KeyspaceSettings.Allowed,
            (s, text) => KeyspaceSettings.TryParse(text, out var list) ? s with { Keyspaces = list } : null,
            s => s.Keyspaces)
        {
            TakesList = true,
        },
        Choice("is_replica", "serve reads of a main that ships to this server; dmt promote makes it the main",
            [("true", true), ("false", false)], (s, yes) => s with { IsReplica = yes }, s => s.IsReplica),
        new(
            "replicas",
            "replicas to ship to as the main",
            $"a list of host:port, at most {ReplicaNames.Max}",
            (s, text) => ReplicaNames.TryParse(text, out var names) ? s with { Replicas = names } : null,
            s => s.Replicas)
        {
            TakesList = true,
        },
        Number("replication_port", "TCP port where a replica hears its main; 0 takes a free one", 0, 65535,
            (s, n) => s with { ReplicationPort = (int)n }, s => s.ReplicationPort),
        Number("replica_acks", "replicas that must have a strict write, too", 0, ReplicationOptions.AcksMax,
            (s, n) => s with { ReplicaAcks = (int)n }, s => s.ReplicaAcks),
        Time("replica_poll", "how often a replica looks into its bucket while it hears nothing of a main", "100ms",
            "1d", (s, poll) => s with { ReplicaPoll = poll }, s => s.ReplicaPoll),
        Choice("start_without_replicas", "take writes in a folder before a replica says that there is no newer main",
            [("true", true), ("false", false)],
            (s, yes) => s with { StartWithoutReplicas = yes }, s => s.StartWithoutReplicas),
        Url(
            "url",
            "where others reach this server; replicas tell it to whoever wants to write",
            "a URL with http:// or https://, or that it is left out",
            (s, url) => s with { Url = url }, s => s.Url),
    ];
}
