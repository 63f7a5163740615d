using System.Text.RegularExpressions;
using Dmt.Hosting.Configuration;
using Dmt.Silo.Configuration;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Dmt.Silo.Tests;

/// <summary>The files for containers, as far as they can be checked without an engine for containers.</summary>
public sealed partial class ContainerTests
{
    [Theory]
    [InlineData("docker-compose.yml", "minio", "bucket", "azurite", "silo-1", "silo-2", "silo-3", "proxy")]
    [InlineData("docker-compose.replica.yml", "minio", "bucket", "main", "replica")]
    public void A_compose_file_has_its_services_and_every_image_is_pinned(string file, params string[] services)
    {
        var compose = Compose(file);
        Assert.Equal(services, compose.Keys);
        foreach (var (name, service) in compose)
        {
            var isBuilt = service.ContainsKey("build");
            Assert.True(
                isBuilt || PinnedImage().IsMatch((string)service["image"]),
                $"{file}: {name} has the image {service["image"]}, whose tag names no version");
            if (isBuilt)
            {
                var target = (string)Map(service["build"])["target"];
                Assert.Matches($@"(?m)^FROM \S+ AS {target}$", Checkout.Read("Dockerfile"));
            }

            string[] needed = service.TryGetValue("depends_on", out var others) ? [.. Map(others).Keys] : [];
            Assert.All(needed, other => Assert.Contains(other, services));
        }
    }

    [Fact]
    public void The_silos_of_the_compose_file_start_with_settings_that_are_allowed_and_form_one_cluster()
    {
        GrainStorageChoice[] storages = [GrainStorageChoice.Dmt, new("azure-blob", static (_, _, _) => { })];
        var silos = Compose("docker-compose.yml").Where(static s => s.Key.StartsWith("silo", StringComparison.Ordinal))
            .Select(service =>
            {
                var environment = Map(service.Value["environment"])
                    .ToDictionary(static e => e.Key, static e => (string)e.Value);
                var settings = SettingsLoader.Load(
                    SiloSettingCatalog.All(storages), new SiloSettings(), null, environment, []).Settings;
                Assert.DoesNotContain(' ', environment["AZURE_STORAGE_CONNECTION_STRING"]);
                return settings with { Name = (string)service.Value["hostname"] };
            }).ToList();
        Assert.Equal(["silo-1", "silo-2", "silo-3"], silos.Select(static silo => silo.Name));
        Assert.All(silos, silo => Assert.Equal(silos[0] with { Name = silo.Name }, silo));
        Assert.Equal(Clustering.Store, silos[0].Clustering);
    }

    [Fact]
    public void The_proxy_knows_every_silo_of_the_compose_file()
    {
        var proxy = Compose("docker-compose.yml")["proxy"];
        var mounted = ((List<object>)proxy["volumes"]).Cast<string>().Single().Split(':')[0];
        var servers = Regex.Matches(Checkout.Read(mounted), @"server (silo-\d):3030 ")
            .Select(static match => match.Groups[1].Value);
        Assert.Equal(["silo-1", "silo-2", "silo-3"], servers);
    }

    [Fact]
    public void Every_image_of_the_Dockerfile_is_pinned_and_what_runs_is_not_root()
    {
        var lines = Checkout.Read("Dockerfile").Split('\n');
        var stages = lines.Select(static line => Stage().Match(line)).Where(static match => match.Success).ToList();
        var names = stages.Select(static match => match.Groups["name"].Value).ToHashSet();
        Assert.All(
            stages.Select(static match => match.Groups["image"].Value).Where(image => !names.Contains(image)),
            static image => Assert.Matches(@":\d+\.\d+\.\d+", image));
        Assert.Contains("USER $APP_UID", lines);
        Assert.Contains(lines, static line => line.StartsWith("HEALTHCHECK ", StringComparison.Ordinal));
    }

    private static Dictionary<string, Dictionary<string, object>> Compose(string file)
    {
        var parser = new MergingParser(new YamlDotNet.Core.Parser(new StringReader(Checkout.Read(file))));
        var all = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(parser);
        return Map(all["services"]).ToDictionary(static s => s.Key, static s => Map(s.Value));
    }

    private static Dictionary<string, object> Map(object value) =>
        ((Dictionary<object, object>)value).ToDictionary(static e => (string)e.Key, static e => e.Value);

    [GeneratedRegex(@"^\S+:(RELEASE\.)?\d+[-.]\d+\S*$")]
    private static partial Regex PinnedImage();

    [GeneratedRegex(@"^FROM (?<image>\S+) AS (?<name>\S+)$")]
    private static partial Regex Stage();
}
