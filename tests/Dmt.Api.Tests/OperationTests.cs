using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dmt.Api.Metrics;
using Dmt.Core;

namespace Dmt.Api.Tests;

public sealed partial class OperationTests
{
    private const string Name = "(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)";
    private const string Label = "[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\\\n]|\\\\[\"\\\\n])*\"";

    [Fact]
    public async Task Health_and_readiness_answer()
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal("ok", await host.GetAsync("/healthz").IsAsync(HttpStatusCode.OK).TextAsync());
        Assert.Equal(
            "{\"status\":\"ready\",\"writes\":\"accepted\"}",
            await host.GetAsync("/readyz").IsAsync(HttpStatusCode.OK).TextAsync());
        host.Model.RefuseWrites("the disk is full");
        Assert.Equal(
            "{\"status\":\"ready\",\"writes\":\"refused: the disk is full\"}", await host.GetAsync("/readyz")
                .IsAsync(HttpStatusCode.OK).TextAsync());
        using var refused = await host.SendAsync("PUT", "/kv/k", "v");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    [Fact]
    public async Task A_closed_store_is_not_ready_though_the_process_lives()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.DisposeAsync();
        await host.GetAsync("/healthz").IsAsync(HttpStatusCode.OK);
        await host.GetAsync("/readyz").IsProblemAsync(503, "Closed");
        await host.GetAsync("/kv/k").IsProblemAsync(503, "Closed");
    }

    [Fact]
    public async Task A_stopping_host_is_not_ready_and_finishes_what_is_asked()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("k", "v");
        host.AnnounceStop();
        await host.GetAsync("/readyz").IsProblemAsync(503, "Unavailable", "stopping");
        await host.GetAsync("/healthz").IsAsync(HttpStatusCode.OK);
        Assert.Equal("v", await host.GetAsync("/kv/k").TextAsync());
    }

    [Fact]
    public async Task Statistics_come_in_snake_case()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("key", "value");
        var stat = await host.JsonAsync("/api/v1/stat");
        Assert.Equal(1, stat.GetProperty("entries_max").GetInt64());
        Assert.Equal(8, stat.GetProperty("user_bytes_written").GetInt64());
        Assert.Equal("model", stat.GetProperty("incarnation").GetString());
        Assert.Equal(JsonValueKind.Array, stat.GetProperty("levels").ValueKind);
    }

    [Fact]
    public async Task Sync_answers_once_all_is_durable()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/api/v1/sync").IsAsync(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task The_console_is_one_page_with_a_policy_that_lets_nothing_else_run()
    {
        await using var host = await ApiHost.StartAsync();
        using var response = await host.GetAsync("/?anything").IsAsync(HttpStatusCode.OK);
        Assert.Equal("text/html", response.Content.Headers.ContentType!.MediaType);
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        var page = await response.Content.ReadAsStringAsync();
        Assert.DoesNotContain("src=\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", page, StringComparison.Ordinal);
        Assert.DoesNotContain(" style=", page, StringComparison.Ordinal);
        await host.SendAsync("GET", "/", headers: ("If-None-Match", response.Headers.ETag!.Tag))
            .IsAsync(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task Metrics_count_what_was_done_and_every_line_is_well_formed()
    {
        using var meter = new System.Diagnostics.Metrics.Meter("Dmt.Tests.Metrics");
        using var other = new System.Diagnostics.Metrics.Meter("Other.Meter");
        await using var host = await ApiHost.StartAsync();
        meter.CreateCounter<long>("tests.bytes", "By", "Back\\slash\nand line").Add(
            5, new KeyValuePair<string, object?>("kind", "a\"b\\c\nd"));
        meter.CreateHistogram<double>("tests.time", "s").Record(0.002);
        meter.CreateObservableGauge("dmt.tests.level", () => 7);
        meter.CreateUpDownCounter<int>("tests.open").Add(3);
        other.CreateCounter<int>("tests.hidden").Add(1);
        await host.SendAsync("PUT", "/kv/a", "v").IsAsync(HttpStatusCode.NoContent);
        await host.GetAsync("/kv/b");
        await host.GetAsync("/nothing/here");
        await host.MetricsAtRestAsync();
        using var response = await host.GetAsync("/metrics").IsAsync(HttpStatusCode.OK);
        Assert.StartsWith(
            "text/plain; version=0.0.4", response.Content.Headers.ContentType!.ToString(), StringComparison.Ordinal);
        var text = await response.Content.ReadAsStringAsync();
        var samples = Parse(text);
        Assert.Equal(1, samples["dmt_http_requests_total{method=\"PUT\",route=\"/kv/{key}\",status=\"204\"}"]);
        Assert.Equal(1, samples["dmt_http_requests_total{method=\"GET\",route=\"/kv/{key}\",status=\"404\"}"]);
        Assert.Equal(1, samples["dmt_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}"]);
        Assert.Equal(
            1, samples["dmt_http_request_duration_seconds_bucket{method=\"PUT\",route=\"/kv/{key}\",le=\"+Inf\"}"]);
        Assert.Equal(1, samples["dmt_http_request_duration_seconds_count{method=\"PUT\",route=\"/kv/{key}\"}"]);
        Assert.True(samples["dmt_http_requests_in_flight"] >= 1);
        Assert.Equal(5, samples["dmt_tests_bytes_total{kind=\"a\\\"b\\\\c\\nd\"}"]);
        Assert.Equal(1, samples["dmt_tests_time_seconds_bucket{le=\"0.0025\"}"]);
        Assert.Equal(0, samples["dmt_tests_time_seconds_bucket{le=\"0.001\"}"]);
        Assert.Equal(7, samples["dmt_tests_level"]);
        Assert.Equal(3, samples["dmt_tests_open"]);
        Assert.True(samples["process_resident_memory_bytes"] > 0);
        Assert.True(samples.ContainsKey("dotnet_gc_collections_total{generation=\"2\"}"));
        Assert.DoesNotContain("hidden", text, StringComparison.Ordinal);
        Assert.Contains("# HELP dmt_tests_bytes_total Back\\\\slash\\nand line\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_instrument_with_too_many_series_drops_and_counts_the_rest()
    {
        using var meter = new System.Diagnostics.Metrics.Meter("Dmt.Tests.Many");
        using var meters = new MeterCollector();
        var counter = meter.CreateCounter<int>("tests.many");
        for (var i = 0; i < 1500; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("i", i));
        }

        var to = new PrometheusWriter();
        meters.WriteTo(to);
        var samples = Parse(to.ToString());
        Assert.Equal(1000, samples.Keys.Count(key => key.StartsWith("dmt_tests_many_total", StringComparison.Ordinal)));
        Assert.True(samples["dmt_metrics_series_dropped_total"] >= 500);
    }

    [Fact]
    public async Task OpenApi_lists_every_call_with_summary_parameters_and_answers()
    {
        await using var host = await ApiHost.StartAsync();
        var paths = (await host.JsonAsync("/openapi/v1.json")).GetProperty("paths");
        var calls = paths.EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(call => (Method: call.Name, Path: path.Name)))
            .Select(call => $"{call.Method.ToUpperInvariant()} {call.Path}")
            .Order();
        Assert.Equal(
            [
                "DELETE /admin/checkpoints/{name}",
                "DELETE /admin/shards/{id}",
                "DELETE /api/v1/words",
                "DELETE /bulk/prefix/{prefix}",
                "DELETE /kv/{key}",
                "GET /",
                "GET /admin/checkpoints",
                "GET /admin/keyspaces",
                "GET /admin/shards",
                "GET /api/v1/count",
                "GET /api/v1/stat",
                "GET /bulk/range",
                "GET /healthz",
                "GET /kv",
                "GET /kv/{key}",
                "GET /metrics",
                "GET /readyz",
                "GET /search",
                "HEAD /",
                "HEAD /healthz",
                "HEAD /kv/{key}",
                "HEAD /readyz",
                "POST /admin/checkpoints",
                "POST /admin/checkpoints/{name}/restore",
                "POST /admin/gc",
                "POST /admin/keyspaces/{name}/rebuild",
                "POST /admin/shards",
                "POST /api/v1/promote",
                "POST /api/v1/sync",
                "POST /api/v1/words",
                "POST /bulk",
                "POST /kv/{key}",
                "PUT /kv/{key}",
            ],
            calls);
        foreach (var call in paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
        {
            Assert.NotEmpty(call.Value.GetProperty("summary").GetString()!);
            Assert.NotEmpty(call.Value.GetProperty("responses").EnumerateObject());
        }

        var put = paths.GetProperty("/kv/{key}").GetProperty("put");
        Assert.Equal(
            ["key", "ttl", "weight", "fsync", "If-Match", "If-None-Match"],
            put.GetProperty("parameters").EnumerateArray().Select(
                parameter => parameter.GetProperty("name").GetString()));
        Assert.True(put.GetProperty("responses").TryGetProperty("412", out _));
    }

    /// <summary>Checks the format line by line and gives the samples.</summary>
    private static Dictionary<string, double> Parse(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var samples = new Dictionary<string, double>();
        var types = new Dictionary<string, string>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var words = line.Split(' ');
                types.Add(words[2], words[3]);
                Assert.Equal(words[3] == "counter", words[2].EndsWith("_total", StringComparison.Ordinal));
            }
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var match = SampleLine().Match(line);
                Assert.True(match.Success, line);
                var family = Suffix().Replace(match.Groups["name"].Value, "");
                Assert.True(
                    types.ContainsKey(match.Groups["name"].Value) || types.GetValueOrDefault(family) == "histogram",
                    line);
                samples.Add(
                    match.Groups["series"].Value,
                    double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture));
            }
        }

        return samples;
    }

    [GeneratedRegex("^(?<series>" + Name + "(\\{(" + Label + ",?)+\\})?) (?<value>[-+.0-9eEInf]+)$")]
    private static partial Regex SampleLine();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
