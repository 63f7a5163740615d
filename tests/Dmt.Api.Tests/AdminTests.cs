using System.Net;

namespace Dmt.Api.Tests;

/// <summary>Checkpoints and garbage over HTTP.</summary>
public sealed class AdminTests
{
    private const string Kept = "{\"name\":\"a\",\"created_at\":\"1970-01-01T00:00:00.0000000+00:00\",\"sequence\":7,"
        + "\"tables\":1,\"bytes\":100,\"entries_max\":3}";

    private const string Pin = "{\"name\":\"clone-1\",\"created_at\":\"1970-01-01T00:00:00.0000000+00:00\","
        + "\"sequence\":5,\"tables\":2,\"bytes\":300,\"entries_max\":40,\"cloned_to\":\"other\"}";

    [Fact]
    public async Task A_checkpoint_is_created_once_listed_and_deleted_once()
    {
        await using var host = await ApiHost.StartAsync(wrap: static store => new MaintainedStore(store));
        var created = await host.SendAsync("POST", "/admin/checkpoints", "{\"name\":\"a\"}")
            .IsAsync(HttpStatusCode.Created).TextAsync();
        Assert.Equal(Kept, created);
        await host.SendAsync("POST", "/admin/checkpoints", "{\"name\":\"a\"}")
            .IsProblemAsync(409, "Conflict", "already");
        Assert.Equal(
            $"{{\"checkpoints\":[{Kept},{Pin}]}}",
            await host.GetAsync("/admin/checkpoints").IsAsync(HttpStatusCode.OK).TextAsync());
        await host.SendAsync("DELETE", "/admin/checkpoints/a").IsAsync(HttpStatusCode.NoContent);
        await host.SendAsync("DELETE", "/admin/checkpoints/a").IsProblemAsync(404, "NotFound", "no checkpoint \"a\"");
        await host.SendAsync("DELETE", "/admin/checkpoints/clone-1")
            .IsProblemAsync(409, "Conflict", "a clone needs it");
    }

    [Theory]
    [InlineData("", "application/json", 400, "InvalidArgument")]
    [InlineData("{}", "application/json", 400, "InvalidArgument")]
    [InlineData("[]", "application/json", 400, "InvalidArgument")]
    [InlineData("{\"name\":7}", "application/json", 400, "InvalidArgument")]
    [InlineData("{\"nome\":\"a\"}", "application/json", 400, "InvalidArgument")]
    [InlineData("{\"name\":\"bad name\"}", "application/json", 400, "InvalidArgument")]
    [InlineData("{\"name\":\"a\"}", "text/plain", 415, "UnsupportedMediaType")]
    public async Task A_malformed_request_is_refused(string body, string type, int status, string kind)
    {
        await using var host = await ApiHost.StartAsync(wrap: static store => new MaintainedStore(store));
        await host.SendAsync("POST", "/admin/checkpoints", body, type).IsProblemAsync(status, kind);
        Assert.Single((await host.JsonAsync("/admin/checkpoints")).GetProperty("checkpoints").EnumerateArray());
    }

    [Fact]
    public async Task A_restore_is_refused_and_says_how_to()
    {
        await using var host = await ApiHost.StartAsync(wrap: static store => new MaintainedStore(store));
        await host.SendAsync("POST", "/admin/checkpoints/a/restore")
            .IsProblemAsync(409, "Conflict", "dmt checkpoint restore a with --data DIR or --store");
    }

    [Theory]
    [InlineData("", false, null)]
    [InlineData("?dry_run=true", true, null)]
    [InlineData("?dry_run=true&min_age=0", true, 0.0)]
    [InlineData("?min_age=10m", false, 600.0)]
    public async Task Garbage_is_collected_as_asked_for(string query, bool dryRun, double? ageSeconds)
    {
        MaintainedStore? store = null;
        await using var host = await ApiHost.StartAsync(wrap: inner => store = new MaintainedStore(inner));
        var answer = await host.SendAsync("POST", "/admin/gc" + query).IsAsync(HttpStatusCode.OK).TextAsync();
        Assert.Equal(
            $"{{\"dry_run\":{(dryRun ? "true" : "false")},\"deleted\":[{{\"name\":\"table\",\"bytes\":10,"
                + "\"age_seconds\":90,\"reason\":\"nothing names it\"}],\"waiting\":[]}",
            answer);
        Assert.Equal((dryRun, ageSeconds is { } s ? TimeSpan.FromSeconds(s) : null), store!.Collected);
    }

    [Theory]
    [InlineData("?min_age=soon", "min_age is \"soon\"")]
    [InlineData("?dry_run=perhaps", "dry_run is \"perhaps\"")]
    [InlineData("?age=1h", "unknown query parameter \"age\"")]
    public async Task A_bad_collection_is_refused(string query, string says)
    {
        MaintainedStore? store = null;
        await using var host = await ApiHost.StartAsync(wrap: inner => store = new MaintainedStore(inner));
        await host.SendAsync("POST", "/admin/gc" + query).IsProblemAsync(400, "InvalidArgument", says);
        Assert.Equal((false, null), store!.Collected);
    }

    [Fact]
    public async Task A_page_of_another_site_administers_nothing()
    {
        await using var host = await ApiHost.StartAsync(wrap: static store => new MaintainedStore(store));
        await host.SendAsync("POST", "/admin/gc", headers: ("Sec-Fetch-Site", "cross-site"))
            .IsProblemAsync(403, "Forbidden");
    }

    [Fact]
    public async Task A_store_without_checkpoints_says_so()
    {
        await using var host = await ApiHost.StartAsync();
        await host.GetAsync("/admin/checkpoints")
            .IsProblemAsync(501, "NotSupported", "neither checkpoints nor garbage");
        await host.SendAsync("POST", "/admin/gc").IsProblemAsync(501, "NotSupported");
    }
}
