using System.Security.Cryptography;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Objects;
using Dmt.Hosting.Configuration;
using Dmt.Objects.S3;

namespace Dmt.Hosting.Serving;

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
            await ProbeAsync(objects, cancellationToken);
            return objects;
        }
        catch
        {
            await objects.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Probes the bucket, then clones a checkpoint of the store in it to another prefix, by reference. The store is not
    /// taken over.
    /// </summary>
    /// <param name="settings">The store that has the checkpoint.</param>
    /// <param name="checkpoint">Its name.</param>
    /// <param name="prefix">Where in the bucket the clone begins.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DmtException">As <see cref="TrieStore.CloneAsync"/>.</exception>
    public static async ValueTask<CheckpointInfo> CloneAsync(
        BucketSettings settings, string checkpoint, string prefix, CancellationToken cancellationToken)
    {
        await using var objects = Open(settings);
        await ProbeAsync(objects, cancellationToken);
        return await TrieStore.CloneAsync(objects, checkpoint, prefix, TimeProvider.System, cancellationToken);
    }

    private static Task ProbeAsync(S3ObjectStore objects, CancellationToken cancellationToken) =>
        ObjectStoreProbe.RunAsync(
            objects, RandomNumberGenerator.GetHexString(32, lowercase: true), cancellationToken);

    /// <summary>Without asking it anything.</summary>
    public static S3ObjectStore Open(BucketSettings settings)
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
