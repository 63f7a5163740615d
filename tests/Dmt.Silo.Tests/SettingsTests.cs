using System.Net;
using Dmt.Core;
using Dmt.Hosting.Configuration;
using Dmt.Silo.Configuration;

namespace Dmt.Silo.Tests;

public sealed class SettingsTests
{
    private static readonly IReadOnlyList<Setting<SiloSettings>> Catalog =
        SiloSettingCatalog.All([GrainStorageChoice.Dmt]);

    [Fact]
    public void Flags_win_over_the_environment()
    {
        var settings = Load(
            new() { ["DMT__STORE"] = "s3://bucket/p", ["DMT__CLUSTERING"] = "store", ["DMT__SILO_PORT"] = "11112" },
            ("silo_port", "11113"), ("name", "node-1"), ("advertised_address", "10.0.0.7"),
            ("probe_timeout", "1s"), ("probes_missed_max", "2"), ("shard_bytes_max", "1GiB"), ("fsync", "strict"),
            ("otlp_endpoint", "http://collector:4317"), ("stop_timeout", "1m"), ("shard_replicas", "1"));
        Assert.Equal(
            new SiloSettings
            {
                Store = "s3://bucket/p",
                Clustering = Clustering.Store,
                SiloPort = 11113,
                Name = "node-1",
                AdvertisedAddress = IPAddress.Parse("10.0.0.7"),
                ProbeTimeout = TimeSpan.FromSeconds(1),
                ProbesMissedMax = 2,
                ShardBytesMax = 1L << 30,
                Fsync = Durability.Strict,
                OtlpEndpoint = new Uri("http://collector:4317"),
                StopTimeout = TimeSpan.FromMinutes(1),
                ShardReplicas = 1,
            },
            settings);
    }

    [Theory]
    [InlineData("port", "65536", "a whole number from 0 to 65535")]
    [InlineData("silo_port", "0", "a whole number from 1 to 65535")]
    [InlineData("gateway_port", "-1", "a whole number from 0 to 65535")]
    [InlineData("clustering", "azure", "localhost or store")]
    [InlineData("cluster_id", "a b", "1 to 100 letters, digits, dots, dashes and underscores")]
    [InlineData("service_id", "", "1 to 100 letters, digits, dots, dashes and underscores")]
    [InlineData("name", "a/b", "1 to 100 letters, digits, dots, dashes and underscores")]
    [InlineData("advertised_address", "silo-1", "auto, or an IP address of this machine")]
    [InlineData("advertised_address", "0.0.0.0", "auto, or an IP address of this machine")]
    [InlineData("probe_timeout", "99ms", "100ms to 1m (a number with ms, s, m, h or d)")]
    [InlineData("probes_missed_max", "0", "a whole number from 1 to 100")]
    [InlineData("shard_bytes_max", "1KiB",
        "off, or 64 KiB to 1 TiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData("shard_replicas", "16", "a whole number from 0 to 15")]
    [InlineData("grain_storage", "azure-blob", "dmt (dmt-silo-azure has others)")]
    [InlineData("stop_timeout", "11m", "1s to 10m (a number with ms, s, m, h or d)")]
    [InlineData("otlp_endpoint", "collector", "a URL with http:// or https://, or that it is left out")]
    [InlineData("fsync", "never", "default, strict, every N operations, every Nms or every Ns")]
    public void A_value_out_of_range_names_setting_source_value_and_what_is_allowed(
        string name, string value, string allowed)
    {
        var flag = "--" + name.Replace('_', '-');
        Assert.Equal(
            $"{name} from the flag {flag} is \"{value}\": expected {allowed}",
            Assert.Throws<DmtException>(() => Load([], (name, value))).Message);
        var variable = "DMT__" + name.ToUpperInvariant();
        Assert.Equal(
            $"{name} from the environment ({variable}) is \"{value}\": expected {allowed}",
            Assert.Throws<DmtException>(() => Load(new() { [variable] = value })).Message);
    }

    [Fact]
    public void Membership_in_the_store_needs_a_bucket() => Assert.Equal(
        "clustering is store, and store is not set: expected s3://bucket/prefix, or clustering localhost",
        Assert.Throws<DmtException>(() => Load([], ("clustering", "store"))).Message);

    [Theory]
    [InlineData("3030", "3030", "30000")]
    [InlineData("3030", "11111", "11111")]
    [InlineData("30000", "11111", "30000")]
    public void Ports_that_are_the_same_are_refused(string port, string silo, string gateway) => Assert.Equal(
        $"port is {port}, silo_port {silo}, gateway_port {gateway}: expected three different ones",
        Assert.Throws<DmtException>(
            () => Load([], ("port", port), ("silo_port", silo), ("gateway_port", gateway))).Message);

    [Fact]
    public void A_setting_of_a_single_server_is_unknown_here() => Assert.StartsWith(
        "unknown setting replicas in the environment (DMT__REPLICAS)",
        Assert.Throws<DmtException>(() => Load(new() { ["DMT__REPLICAS"] = "a:1" })).Message,
        StringComparison.Ordinal);

    [Fact]
    public void What_a_setting_shows_is_what_it_takes()
    {
        var settings = Load(
            [], ("store", "s3://bucket/p"), ("data", "cache"), ("clustering", "store"), ("shard_bytes_max", "off"),
            ("advertised_address", "::1"), ("otlp_endpoint", "http://a:1"), ("gateway_port", "0"));
        Assert.All(Catalog, setting => Assert.Equal(settings, setting.Apply(settings, setting.Show(settings))));
    }

    private static SiloSettings Load(
        Dictionary<string, string> environment, params (string Name, string Value)[] flags) =>
        SettingsLoader.Load(
            Catalog, new SiloSettings(), null, environment,
            flags.Select(static flag => KeyValuePair.Create(flag.Name, flag.Value))).Settings;
}
