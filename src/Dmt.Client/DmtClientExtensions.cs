using Dmt.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Dmt.Client;

/// <summary>Adds the client of a DMT cluster.</summary>
public static class DmtClientExtensions
{
    /// <summary>
    /// Registers <see cref="DmtClient"/>, also as <see cref="ITrieStore"/> and <see cref="IShardAdministration"/>, over
    /// the Orleans client of the container: that of an Orleans client host, or of a silo.
    /// </summary>
    public static IServiceCollection AddDmtClient(
        this IServiceCollection services, Action<DmtClientOptions>? configure = null)
    {
        services.Configure(configure ?? (static _ => { }));
        services.TryAddSingleton(static provider => new DmtClient(
            provider.GetRequiredService<IGrainFactory>(),
            provider.GetRequiredService<IOptions<DmtClientOptions>>().Value,
            TimeProvider.System));
        services.TryAddSingleton<ITrieStore>(static provider => provider.GetRequiredService<DmtClient>());
        services.TryAddSingleton<IShardAdministration>(static provider => provider.GetRequiredService<DmtClient>());
        return services;
    }
}
