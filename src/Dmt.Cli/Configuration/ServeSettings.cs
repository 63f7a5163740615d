using Dmt.Core;
using Dmt.Engine;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Configuration;

/// <summary>What <c>dmt serve</c> runs with; each property is one entry of <see cref="SettingCatalog"/>.</summary>
internal sealed record ServeSettings
{
    /// <summary>TCP port, 0 to 65535; 0 takes a free one.</summary>
    public int Port { get; init; } = 3030;

    /// <summary>Address to listen on: localhost, an IP address, or * for all.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>The folder that holds the store, unless something else is said.</summary>
    public const string DataDefault = "./data";

    /// <summary>
    /// The folder that holds the store, or the cache of one in a bucket; null where none is named.
    /// </summary>
    public string? Data { get; init; }

    /// <summary>The bucket and prefix that hold the store, <c>s3://bucket/prefix</c>; null for a folder.</summary>
    public string? Store { get; init; }

    /// <summary>URL of the server that has the bucket; null for what the AWS SDK finds.</summary>
    public Uri? StoreEndpoint { get; init; }

    /// <summary>The bucket's region; null for what the AWS SDK finds.</summary>
    public string? StoreRegion { get; init; }

    /// <summary>The bucket in the URL's path; null for what the endpoint suggests.</summary>
    public bool? StorePathStyle { get; init; }

    public Durability Fsync { get; init; } = Durability.Default;

    /// <summary>Bytes for memtables and cached blocks together.</summary>
    public long CacheSize { get; init; } = 256L << 20;

    /// <summary>Bytes on disk for the cache of a store in a bucket.</summary>
    public long DiskCacheSize { get; init; } = 8L << 30;

    /// <summary>Bytes at which a memtable is flushed; null for what the engine makes of the cache.</summary>
    public long? MemtableSize { get; init; }

    /// <summary>Length of the prefixes at which a new store is cut into shards; 0 for none.</summary>
    public int KFactor { get; init; }

    /// <summary>Keyspaces whose segments can be searched in any order, as a JSON array; empty for none.</summary>
    public string Keyspaces { get; init; } = "";

    /// <summary>Most pairs that a range answer holds.</summary>
    public int MaxRangeResponse { get; init; } = 1000;

    /// <summary>True for the strict key rules: letters and digits, at most 255, letter case folded.</summary>
    public bool AlphanumericKeys { get; init; }

    /// <summary>Largest value, in bytes.</summary>
    public int ValueBytesMax { get; init; } = Entry.ValueBytesMaxDefault;

    /// <summary>Largest request body, in bytes; streamed bulk bodies may be of any size.</summary>
    public long BodyBytesMax { get; init; } = 64L << 20;

    /// <summary>Requests served at the same time; more are told to come again.</summary>
    public int ConcurrencyMax { get; init; } = 1024;

    public Compression Compression { get; init; } = Compression.None;

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

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

    /// <summary>What the store is called in messages.</summary>
    public string StoreName => Store ?? Data ?? DataDefault;

    /// <summary>The folder for a cache of the bucket; null for none.</summary>
    public string? CacheFolder => Store is null ? null : Data;

    /// <summary>Checks what no setting can check alone.</summary>
    /// <exception cref="DmtException">InvalidArgument.</exception>
    public void Validate()
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

    /// <summary>The bucket; null for a store in a folder.</summary>
    public BucketSettings? ToBucket() =>
        Store is null ? null : new BucketSettings(Store)
        {
            Endpoint = StoreEndpoint,
            Region = StoreRegion,
            PathStyle = StorePathStyle,
        };
}
