namespace Dmt.Objects.S3.Tests;

/// <summary>Where nobody names a region, an endpoint is enough. Alone, since it changes the environment.</summary>
[Collection(nameof(RegionTests))]
[CollectionDefinition(nameof(RegionTests), DisableParallelization = true)]
public sealed class RegionTests : IDisposable
{
    private static readonly string[] _variables =
    [
        "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_PROFILE",
    ];

    private readonly string?[] _before = [.. _variables.Select(Environment.GetEnvironmentVariable)];

    public RegionTests() => Array.ForEach(_variables, v => Environment.SetEnvironmentVariable(v, null));

    public void Dispose()
    {
        for (var i = 0; i < _variables.Length; i++)
        {
            Environment.SetEnvironmentVariable(_variables[i], _before[i]);
        }
    }

    [Theory]
    [InlineData(null, null, "us-east-1")]
    [InlineData(null, "eu-north-1", "eu-north-1")]
    [InlineData("eu-west-1", null, "eu-west-1")]
    [InlineData("eu-west-1", "eu-north-1", "eu-west-1")]
    public void An_endpoint_by_setting_or_environment_needs_no_region(
        string? setting, string? environment, string expected)
    {
        Environment.SetEnvironmentVariable("AWS_REGION", environment);
        Assert.Equal(expected, RegionOf(new Uri("http://127.0.0.1:9"), setting));
        Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9");
        Assert.Equal(expected, RegionOf(null, setting));
    }

    private static string RegionOf(Uri? endpoint, string? region)
    {
        var options = new S3ObjectStoreOptions
        {
            Location = new S3Location("bucket", ""),
            Endpoint = endpoint,
            Region = region,
            AccessKey = new S3AccessKey("id", "secret"),
        };
        using var http = S3Client.CreateHttp(options);
        using var client = S3Client.Create(options, http);
        Assert.Equal("http://127.0.0.1:9/", client.Config.ServiceURL);
        return client.Config.AuthenticationRegion;
    }
}
