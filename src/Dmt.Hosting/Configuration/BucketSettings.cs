namespace Dmt.Hosting.Configuration;

/// <summary>A store in a bucket, and how to reach it. What is null, the AWS SDK finds.</summary>
/// <param name="Location"><c>s3://bucket/prefix</c>.</param>
internal sealed record BucketSettings(string Location)
{
    /// <summary>URL of the server.</summary>
    public Uri? Endpoint { get; init; }

    public string? Region { get; init; }

    /// <summary>The bucket in the URL's path rather than in its host name.</summary>
    public bool? PathStyle { get; init; }
}
