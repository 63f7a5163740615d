using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Hosting;
using Orleans.Storage;

namespace Dmt.Grains.AzureStorage;

/// <summary>Azure storage for grain state, in place of a DMT store.</summary>
public static class AzureGrainStorageExtensions
{
    /// <summary>
    /// Keeps the state of grains that name this storage in Azure, as <paramref name="section"/> says: <c>Kind</c> (blob
    /// or table), <c>ConnectionString</c>, <c>Container</c>; see <see cref="AzureGrainStorageSettings"/>.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The connection string is missing or malformed; the message names the setting.
    /// </exception>
    /// <exception cref="InvalidOperationException">A setting is malformed; the message names it.</exception>
    public static ISiloBuilder AddAzureGrainStorage(
        this ISiloBuilder builder, string name, IConfigurationSection section)
    {
        var settings = new AzureGrainStorageSettings();
        section.Bind(settings);
        var setting = $"{section.Path}:{nameof(settings.ConnectionString)}";
        if (settings.ConnectionString.Length == 0)
        {
            throw new ArgumentException(
                $"{setting} is empty: expected the connection string of an Azure storage account");
        }

        // Read now, not when the silo starts: whoever called is the one who can say where the string comes from.
        if (settings.Kind == AzureGrainStorageKind.Table)
        {
            var tables = Read(setting, () => new TableServiceClient(
                settings.ConnectionString, WithPatience(new TableClientOptions())));
            return builder.AddAzureTableGrainStorage(name, options =>
            {
                options.TableName = settings.Container;
                options.TableServiceClient = tables;
            });
        }

        var blobs = Read(setting, () => new BlobServiceClient(
            settings.ConnectionString, WithPatience(new BlobClientOptions())));
        return builder.AddBlobs(name, options =>
        {
            options.ContainerName = settings.Container;
            options.BlobServiceClient = blobs;
        });
    }

    /// <summary>As <c>AddAzureBlobGrainStorage</c>, with <see cref="ServiceBlobGrainStorage"/> around it.</summary>
    private static ISiloBuilder AddBlobs(
        this ISiloBuilder builder, string name, Action<AzureBlobStorageOptions> configure) =>
        builder.ConfigureServices(services => services
            .Configure(name, configure)
            .AddTransient<IConfigurationValidator>(provider => new AzureBlobStorageOptionsValidator(
                provider.GetRequiredService<IOptionsMonitor<AzureBlobStorageOptions>>().Get(name), name))
            .AddTransient<
                IPostConfigureOptions<AzureBlobStorageOptions>,
                DefaultStorageProviderSerializerOptionsConfigurator<AzureBlobStorageOptions>>()
            .AddGrainStorage(name, static (provider, name) => new ServiceBlobGrainStorage(
                AzureBlobGrainStorageFactory.Create(provider, name),
                provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId)));

    /// <summary>
    /// Says nothing of what stands in the string, and leaves out what the SDK says: both may be a part of the key.
    /// </summary>
    private static T Read<T>(string setting, Func<T> create)
    {
        try
        {
            return create();
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new ArgumentException(
                $"{setting} is malformed: expected the connection string of an Azure storage account, "
                + "AccountName=…;AccountKey=…;EndpointSuffix=… or the like");
        }
    }

    /// <summary>
    /// The same for blobs and tables. By default an attempt may take 100 s: longer than a grain call, and at the start
    /// of a silo minutes where nobody answers.
    /// </summary>
    private static T WithPatience<T>(T options)
        where T : ClientOptions
    {
        options.Retry.MaxRetries = 3;
        options.Retry.NetworkTimeout = TimeSpan.FromSeconds(10);
        return options;
    }
}
