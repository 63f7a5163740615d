using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;

namespace Dmt.Grains.AzureStorage;

/// <summary>Azure storage for grain state, in place of a DMT store.</summary>
public static class AzureGrainStorageExtensions
{
    /// <summary>
    /// Keeps the state of grains that name this storage in Azure, as <paramref name="section"/> says: <c>Kind</c> (blob
    /// or table), <c>ConnectionString</c>, <c>Container</c>; see <see cref="AzureGrainStorageSettings"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The connection string is missing; the message names the setting.</exception>
    /// <exception cref="InvalidOperationException">A setting is malformed; the message names it.</exception>
    public static ISiloBuilder AddAzureGrainStorage(
        this ISiloBuilder builder, string name, IConfigurationSection section)
    {
        var settings = new AzureGrainStorageSettings();
        section.Bind(settings);
        if (settings.ConnectionString.Length == 0)
        {
            throw new ArgumentException(
                $"{section.Path}:{nameof(settings.ConnectionString)} is empty: expected the connection string of an "
                + "Azure storage account");
        }

        return settings.Kind == AzureGrainStorageKind.Blob
            ? builder.AddAzureBlobGrainStorage(name, options =>
            {
                options.ContainerName = settings.Container;
                options.BlobServiceClient = new BlobServiceClient(settings.ConnectionString);
            })
            : builder.AddAzureTableGrainStorage(name, options =>
            {
                options.TableName = settings.Container;
                options.TableServiceClient = new TableServiceClient(settings.ConnectionString);
            });
    }
}
