using Dmt.Core;

namespace Dmt.Objects.S3.Tests;

public sealed class OptionsTests
{
    private static readonly S3ObjectStoreOptions Good = new() { Location = new S3Location("bucket", "p") };

    public static TheoryData<string, S3ObjectStoreOptions> Bad => new()
    {
        { "RequestTimeout", Good with { RequestTimeout = TimeSpan.Zero } },
        { "RetriesMax is 101: expected 0 to 100", Good with { RetriesMax = 101 } },
        { "RetryDelayFirst", Good with { RetryDelayFirst = TimeSpan.Zero } },
        { "RetryDelayMax", Good with { RetryDelayMax = TimeSpan.FromMilliseconds(1) } },
        { "InFlightMax is 0: expected 1 to 1024", Good with { InFlightMax = 0 } },
        { "HedgeQuantile is 1: expected 0 to 0.999", Good with { HedgeQuantile = 1 } },
        { "HedgeQuantile is NaN", Good with { HedgeQuantile = double.NaN } },
        { "HedgeDelayMin", Good with { HedgeDelayMin = TimeSpan.FromTicks(-1) } },
        { "HedgeDelayMax", Good with { HedgeDelayMax = TimeSpan.FromMilliseconds(1) } },
        { "HedgeShareMax", Good with { HedgeShareMax = 1.1 } },
        { "MultipartBytes is 5242879: expected 5242880 to 1073741824", Good with { MultipartBytes = (5 << 20) - 1 } },
        { "PartsInFlightMax", Good with { PartsInFlightMax = 65 } },
        { "Endpoint is ftp://x/: expected a URL with http:", Good with { Endpoint = new Uri("ftp://x") } },
        { "AccessKey", Good with { AccessKey = new S3AccessKey("id", "") } },
        { "the bucket \"b\"", Good with { Location = new S3Location("b", "") } },
    };

    [Theory]
    [InlineData("s3://bucket", "bucket", "")]
    [InlineData("s3://bucket/", "bucket", "")]
    [InlineData("s3://my.bucket-1/a/b", "my.bucket-1", "a/b")]
    [InlineData("s3://bucket/a/b/", "bucket", "a/b")]
    public void Locations_are_read(string text, string bucket, string prefix)
    {
        var location = S3Location.Parse(text);
        Assert.Equal((bucket, prefix), (location.Bucket, location.Prefix));
        Assert.Equal(text.TrimEnd('/'), location.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("bucket/a")]
    [InlineData("s3:/bucket")]
    [InlineData("http://bucket/a")]
    [InlineData("s3://")]
    [InlineData("s3:///a")]
    [InlineData("s3://bu")]
    [InlineData("s3://buc ket/a")]
    [InlineData("s3://bucket//a")]
    [InlineData("s3://bucket/a//b")]
    [InlineData("s3://bucket/../a")]
    [InlineData("s3://bucket/ä")]
    [InlineData("s3://bucket/123456789012345678901234567890123456789012345678901234567890"
        + "1234567890123456789012345678901234567890123456789012345678901234")]
    public void Bad_locations_are_refused(string text)
    {
        var error = Assert.Throws<DmtException>(() => S3Location.Parse(text));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Bad_settings_are_named_with_what_is_allowed(string said, S3ObjectStoreOptions options)
    {
        var error = Assert.Throws<DmtException>(() => new S3ObjectStore(options, TimeProvider.System, new Random(1)));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_are_good() => Good.Validate();

    [Fact]
    public void No_secret_is_shown_as_text()
    {
        var options = Good with { AccessKey = new S3AccessKey("id", "sesame") };
        Assert.DoesNotContain("sesame", options.ToString(), StringComparison.Ordinal);
        Assert.Contains("AccessKey = id", options.ToString(), StringComparison.Ordinal);
    }
}
