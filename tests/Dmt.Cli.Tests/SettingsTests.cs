using Dmt.Cli.Configuration;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Hosting.Configuration;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Tests;

public sealed class SettingsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_any_source_the_documented_defaults_hold()
    {
        var effective = Load("{}");
        Assert.Equal(new ServeSettings(), effective.Settings);
        Assert.All(SettingCatalog.All, setting => Assert.Equal("default", effective.SourceOf(setting)));
    }

    [Fact]
    public void Keyspaces_are_a_list_in_the_file_and_the_same_text_elsewhere()
    {
        const string List = """
            [{"name": "shop", "prefix": "shop/", "separator": "/", "segments": 3},
             {"name": "e", "prefix": "e", "widths": [8, 4]}]
            """;
        var settings = Load($"{{\"keyspaces\": {List}}}").Settings;
        Assert.Equal(
            [
                Dmt.Core.Keys.Keyspace.Separated("shop", "shop/", "/", 3),
                Dmt.Core.Keys.Keyspace.FixedWidths("e", "e"u8, 8, 4),
            ],
            KeyspaceSettings.Parse(settings.Keyspaces));
        Assert.Equal("", Load("{\"keyspaces\": []}").Settings.Keyspaces);
        Assert.True(KeyspaceSettings.TryParse(settings.Keyspaces, out var again));
        Assert.Equal(settings.Keyspaces, again);
    }

    [Theory]
    [InlineData("[{\"name\": \"a\", \"separator\": \"/\", \"segments\": 7}]")]
    [InlineData("[{\"name\": \"a\", \"separator\": \"/\"}]")]
    [InlineData("[{\"separator\": \"/\", \"segments\": 3}]")]
    [InlineData("[{\"name\": \"a\", \"widths\": [0, 1]}]")]
    [InlineData("[{\"name\": \"a\", \"widths\": [1, 1]}, {\"name\": \"b\", \"prefix\": \"x\", \"widths\": [1, 1]}]")]
    [InlineData("[3]")]
    public void Keyspaces_that_cannot_be_are_refused_with_what_is_expected(string list)
    {
        var e = Assert.Throws<DmtException>(() => Load($"{{\"keyspaces\": {list}}}"));
        Assert.Contains("keyspaces from", e.Message, StringComparison.Ordinal);
        Assert.Contains("2 to 6 segments", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_setting_is_read_from_the_file()
    {
        var settings = Load("""
            {
              // Comments and trailing commas are fine.
              "port": 4000, "host": "0.0.0.0", "data": "/srv/dmt", "fsync": "every 50ms", "cache_size": "512MiB",
              "disk_cache_size": "1GiB",
              "memtable_size": "1MiB", "k_factor": 1, "shard_bytes_max": "1GiB", "shard_load_max": 5000,
              "max_range_response": 500, "key_policy": "alphanumeric",
              "value_bytes_max": "1MiB", "body_bytes_max": 2000000,
              "concurrency_max": 10, "compression": "brotli", "log_level": "warning",
              "is_replica": false, "replicas": [],
            }
            """).Settings;
        Assert.Equal(
            new ServeSettings
            {
                Port = 4000,
                Host = "0.0.0.0",
                Data = "/srv/dmt",
                Fsync = Durability.EveryInterval(TimeSpan.FromMilliseconds(50)),
                CacheSize = 512L << 20,
                DiskCacheSize = 1L << 30,
                MemtableSize = 1 << 20,
                KFactor = 1,
                ShardBytesMax = 1 << 30,
                ShardLoadMax = 5000,
                MaxRangeResponse = 500,
                AlphanumericKeys = true,
                ValueBytesMax = 1 << 20,
                BodyBytesMax = 2_000_000,
                ConcurrencyMax = 10,
                Compression = Compression.Brotli,
                LogLevel = LogLevel.Warning,
            },
            settings);
    }

    [Fact]
    public void The_environment_wins_over_the_file_and_a_flag_over_both()
    {
        var effective = LoadFile(
            _folder.File("c.json", """{"port": 1001, "concurrency_max": 11, "max_range_response": 101}"""),
            new Dictionary<string,
                string>
            { ["DMT__PORT"] = "1002", ["dmt__concurrency_max"] = "12", ["DMT_URL"] = "http://x" },
            [new("port", "1003")]);
        Assert.Equal((1003, 12, 101), (
            effective.Settings.Port, effective.Settings.ConcurrencyMax, effective.Settings.MaxRangeResponse));
        Assert.Equal("the flag --port", effective.Sources["port"]);
        Assert.Equal("the environment (dmt__concurrency_max)", effective.Sources["concurrency_max"]);
        Assert.EndsWith("c.json", effective.Sources["max_range_response"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("port", "-1", "a whole number from 0 to 65535")]
    [InlineData("port", "65536", "a whole number from 0 to 65535")]
    [InlineData("port", "3.5", "a whole number from 0 to 65535")]
    [InlineData("host", "example.org", "localhost, an IP address, or * for all of this machine")]
    [InlineData("host", "12", "localhost, an IP address, or * for all of this machine")]
    [InlineData("data", " ", "the path of a folder")]
    [InlineData("fsync", "sometimes", "default, strict, every N operations, every Nms or every Ns")]
    [InlineData("fsync", "every 0 operations", "default, strict, every N operations, every Nms or every Ns")]
    [InlineData("cache_size", "7MiB", "8 MiB to 1 TiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData("cache_size", "lots", "8 MiB to 1 TiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData("memtable_size", "63KiB",
        "auto, or 64 KiB to 1 GiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData("memtable_size", "2GiB",
        "auto, or 64 KiB to 1 GiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData("k_factor", "3", "a whole number from 0 to 2")]
    [InlineData("shard_bytes_max", "63KiB",
        "off, or 64 KiB to 1 TiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData("shard_load_max", "999", "off, or a whole number from 1000 to 1000000000")]
    [InlineData("max_range_response", "0", "a whole number from 1 to 100000")]
    [InlineData("key_policy", "none", "any or alphanumeric")]
    [InlineData(
        "value_bytes_max", "65MiB", "1 B to 64 MiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData(
        "body_bytes_max", "1023", "1 KiB to 1 GiB (bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB)")]
    [InlineData("concurrency_max", "100001", "a whole number from 1 to 100000")]
    [InlineData("compression", "zip", "none or brotli")]
    [InlineData("is_replica", "perhaps", "true or false")]
    [InlineData("replicas", "reader", "a list of host:port, at most 16")]
    [InlineData("replication_port", "-1", "a whole number from 0 to 65535")]
    [InlineData("replica_acks", "17", "a whole number from 0 to 16")]
    [InlineData("replica_poll", "10ms", "100ms to 1d (a number with ms, s, m, h or d)")]
    [InlineData("url", "here", "a URL with http:// or https://, or that it is left out")]
    [InlineData("log_level", "loud", "trace, debug, information, warning, error or none")]
    public void A_value_out_of_range_names_setting_source_value_and_what_is_allowed(
        string name, string value, string allowed)
    {
        var variable = SettingsLoader.EnvironmentPrefix + name.ToUpperInvariant();
        var flag = "--" + name.Replace('_', '-');
        AssertRefused($"{name} from the flag {flag} is \"{value}\": expected {allowed}", () =>
            Load("{}", flags: [new(name, value)]));
        AssertRefused(
            $"{name} from the environment ({variable}) is \"{value}\": expected {allowed}",
            () => Load("{}", environment: new() { [variable] = value }));
        var file = _folder.File("bad.json", $$"""{"{{name}}": "{{value}}"}""");
        AssertRefused(
            $"{name} from {file} is \"{value}\": expected {allowed}", () => LoadFile(file, NoVariables, []));
    }

    [Fact]
    public void A_bad_value_is_refused_even_where_a_later_source_would_win() =>
        Assert.Throws<DmtException>(() => Load("""{"port": 0.5}""", flags: [new("port", "3030")]));

    [Fact]
    public void Roles_are_read_from_a_list_or_from_text()
    {
        var settings = Load(
            """{"replicas": ["a:3040", "10.0.0.7:1"], "replica_acks": 2, "replica_poll": "1m"}""").Settings;
        Assert.Equal(["a:3040", "10.0.0.7:1"], settings.ReplicaList);
        Assert.Equal((2, TimeSpan.FromMinutes(1), 3040, false, true), (
            settings.ReplicaAcks, settings.ReplicaPoll, settings.ReplicationPort, settings.IsReplica,
            settings.HasRole));
        settings = Load("{}", flags: [new("replicas", "a:1, b:2"), new("is_replica", "true")]).Settings;
        Assert.Equal(["a:1", "b:2"], settings.ReplicaList);
        Assert.True(settings.IsReplica);
    }

    [Fact]
    public void Roles_that_cannot_go_together_are_refused()
    {
        AssertRefused(
            "replica_acks is 2: expected 0 to 1, the number of replicas",
            () => Load("{\"replicas\": [\"a:3040\"], \"replica_acks\": 2}"));
        AssertRefused(
            "replication_port is 3030: expected another port than port, which is the same",
            () => Load("{\"is_replica\": true, \"replication_port\": 3030}"));
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("[\"a\"]")]
    [InlineData("[\"http://a:1\"]")]
    [InlineData("[\"a:1\", \"a:1\"]")]
    [InlineData("[\"a:0\"]")]
    [InlineData("[\"a:1/b\"]")]
    public void A_list_of_replicas_that_is_none_is_refused(string list) => Assert.Contains(
        "expected a list of host:port, at most 16",
        AssertRefused(null, () => Load($$"""{"replicas": {{list}}}""")),
        StringComparison.Ordinal);

    [Fact]
    public void An_unknown_name_gets_the_near_one_and_all_others()
    {
        var message = AssertRefused(null, () => Load("""{"max_range_reponse": 5}"""));
        Assert.Contains("unknown setting max_range_reponse in ", message, StringComparison.Ordinal);
        Assert.Contains("(did you mean max_range_response?)", message, StringComparison.Ordinal);
        Assert.Contains("the settings are port, host, data, store, store_endpoint", message, StringComparison.Ordinal);

        message = AssertRefused(null, () => Load("{}", environment: new() { ["DMT__PROT"] = "1" }));
        Assert.Contains("unknown setting prot in the environment (DMT__PROT) (did you mean port?)", message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"port": 1, "port": 2}""", "port stands twice in ")]
    [InlineData("[1]", " holds no JSON object")]
    [InlineData("{\"port\": 1,\n nonsense}", " is not valid JSON at line 2, byte ")]
    [InlineData("", " is not valid JSON at line 1, byte ")]
    [InlineData("""{"port": null}""", "is \"null\": expected a whole number")]
    [InlineData("{\"data\": {\"a\":\n1}}", "is \"{\"a\": 1}\": expected the path of a folder")]
    [InlineData("""{"data": null}""", "is \"null\": expected the path of a folder")]
    [InlineData("""{"host": ["localhost"]}""", "is \"[\"localhost\"]\": expected localhost")]
    public void A_malformed_file_gets_one_line_that_says_where(string content, string expected) =>
        Assert.Contains(expected, AssertRefused(null, () => Load(content)), StringComparison.Ordinal);

    [Fact]
    public void A_folder_beside_a_bucket_is_its_cache()
    {
        var settings = Load("""{"store": "s3://bucket/p", "data": "cache", "disk_cache_size": "2GiB"}""").Settings;
        Assert.Equal(("s3://bucket/p", "cache", 2L << 30),
            (settings.ToBucket()!.Location, settings.CacheFolder, settings.DiskCacheSize));
        Assert.Null(Load("""{"store": "s3://bucket/p"}""").Settings.CacheFolder);
        Assert.Null(Load("""{"data": "folder"}""").Settings.CacheFolder);
    }

    [Fact]
    public void A_named_file_must_be_there() => Assert.Contains(
        "cannot read the configuration ",
        AssertRefused(null, () => LoadFile(_folder.Combine("missing.json"), NoVariables, [])),
        StringComparison.Ordinal);

    [Fact]
    public void What_a_setting_shows_is_what_it_takes()
    {
        var settings = new ServeSettings
        {
            Fsync = Durability.EveryOperations(
            7),
            Compression = Compression.Brotli,
            AlphanumericKeys = true,
            MemtableSize = 100_000,
            Data = ServerSettings.DataDefault,
        };
        foreach (var setting in SettingCatalog.All)
        {
            Assert.Equal(settings, setting.Apply(settings, setting.Show(settings)));
        }
    }

    private static Dictionary<string, string> NoVariables => [];

    private EffectiveSettings<ServeSettings> Load(
        string file, Dictionary<string, string>? environment =
            null, IEnumerable<KeyValuePair<string, string>>? flags = null) =>
        LoadFile(_folder.File("config.json", file), environment ?? NoVariables, flags ?? []);

    private static EffectiveSettings<ServeSettings> LoadFile(
        string file, Dictionary<string, string> environment, IEnumerable<KeyValuePair<string, string>> flags) =>
        SettingsLoader.Load(SettingCatalog.All, new ServeSettings(), file, environment, flags);

    private static string AssertRefused(string? expected, Action load)
    {
        var e = Assert.Throws<DmtException>(load);
        Assert.Equal(DmtErrorKind.InvalidArgument, e.Kind);
        Assert.DoesNotContain('\n', e.Message);
        if (expected is not null)
        {
            Assert.Equal(expected, e.Message);
        }

        return e.Message;
    }
}
