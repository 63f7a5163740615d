using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Dmt.Core;

namespace Dmt.Objects.S3;

/// <summary>The SDK's client as DMT wants it: no retries, checksums or redirects of its own.</summary>
internal static class S3Client
{
    /// <summary>What a server other than Amazon's takes where nobody names a region.</summary>
    private const string RegionWithEndpoint = "us-east-1";

    private static readonly TimeSpan ConnectTimeoutMax = TimeSpan.FromSeconds(5);

    /// <summary>Names are resolved again this often: addresses of a service change.</summary>
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    /// <exception cref="DmtException">InvalidArgument where there is no region to be found.</exception>
    public static AmazonS3Client Create(S3ObjectStoreOptions options, HttpClient http)
    {
        var config = new AmazonS3Config
        {
            HttpClientFactory = new OneClient(http),
            // Retries are S3Requests' matter alone: it must know of each one to tell what may have taken effect.
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            // Blocks and records carry checksums of their own; servers other than Amazon's may not know these.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        try
        {
            // The URL may also come from the environment or the profile.
            if ((options.Endpoint?.ToString() ?? config.ServiceURL) is { } endpoint)
            {
                config.ServiceURL = endpoint;
                config.AuthenticationRegion = options.Region
                    ?? FallbackRegionFactory.GetRegionEndpoint(includeInstanceMetadata: false)?.SystemName
                    ?? RegionWithEndpoint;
            }
            else if (options.Region is not null)
            {
                config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
            }

            config.ForcePathStyle = options.ForcePathStyle ?? config.ServiceURL is not null;
            return options.AccessKey is { } key
                ? new AmazonS3Client(new BasicAWSCredentials(key.Id, key.Secret), config)
                : new AmazonS3Client(config);
        }
        catch (AmazonClientException e)
        {
            throw new DmtException(DmtErrorKind.InvalidArgument,
                $"{options.Location} cannot be reached: {e.Message} "
                + "(expected a region, by setting, AWS_REGION or profile)",
                e);
        }
    }

    /// <summary>As many connections as there are requests in flight, which S3Requests bounds.</summary>
    public static HttpClient CreateHttp(S3ObjectStoreOptions options) => new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.RequestTimeout < ConnectTimeoutMax ? options.RequestTimeout : ConnectTimeoutMax,
            PooledConnectionLifetime = ConnectionLifetime,
        })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Hands out one HTTP client, which belongs to the store.</summary>
    private sealed class OneClient(HttpClient http) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => http;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
