namespace Dmt.Cli.Configuration;

/// <summary>A store in a bucket, and how to reach it. What is null, the AWS SDK finds.</summary>
/// <param name="Location"><c>s3://bucket/prefix</c>.</param>
internal sealed record BucketSettings(string Location)
{
    public const long DiskCacheDefault = 4L << 30;

    /// <summary>URL of the server.</summary>
    public Uri? Endpoint { get; init; }

    public string? Region { get; init; }

    /// <summary>The bucket in the URL's path rather than in its host name.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>The folder that caches parts of tables; null for none.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Most bytes that the folder takes.</summary>
    public long DiskCacheSize { get; init; } = DiskCacheDefault;
}
