using System.Net;
using Dmt.Core;

namespace Dmt.Api.Tests;

/// <summary>key_policy alphanumeric: the strict rules of old.</summary>
public sealed class KeyPolicyTests
{
    private const string Lines = "application/x-ndjson";

    private static readonly ApiOptions Strict = new() { KeyPolicy = KeyPolicy.Alphanumeric };

    [Fact]
    public async Task Keys_are_case_insensitive_everywhere()
    {
        await using var host = await ApiHost.StartAsync(Strict);
        await host.SendAsync("PUT", "/kv/Key1", "v").IsAsync(HttpStatusCode.NoContent);
        await host.SendAsync("POST", "/api/v1/words", "{\"word\":\"WORD\"}").IsAsync(HttpStatusCode.Created);
        await host.SendAsync("POST", "/bulk", "{\"Bulk\":\"1\",\"bULK\":\"2\"}").IsAsync(HttpStatusCode.OK);
        await host.SendAsync(
            "POST", "/bulk", "{\"key\":\"LINE\",\"value\":\"\"}\n{\"key_base64\":\"TEFTVA==\",\"value\":\"\"}", Lines)
            .IsAsync(HttpStatusCode.OK);
        Assert.Equal(
            "{\"results\":[\"bulk\",\"key1\",\"last\",\"line\",\"word\"]}", await host.GetAsync("/search").TextAsync());
        Assert.Equal("2", await host.Model.GetTextAsync("bulk"));
        Assert.Equal("v", await host.GetAsync("/kv/KEY1").TextAsync());
        Assert.Equal("{\"results\":[\"key1\"]}", await host.GetAsync("/search?q=KE").TextAsync());
        Assert.Equal("{\"count\":1}", await host.GetAsync("/api/v1/count?start_key=KA&end_key=KZ").TextAsync());
        await host.SendAsync("DELETE", "/bulk/prefix/K").IsAsync(HttpStatusCode.NoContent);
        Assert.Equal(4, await host.Model.CountAsync(default));
    }

    [Theory]
    [InlineData("PUT", "/kv/a-b", "v")]
    [InlineData("PUT", "/kv/%C3%A9", "v")]
    [InlineData("GET", "/kv/a%20b", null)]
    [InlineData("GET", "/search?q=a_b", null)]
    [InlineData("GET", "/bulk/range?start_key=a/b", null)]
    [InlineData("GET", "/bulk/range?end_key=%2D", null)]
    [InlineData("GET", "/api/v1/count?prefix=.", null)]
    [InlineData("DELETE", "/bulk/prefix/a-", null)]
    [InlineData("POST", "/api/v1/words", "{\"word\":\"a b\"}")]
    [InlineData("POST", "/bulk", "{\"ok\":\"1\",\"not ok\":\"2\"}")]
    public async Task Other_characters_are_refused(string method, string path, string? body)
    {
        await using var host = await ApiHost.StartAsync(Strict);
        await host.SendAsync(method, path, body).IsProblemAsync(400, "InvalidArgument", "letters and digits");
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task Keys_have_at_most_255_bytes_and_values_32_KiB()
    {
        await using var host = await ApiHost.StartAsync(Strict);
        await host.SendAsync("PUT", "/kv/" + new string('K', 255), new string('v', 32 << 10))
            .IsAsync(HttpStatusCode.NoContent);
        await host.SendAsync("PUT", "/kv/" + new string('k', 256), "v").IsProblemAsync(400, "InvalidArgument", "255");
        await host.SendAsync("PUT", "/kv/k", new string('v', (32 << 10) + 1)).IsProblemAsync(413, "TooLarge", "32768");
        Assert.Equal(1, await host.Model.CountAsync(default));
    }
}
