using System.Globalization;
using System.Net;
using Dmt.Core.Sharding;
using Dmt.Engine;
using Dmt.Hosting.Configuration;
using static Dmt.Hosting.Configuration.SettingForms<Dmt.Silo.Configuration.SiloSettings>;

namespace Dmt.Silo.Configuration;

/// <summary>Every setting of <c>dmt-silo</c>: what all servers have, and the cluster's.</summary>
internal static class SiloSettingCatalog
{
    private const int NameCharsMax = 100;
    private const string Auto = "auto";

    /// <param name="storages">What the program offers for the state of grains.</param>
    public static IReadOnlyList<Setting<SiloSettings>> All(IReadOnlyList<GrainStorageChoice> storages) =>
        [.. ServerSettingCatalog.All<SiloSettings>(), .. Members(), .. Shards(storages), .. Operation()];

    private static Setting<SiloSettings>[] Members() =>
    [
        Name("cluster_id", "the cluster's name: silos that share it find each other",
            (s, text) => s with { ClusterId = text }, s => s.ClusterId),
        Name("service_id", "the service's name, in the keys of grain state; keep it for good",
            (s, text) => s with { ServiceId = text }, s => s.ServiceId),
        Name("name", "this node's name, the same after a restart: shards are placed by it",
            (s, text) => s with { Name = text }, s => s.Name),
        Choice("clustering", "where silos find each other: localhost for a single one, store for in the bucket",
            [("localhost", Clustering.Localhost), ("store", Clustering.Store)],
            (s, value) => s with { Clustering = value }, s => s.Clustering),
        Number("silo_port", "TCP port that other silos connect to", 1, 65535,
            (s, n) => s with { SiloPort = (int)n }, s => s.SiloPort),
        Number("gateway_port", "TCP port that Orleans clients connect to; 0 for none", 0, 65535,
            (s, n) => s with { GatewayPort = (int)n }, s => s.GatewayPort),
        new(
            "advertised_address",
            "address at which other silos reach this one",
            $"{Auto}, or an IP address of this machine",
            ApplyAddress,
            s => s.AdvertisedAddress?.ToString() ?? Auto),
        Time("probe_timeout", "silos probe each other this often, and wait so long for the answer", "100ms", "1m",
            (s, time) => s with { ProbeTimeout = time }, s => s.ProbeTimeout),
        Number("probes_missed_max", "missed probes after which a silo is suspected of being dead", 1, 100,
            (s, n) => s with { ProbesMissedMax = (int)n }, s => s.ProbesMissedMax),
    ];

    private static Setting<SiloSettings>[] Shards(IReadOnlyList<GrainStorageChoice> storages) =>
    [
        SizeOr("shard_bytes_max", "data at which a shard is cut into several; off: by command only", "off",
            EngineOptions.ShardBytesMaxLeast, EngineOptions.ShardBytesMaxMost,
            (s, n) => s with { ShardBytesMax = n }, s => s.ShardBytesMax),
        NumberOr("shard_load_max", "operations a second at which a shard is cut; what has cooled down goes back", "off",
            EngineOptions.ShardLoadMaxLeast, EngineOptions.ShardLoadMaxMost,
            (s, n) => s with { ShardLoadMax = n }, s => s.ShardLoadMax),
        Number("shard_replicas", "warm replicas of each shard on other silos", 0, Placement.CopiesMax - 1,
            (s, n) => s with { ShardReplicas = (int)n }, s => s.ShardReplicas),
        storages.Count > 1
            ? Choice("grain_storage", "where the state of grains lies",
                [.. storages.Select(static storage => (storage.Name, storage.Name))],
                (s, name) => s with { GrainStorage = name }, s => s.GrainStorage)
            : new(
                "grain_storage",
                "where the state of grains lies",
                $"{storages[0].Name} (dmt-silo-azure has others)",
                (s, text) => text == storages[0].Name ? s : null,
                s => s.GrainStorage),
    ];

    private static Setting<SiloSettings>[] Operation() =>
    [
        Time("stop_timeout", "how long a stop may take to hand the shards over", "1s", "10m",
            (s, time) => s with { StopTimeout = time }, s => s.StopTimeout),
        Url("otlp_endpoint", "where metrics and traces go, with OTLP over gRPC",
            "a URL with http:// or https://, or that it is left out",
            (s, url) => s with { OtlpEndpoint = url }, s => s.OtlpEndpoint),
    ];

    private static Setting<SiloSettings> Name(
        string name, string help, Func<SiloSettings, string, SiloSettings> apply, Func<SiloSettings, string> value) =>
        new(
            name,
            help,
            string.Create(
                CultureInfo.InvariantCulture, $"1 to {NameCharsMax} letters, digits, dots, dashes and underscores"),
            (s, text) => text.Length is > 0 and <= NameCharsMax
                && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
                ? apply(s, text)
                : null,
            value);

    private static SiloSettings? ApplyAddress(SiloSettings settings, string text) =>
        text == Auto ? settings with { AdvertisedAddress = null }
            : text.AsSpan().ContainsAny('.', ':') && IPAddress.TryParse(text, out var address)
                && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
            ? settings with { AdvertisedAddress = address }
            : null;
}
