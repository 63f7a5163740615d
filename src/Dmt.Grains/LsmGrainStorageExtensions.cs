using Dmt.Core;
using Dmt.Grains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Dmt.Grains;

/// <summary>Grain state in a DMT store.</summary>
public static class LsmGrainStorageExtensions
{
    /// <summary>
    /// Keeps the state of grains that name this storage in the <see cref="ITrieStore"/> that is registered with the key
    /// <paramref name="name"/>, or else without a key.
    /// </summary>
    public static ISiloBuilder AddLsmGrainStorage(
        this ISiloBuilder builder, string name, Action<LsmGrainStorageOptions>? configure = null) =>
        builder.ConfigureServices(services => services
            .Configure(name, configure ?? (static _ => { }))
            .AddTransient<
                IPostConfigureOptions<LsmGrainStorageOptions>,
                DefaultStorageProviderSerializerOptionsConfigurator<LsmGrainStorageOptions>>()
            .AddGrainStorage(name, Create));

    /// <summary>Keeps the state of grains that name no storage in a DMT store.</summary>
    public static ISiloBuilder AddLsmGrainStorageAsDefault(
        this ISiloBuilder builder, Action<LsmGrainStorageOptions>? configure = null) =>
        builder.AddLsmGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, configure);

    private static LsmGrainStorage Create(IServiceProvider services, string name) => new(
        name,
        services.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId,
        services.GetRequiredService<IOptionsMonitor<LsmGrainStorageOptions>>().Get(name),
        services.GetKeyedService<ITrieStore>(name) ?? services.GetRequiredService<ITrieStore>(),
        services.GetRequiredService<IActivatorProvider>());
}
