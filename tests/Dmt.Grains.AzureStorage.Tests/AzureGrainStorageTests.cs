using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Storage;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>That configuration chooses the storage; nothing here reaches Azure.</summary>
public sealed class AzureGrainStorageTests
{
    private const string Account = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;EndpointSuffix=b.net";

    [Fact]
    public void Blobs_are_the_default()
    {
        using var host = Build(("ConnectionString", Account));
        Assert.IsType<ServiceBlobGrainStorage>(host.Services.GetRequiredKeyedService<IGrainStorage>("carts"));
        Assert.Equal("grainstate", Options<AzureBlobStorageOptions>(host).ContainerName);
        Assert.Equal("a", Options<AzureBlobStorageOptions>(host).BlobServiceClient?.AccountName);
    }

    [Fact]
    public void Kind_and_container_are_as_configured()
    {
        using var host = Build(("Kind", "table"), ("ConnectionString", Account), ("Container", "Carts"));
        Assert.IsType<AzureTableGrainStorage>(host.Services.GetRequiredKeyedService<IGrainStorage>("carts"));
        Assert.Equal("Carts", Options<AzureTableStorageOptions>(host).TableName);
        Assert.NotNull(Options<AzureTableStorageOptions>(host).TableServiceClient);
    }

    [Fact]
    public void A_missing_connection_string_is_named() => Assert.Contains(
        "CartStorage:ConnectionString",
        Assert.Throws<ArgumentException>(() => Build()).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("blob", "c2VjcmV0")]
    [InlineData("table", "c2VjcmV0")]
    [InlineData("blob", "AccountName=c2VjcmV0;AccountKey=not base64!;EndpointSuffix=b.net")]
    [InlineData("table", "AccountName=c2VjcmV0;AccountKey=not base64!;EndpointSuffix=b.net")]
    public void A_malformed_connection_string_is_named_without_what_stands_in_it(string kind, string connection)
    {
        var error = Assert.Throws<ArgumentException>(() => Build(("Kind", kind), ("ConnectionString", connection)));
        Assert.Contains("CartStorage:ConnectionString is malformed", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_kind_is_named() => Assert.Contains(
        "CartStorage:Kind",
        Assert.Throws<InvalidOperationException>(() => Build(("Kind", "queue"))).Message,
        StringComparison.Ordinal);

    private static T Options<T>(IHost host) => host.Services.GetRequiredService<IOptionsMonitor<T>>().Get("carts");

    private static IHost Build(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection(
            settings.ToDictionary(s => $"CartStorage:{s.Key}", s => (string?)s.Value));
        builder.UseOrleans(silo => silo.UseLocalhostClustering()
            .AddAzureGrainStorage("carts", builder.Configuration.GetSection("CartStorage")));
        return builder.Build();
    }
}
