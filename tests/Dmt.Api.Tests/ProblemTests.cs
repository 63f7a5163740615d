using System.Net;
using Dmt.Core;

namespace Dmt.Api.Tests;

public sealed class ProblemTests
{
    [Theory]
    [InlineData(DmtErrorKind.InvalidArgument, 400)]
    [InlineData(DmtErrorKind.TooLarge, 413)]
    [InlineData(DmtErrorKind.Conflict, 409)]
    [InlineData(DmtErrorKind.NotOwner, 421)]
    [InlineData(DmtErrorKind.Fenced, 503)]
    [InlineData(DmtErrorKind.Unavailable, 503)]
    [InlineData(DmtErrorKind.Corruption, 500)]
    [InlineData(DmtErrorKind.Closed, 503)]
    public async Task Every_error_of_the_store_has_its_status(DmtErrorKind kind, int status)
    {
        await using var host = await ApiHost.StartAsync(wrap: store => new HookedStore(store)
        {
            BeforeRead = _ => throw new DmtException(kind, "what happened"),
            BeforeWrite = _ => throw new DmtException(kind, "what happened"),
        });
        foreach (var (method, path, body) in new[]
        {
            ("GET", "/kv/k", (string?)null), ("PUT", "/kv/k", "v"), ("DELETE", "/kv/k", null), ("GET", "/search", null),
            ("GET", "/bulk/range", null), ("GET", "/bulk/range?format=ndjson", null), ("GET", "/api/v1/count", null),
            ("POST", "/bulk", "{\"a\":\"b\"}"), ("DELETE", "/bulk/prefix/a", null),
            ("POST", "/api/v1/words", "{\"word\":\"w\"}"),
        })
        {
            await host.SendAsync(method, path, body).IsProblemAsync(status, kind.ToString(), "what happened");
        }
    }

    [Fact]
    public async Task A_bug_is_a_500_that_gives_nothing_away()
    {
        await using var host = await ApiHost.StartAsync(wrap: store => new HookedStore(store)
        {
            BeforeRead = _ => throw new InvalidOperationException("secret of the inside"),
        });
        var problem = await host.GetAsync("/kv/k").IsProblemAsync(500, "Internal");
        Assert.DoesNotContain("secret", problem.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/nothing")]
    [InlineData("GET", "/x/../kv/y")]
    [InlineData("PUT", "/bulk/prefix")]
    public async Task An_unknown_address_is_a_problem(string method, string path)
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("y", "v");
        await host.SendAsync(method, path).IsProblemAsync(404, "NotFound");
    }

    [Theory]
    [InlineData("PATCH", "/kv/k", "DELETE")]
    [InlineData("DELETE", "/search", "GET")]
    [InlineData("GET", "/bulk", "POST")]
    [InlineData("GET", "/bulk/prefix/a", "DELETE")]
    public async Task A_wrong_method_is_a_problem_that_names_the_right_ones(string method, string path, string allowed)
    {
        await using var host = await ApiHost.StartAsync();
        using var response = await host.SendAsync(method, path);
        Assert.Contains(allowed, response.Content.Headers.Allow);
        await host.SendAsync(method, path).IsProblemAsync(405, "MethodNotAllowed", method, allowed);
    }

    [Fact]
    public async Task Too_long_an_address_and_too_many_headers_are_problems()
    {
        await using var host = await ApiHost.StartAsync();
        await host.GetAsync("/kv/" + new string('k', 9000)).IsProblemAsync(414, "TooLarge");
        await host.SendAsync("GET", "/kv/k", headers: ("X-Long", new string('x', 40_000)))
            .IsProblemAsync(431, "TooLarge");
    }

    [Theory]
    [InlineData("/kv/%00")]
    [InlineData("/kv/a%00b")]
    [InlineData("/kv/\u00e9")]
    public async Task An_address_that_the_server_itself_refuses_gets_a_bare_status_and_changes_nothing(string target)
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("a", "v");
        var answer = await host.SendRawAsync(
            $"DELETE {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false);
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Equal(1, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task One_request_more_than_allowed_is_refused_and_probes_are_not()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var options = new ApiOptions { ConcurrencyMax = 1 };
        await using var host = await ApiHost.StartAsync(options, store => new HookedStore(store)
        {
            BeforeRead = async _ =>
            {
                entered.TrySetResult();
                await release.Task;
            },
        });
        var first = host.GetAsync("/kv/k");
        await entered.Task;
        using var refused = await host.GetAsync("/kv/k");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        await host.GetAsync("/healthz").IsAsync(HttpStatusCode.OK);
        await host.GetAsync("/readyz").IsAsync(HttpStatusCode.OK);
        Assert.Contains(
            "dmt_http_requests_refused_total 1\n",
            await host.GetAsync("/metrics").TextAsync(),
            StringComparison.Ordinal);
        release.SetResult();
        await first.IsAsync(HttpStatusCode.NotFound);
        await host.MetricsAtRestAsync();
        await host.GetAsync("/kv/k").IsAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_its_request_and_is_no_error()
    {
        var entered = new TaskCompletionSource();
        await using var host = await ApiHost.StartAsync(wrap: store => new HookedStore(store)
        {
            BeforeRead = async cancellationToken =>
            {
                entered.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            },
        });
        using (var gone = new CancellationTokenSource())
        {
            var request = host.Client.GetAsync(new Uri("/bulk/range", UriKind.Relative), gone.Token);
            await entered.Task;
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        }

        var metrics = await host.MetricsAtRestAsync();
        Assert.Contains("route=\"/bulk/range\",status=\"499\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("status=\"500\"", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_of_another_site_cannot_write()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/kv/k", "v", "text/plain", ("Sec-Fetch-Site", "cross-site"))
            .IsProblemAsync(403, "Forbidden");
        await host.SendAsync("POST", "/kv/k", "v", "text/plain", ("Sec-Fetch-Site", "same-origin"))
            .IsAsync(HttpStatusCode.NoContent);
    }

    [Theory]
    [InlineData("max_range_response", 0)]
    [InlineData("max_range_response", 100_001)]
    [InlineData("value_bytes_max", 0)]
    [InlineData("value_bytes_max", (64 << 20) + 1)]
    [InlineData("body_bytes_max", 1023)]
    [InlineData("concurrency_max", 0)]
    [InlineData("key_policy", 7)]
    public void An_option_out_of_range_is_named(string setting, int given)
    {
        var options = setting switch
        {
            "max_range_response" => new ApiOptions { MaxRangeResponse = given },
            "value_bytes_max" => new ApiOptions { ValueBytesMax = given },
            "body_bytes_max" => new ApiOptions { BodyBytesMax = given },
            "concurrency_max" => new ApiOptions { ConcurrencyMax = given },
            _ => new ApiOptions { KeyPolicy = (KeyPolicy)given },
        };
        var e = Assert.Throws<DmtException>(options.Validate);
        Assert.Equal(DmtErrorKind.InvalidArgument, e.Kind);
        Assert.Contains(setting, e.Message, StringComparison.Ordinal);
        Assert.Contains(
            given.ToString(System.Globalization.CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
    }
}
