using Dmt.Core;
using Dmt.Grains;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Storage;

[assembly: RegisterProvider("Dmt", "GrainStorage", "Silo", typeof(LsmGrainStorageProvider))]

namespace Dmt.Grains;

/// <summary>
/// Grain storage by configuration, as other providers have it: <c>Orleans:GrainStorage:{name}:ProviderType</c> is
/// <c>Dmt</c>; <c>DeleteStateOnClear</c>, <c>Durability</c> and <c>SerializerKey</c> may stand beside it.
/// </summary>
internal sealed class LsmGrainStorageProvider : IProviderBuilder<ISiloBuilder>
{
    public void Configure(ISiloBuilder builder, string? name, IConfigurationSection configurationSection)
    {
        var delete = configurationSection.GetValue<bool?>(nameof(LsmGrainStorageOptions.DeleteStateOnClear));
        var durability = configurationSection[nameof(LsmGrainStorageOptions.Durability)] is { } text
            ? Durability.Parse(text)
            : (Durability?)null;
        builder.AddLsmGrainStorage(name ?? ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, options =>
        {
            options.DeleteStateOnClear = delete ?? options.DeleteStateOnClear;
            options.Durability = durability;
        });
        if (configurationSection["SerializerKey"] is { Length: > 0 } key)
        {
            builder.Services.AddOptions<LsmGrainStorageOptions>(name).Configure<IServiceProvider>(
                (options, services) =>
                    options.GrainStorageSerializer = services.GetRequiredKeyedService<IGrainStorageSerializer>(key));
        }
    }
}
