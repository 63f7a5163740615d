using System.Security.Cryptography;
using Dmt.Cli.Configuration;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Objects;
using Dmt.Objects.S3;

namespace Dmt.Cli.Serving;

/// <summary>Opens a store in a bucket.</summary>
internal static class BucketOpening
{
    /// <summary>Probes the bucket, then takes the store in it over.</summary>
    /// <exception cref="DmtException">
    /// InvalidArgument for a setting; Unavailable where the bucket is out of reach or breaks a promise that DMT needs;
    /// Fenced when another process takes the store over meanwhile; Corruption.
    /// </exception>
    public static async ValueTask<ITrieStore> OpenAsync(
        BucketSettings settings, EngineOptions options, CancellationToken cancellationToken)
    {
        var objects = await OpenObjectsAsync(settings, cancellationToken);
        return await TrieStore.OpenAsync(objects, options, TimeProvider.System, cancellationToken);
    }

    /// <summary>Probes the bucket.</summary>
    /// <exception cref="DmtException">As <see cref="OpenAsync"/>.</exception>
    public static async ValueTask<IObjectStore> OpenObjectsAsync(
        BucketSettings settings, CancellationToken cancellationToken)
    {
        var objects = Open(settings);
        try
        {
            var probe = RandomNumberGenerator.GetHexString(32, lowercase: true);
            await ObjectStoreProbe.RunAsync(objects, probe, cancellationToken);
            return objects;
        }
        catch
        {
            await objects.DisposeAsync();
            throw;
        }
    }

    /// <summary>Without asking it anything.</summary>
    public static IObjectStore Open(BucketSettings settings)
    {
        var s3 = new S3ObjectStoreOptions
        {
            Location = S3Location.Parse(settings.Location),
            Endpoint = settings.Endpoint,
            Region = settings.Region,
            ForcePathStyle = settings.PathStyle,
        };
        var random = new Random(RandomNumberGenerator.GetInt32(int.MaxValue));
        return new S3ObjectStore(s3, TimeProvider.System, random);
    }
}
