using System.Globalization;

namespace Dmt.Objects.S3.Tests;

/// <summary>
/// The S3 server that <c>DMT_TEST_S3</c> names: <c>http://KEY:SECRET@HOST:PORT/BUCKET</c>, a bucket in which tests may
/// do as they like. ./test starts one; <c>eng/s3-server start DIR</c> does too.
/// </summary>
internal static class TestServer
{
    private const string Variable = "DMT_TEST_S3";

    private static readonly string Run = Guid.NewGuid().ToString("N");
    private static int _prefixes;

    /// <summary>Options for a prefix that no test has used.</summary>
    public static S3ObjectStoreOptions Fresh()
    {
        var text = Environment.GetEnvironmentVariable(Variable)
            ?? throw new InvalidOperationException(
                $"{Variable} is not set: expected http://KEY:SECRET@HOST:PORT/BUCKET; "
                + "./test sets it, or leaves this test out");
        var url = new Uri(text);
        var key = url.UserInfo.Split(':').Select(Uri.UnescapeDataString).ToArray();
        var number = Interlocked.Increment(ref _prefixes).ToString(CultureInfo.InvariantCulture);
        return new S3ObjectStoreOptions
        {
            Location = new S3Location(url.AbsolutePath.Trim('/'), $"test/{Run}/{number}"),
            Endpoint = new UriBuilder(url.Scheme, url.Host, url.Port).Uri,
            AccessKey = new S3AccessKey(key[0], key[1]),
        };
    }

    public static S3ObjectStore Open(S3ObjectStoreOptions options) => new(options, TimeProvider.System, new Random(1));
}
