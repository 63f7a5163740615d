using Dmt.Core;

namespace Dmt.Objects.S3;

/// <summary>The settings of a store in a bucket. Immutable; checked when the store opens.</summary>
public sealed record S3ObjectStoreOptions
{
    /// <summary>Smallest part of an upload that S3 takes, in bytes.</summary>
    public const int PartBytesMin = 5 << 20;

    /// <summary>The bucket and the prefix that all object names are relative to.</summary>
    public required S3Location Location { get; init; }

    /// <summary>
    /// URL of a server other than Amazon's, <c>http://</c> or <c>https://</c>. Null for what the SDK finds
    /// (<c>AWS_ENDPOINT_URL_S3</c>, the profile), which is Amazon S3 where nothing says otherwise.
    /// </summary>
    public Uri? Endpoint { get; init; }

    /// <summary>
    /// The bucket's region. Null for what the SDK finds (<c>AWS_REGION</c>, the profile, the machine); where it finds
    /// none and there is an endpoint, from here or from what the SDK finds, us-east-1.
    /// </summary>
    public string? Region { get; init; }

    /// <summary>
    /// The bucket in the URL's path rather than in its host name. Null: true with an endpoint, from here or from what
    /// the SDK finds, as MinIO needs it; false without.
    /// </summary>
    public bool? ForcePathStyle { get; init; }

    /// <summary>
    /// An access key; null for the SDK's chain of credentials (environment, profile, role of the machine).
    /// </summary>
    public S3AccessKey? AccessKey { get; init; }

    /// <summary>
    /// Longest time for one attempt at a request, each mebibyte that it carries allowing a second more. 10 ms to 10
    /// min; 10 s by default.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a failed request is made again. 0 to 100; 8 by default, which takes 5 s on average.</summary>
    public int RetriesMax { get; init; } = 8;

    /// <summary>
    /// Longest pause before the first retry; it doubles with each further one. 1 ms to 1 min; 50 ms by default.
    /// </summary>
    public TimeSpan RetryDelayFirst { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest pause before any retry. From the first one's to 10 min; 5 s by default.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Requests in flight at most; further ones wait. 1 to 1,024; 64 by default.</summary>
    public int InFlightMax { get; init; } = 64;

    /// <summary>
    /// A read is made a second time when its answer takes longer than this share of reads took. 0 (never) to 0.999;
    /// 0.95 by default.
    /// </summary>
    public double HedgeQuantile { get; init; } = 0.95;

    /// <summary>A read waits at least this long for its second request. 0 to 1 min; 5 ms by default.</summary>
    public TimeSpan HedgeDelayMin { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// A read waits at most this long for its second request, and as long where too few reads were measured. From the
    /// least to 10 min; 1 s by default.
    /// </summary>
    public TimeSpan HedgeDelayMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Share of reads that may be made twice. 0 to 1; 0.05 by default.</summary>
    public double HedgeShareMax { get; init; } = 0.05;

    /// <summary>
    /// Objects written piece by piece go up in parts of this many bytes; what has no more goes up in one. 5 MiB to 1
    /// GiB; 8 MiB by default.
    /// </summary>
    public int MultipartBytes { get; init; } = 8 << 20;

    /// <summary>Parts of one object in flight at most, each holding its memory. 1 to 64; 4 by default.</summary>
    public int PartsInFlightMax { get; init; } = 4;

    /// <exception cref="DmtException">
    /// InvalidArgument naming the setting, what was given and what is allowed.
    /// </exception>
    public void Validate()
    {
        Location.Validate();
        if (Endpoint is not null && (!Endpoint.IsAbsoluteUri || Endpoint.Scheme is not ("http" or "https")))
        {
            throw DmtException.InvalidArgument(
                $"{nameof(Endpoint)} is {Endpoint}: expected a URL with http:// or https://");
        }

        if (AccessKey is { Id.Length: 0 } or { Secret.Length: 0 })
        {
            throw DmtException.InvalidArgument(
                $"{nameof(AccessKey)} has an empty id or secret: expected both, or none");
        }

        Check(nameof(RequestTimeout), RequestTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        Check(nameof(RetriesMax), RetriesMax, 0, 100);
        Check(nameof(RetryDelayFirst), RetryDelayFirst, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Check(nameof(RetryDelayMax), RetryDelayMax, RetryDelayFirst, TimeSpan.FromMinutes(10));
        Check(nameof(InFlightMax), InFlightMax, 1, 1024);
        Check(nameof(HedgeQuantile), HedgeQuantile, 0, 0.999);
        Check(nameof(HedgeDelayMin), HedgeDelayMin, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Check(nameof(HedgeDelayMax), HedgeDelayMax, HedgeDelayMin, TimeSpan.FromMinutes(10));
        Check(nameof(HedgeShareMax), HedgeShareMax, 0, 1);
        Check(nameof(MultipartBytes), MultipartBytes, PartBytesMin, 1 << 30);
        Check(nameof(PartsInFlightMax), PartsInFlightMax, 1, 64);
    }

    private static void Check<T>(string setting, T given, T least, T most)
        where T : IComparable<T>
    {
        // A number that is none compares as less than everything.
        if (given.CompareTo(least) < 0 || given.CompareTo(most) > 0)
        {
            throw DmtException.InvalidArgument(
                FormattableString.Invariant($"{setting} is {given}: expected {least} to {most}"));
        }
    }
}
