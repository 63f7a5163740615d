using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Storage;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>
/// A silo that has a storage of each kind, configured as any application has it, and called <c>blob</c> and
/// <c>table</c>.
/// </summary>
public sealed class GrainStateSilo(Azurite azurite) : IAsyncLifetime
{
    private IHost _host = null!;

    /// <summary>The container and the table; a table's name begins with a letter.</summary>
    public string Container { get; } = $"c{Guid.NewGuid():N}";

    public IGrainStorage Storage(string kind) => _host.Services.GetRequiredKeyedService<IGrainStorage>(kind);

    public async Task InitializeAsync() => _host = await StartAsync("shop");

    public async Task DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    /// <summary>Another one of its kind, over the same container and table.</summary>
    public async Task<IHost> StartAsync(string serviceId)
    {
        var ports = FreePorts.Take(2);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(ports[0], ports[1], null, serviceId, "test");
            foreach (var kind in new[] { "blob", "table" })
            {
                builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
                {
                    [$"{kind}:Kind"] = kind,
                    [$"{kind}:ConnectionString"] = azurite.ConnectionString,
                    [$"{kind}:Container"] = Container,
                });
                silo.AddAzureGrainStorage(kind, builder.Configuration.GetSection(kind));
            }
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
