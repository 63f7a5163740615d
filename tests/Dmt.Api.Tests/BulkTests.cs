using System.Globalization;
using System.Net;
using System.Text;
using Dmt.Core;

namespace Dmt.Api.Tests;

public sealed class BulkTests
{
    private const string Lines = "application/x-ndjson";

    [Fact]
    public async Task A_json_object_is_written_as_a_whole()
    {
        await using var host = await ApiHost.StartAsync();
        var body =
            "{\"a\":\"text\", \"b\": 1.50, \"c\":{\"x\": [1, \"é\"]}, \"d\":true, \"a\":\"last\", \"e/\\u00e9\":\"\"}";
        Assert.Equal(
            "{\"written\":5,\"deleted\":0}",
            await host.SendAsync("POST", "/bulk", body).IsAsync(HttpStatusCode.OK).TextAsync());
        await AssertHoldsAsync(host, "a", "last", "text/plain; charset=utf-8");
        await AssertHoldsAsync(host, "b", "1.50", "application/json");
        await AssertHoldsAsync(host, "c", "{\"x\":[1,\"é\"]}", "application/json");
        await AssertHoldsAsync(host, "d", "true", "application/json");
        await AssertHoldsAsync(host, "e%2F%C3%A9", "", "text/plain; charset=utf-8");
    }

    [Fact]
    public async Task An_empty_object_writes_nothing()
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal("{\"written\":0,\"deleted\":0}", await host.SendAsync("POST", "/bulk", "{}").TextAsync());
        Assert.Equal("{\"written\":0,\"deleted\":0}", await host.SendAsync("POST", "/bulk", "\n\n", Lines).TextAsync());
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("{\"a\":\"1\"", "line 1")]
    [InlineData("{\"a\":\"1\",\n\"b\" 2}", "line 2, byte 5")]
    [InlineData("[1]", "object")]
    [InlineData("{\"a\":\"1\",\"b\":null}", "null")]
    [InlineData("{\"a\":\"1\",\"\":\"2\"}", "empty")]
    [InlineData("{\"a\":\"1\",\"b\":\"\\udc00\"}", "Unicode")]
    [InlineData("{\"a\":\"1\",\"\\ud800\":\"\"}", "Unicode")]
    [InlineData("{\"a\":\"1\",\"b\":[\"\\ud800\"]}", "Unicode")]
    public async Task A_bad_object_is_refused_and_changes_nothing(string body, string word)
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/bulk", body).IsProblemAsync(400, "InvalidArgument", word);
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task An_object_over_a_limit_is_refused_and_changes_nothing()
    {
        await using var host = await ApiHost.StartAsync(new ApiOptions { BodyBytesMax = 4096, ValueBytesMax = 10 });
        await host.SendAsync("POST", "/bulk", "{\"a\":\"1\",\"b\":\"12345678901\"}")
            .IsProblemAsync(413, "TooLarge", "\"b\"", "10");
        await host.SendAsync("POST", "/bulk", "{\"a\":\"1\",\"b\":[1,2,3,4,5,6]}")
            .IsProblemAsync(413, "TooLarge", "\"b\"");
        await host.SendAsync("POST", "/bulk", "{\"a\":\"1\"" + new string(' ', 4096) + "}")
            .IsProblemAsync(413, "TooLarge", "4096");
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-ndjson")]
    public async Task A_body_that_stops_half_way_changes_nothing(string type)
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendRawAsync(
            $"POST /bulk HTTP/1.1\r\nHost: x\r\nContent-Type: {type}\r\nContent-Length: "
            + $"100\r\n\r\n{{\"key\":\"a\",\"value\":\"b\"}}\n{{\"key\":");
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task Lines_put_and_delete_with_all_that_an_entry_has()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("old", "v");
        var body = """
            {"key":"a","value":"text \u00e9\n"}
            {"key":"b","value_base64":"/wA=","content_type":"image/png","weight":2,"ttl":1.5}

            {"key_base64":"/w==","value":"x"}
            {"key":"old","delete":true}
            {"delete":false,"value":"v","key":"c","version":17,"expires_at":"2031-01-01T00:00:00Z"}
            """.ReplaceLineEndings("\r\n");
        Assert.Equal(
            "{\"written\":4,\"deleted\":1}",
            await host.SendAsync("POST", "/bulk", body, Lines).IsAsync(HttpStatusCode.OK).TextAsync());
        await AssertHoldsAsync(host, "a", "text é\n", "application/octet-stream");
        var b = (await host.Model.GetAsync("b"))!.Value;
        Assert.Equal([255, 0], b.Value.ToArray());
        Assert.Equal(new EntryMetadata("image/png", 2), EntryMetadata.Decode(b.Metadata.Span));
        Assert.Equal(host.Clock.GetUtcNow().AddSeconds(1.5), b.ExpiresAt);
        Assert.NotNull(await host.Model.GetAsync(new byte[] { 255 }));
        Assert.Null(await host.Model.GetAsync("old"));
        Assert.Equal(2031, (await host.Model.GetAsync("c"))!.Value.ExpiresAt!.Value.Year);
    }

    [Theory]
    [InlineData("{\"key\":\"b\"}", "value")]
    [InlineData("{\"value\":\"b\"}", "key")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\",\"delete\":true}", "one of")]
    [InlineData("{\"key\":\"\",\"value\":\"v\"}", "empty")]
    [InlineData("{\"key\":7,\"value\":\"v\"}", "string")]
    [InlineData("{\"key\":\"b\",\"value\":7}", "string")]
    [InlineData("{\"key\":\"b\",\"value\":\"\\ud800\"}", "Unicode")]
    [InlineData("{\"key\":\"b\",\"value_base64\":\"?\"}", "base64")]
    [InlineData("{\"key_base64\":\"YQ\",\"value\":\"\"}", "base64")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\",\"ttl\":0}", "ttl")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\",\"ttl\":\"1\"}", "ttl")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\",\"ttl\":1e999}", "ttl")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\",\"expires_at\":\"soon\"}", "expires_at")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\",\"weight\":-1}", "weight")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\",\"content_type\":\"x\"}", "media type")]
    [InlineData("{\"key\":\"b\",\"valeu\":\"v\"}", "valeu")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\"} {", "JSON")]
    [InlineData("{\"key\":\"b\",\"value\":\"v\"", "JSON")]
    [InlineData("[]", "object")]
    [InlineData("null", "object")]
    public async Task A_bad_line_is_named_and_only_batches_before_it_stay(string line, string word)
    {
        await using var host = await ApiHost.StartAsync();
        var body = new StringBuilder();
        for (var i = 0; i < 1500; i++)
        {
            body.Append(CultureInfo.InvariantCulture, $"{{\"key\":\"a{i}\",\"value\":\"\"}}\n");
        }

        var problem = await host.SendAsync("POST", "/bulk", body + line + "\n", Lines)
            .IsProblemAsync(400, "InvalidArgument", "line 1501", word);
        Assert.Equal(1501, problem.GetProperty("line").GetInt64());
        Assert.Equal(1000, problem.GetProperty("written").GetInt64());
        Assert.Equal(1000, await host.Model.CountAsync(default));
        Assert.Null(await host.Model.GetAsync("b"));
    }

    [Fact]
    public async Task A_line_or_value_over_its_limit_is_named()
    {
        await using var host = await ApiHost.StartAsync(new ApiOptions { BodyBytesMax = 2048, ValueBytesMax = 1024 });
        var good = "{\"key\":\"a\",\"value\":\"\"}\n";
        await host.SendAsync(
            "POST", "/bulk", good + "{\"key\":\"b\",\"value\":\"" + new string('v', 1025) + "\"}", Lines)
            .IsProblemAsync(413, "TooLarge", "line 2", "1024");
        await host.SendAsync("POST", "/bulk", good + new string(' ', 200_000), Lines)
            .IsProblemAsync(413, "TooLarge", "line 2", "2048");
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task A_stream_far_over_the_body_limit_is_taken()
    {
        await using var host = await ApiHost.StartAsync(new ApiOptions { BodyBytesMax = 4096, ValueBytesMax = 2000 });
        var body = string.Concat(
            Enumerable.Range(0, 5000).Select(i => $"{{\"key\":\"k{i}\",\"value\":\"{new string('v', i % 1500)}\"}}\n"));
        Assert.Equal(
            "{\"written\":5000,\"deleted\":0}",
            await host.SendAsync("POST", "/bulk?fsync=strict", body, Lines).TextAsync());
        Assert.Equal(5000, await host.Model.CountAsync(default));
        Assert.Equal(1234, (await host.Model.GetAsync("k1234"))!.Value.Value.Length);
    }

    [Fact]
    public async Task A_store_that_refuses_half_way_tells_how_far_it_came()
    {
        var writes = 0;
        await using var host = await ApiHost.StartAsync(wrap: store => new HookedStore(store)
        {
            BeforeWrite = _ => ++writes > 2 ? throw DmtException.Unavailable("the disk is full") : Task.CompletedTask,
        });
        var body = string.Concat(Enumerable.Range(0, 5000).Select(i => $"{{\"key\":\"k{i}\",\"delete\":true}}\n"));
        var problem = await host.SendAsync("POST", "/bulk", body, Lines).IsProblemAsync(503, "Unavailable", "full");
        Assert.Equal(2000, problem.GetProperty("deleted").GetInt64());
    }

    [Fact]
    public async Task Another_type_is_refused()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/bulk", "a=b", "application/x-www-form-urlencoded")
            .IsProblemAsync(415, "UnsupportedMediaType");
        await host.SendAsync("POST", "/bulk?ttl=1", "{}").IsProblemAsync(400, "InvalidArgument", "\"ttl\"");
    }

    [Fact]
    public async Task What_a_stream_gives_another_stream_takes_unchanged()
    {
        await using var from = await ApiHost.StartAsync();
        var random = new Random(3);
        for (var i = 0; i < 3000; i++)
        {
            var key = new byte[random.Next(1, 20)];
            random.NextBytes(key);
            var value = i % 2 == 0 ? Encoding.UTF8.GetBytes($"text \"{i}\" \\ é \u0000") : key;
            await from.Model.PutAsync(key, value, new WriteOptions
            {
                TimeToLive = i % 5 == 0 ? TimeSpan.FromMilliseconds(random.Next(1000, 100_000)) : null,
                Metadata = new EntryMetadata(i % 3 == 0 ? "text/csv" : null, i % 7 / 2.0).Encode(),
            });
        }

        var lines = await from.GetAsync("/bulk/range?format=ndjson").TextAsync();
        await using var to = await ApiHost.StartAsync();
        await to.SendAsync("POST", "/bulk", lines, Lines).IsAsync(HttpStatusCode.OK);
        Assert.Equal(await from.Model.CountAsync(default), await to.Model.CountAsync(default));
        await foreach (var (key, entry) in from.Model.EnumerateAsync(new ScanRequest()))
        {
            var copy = (await to.Model.GetAsync(key))!.Value;
            Assert.Equal(entry.Value.ToArray(), copy.Value.ToArray());
            Assert.Equal(entry.Metadata.ToArray(), copy.Metadata.ToArray());
            Assert.Equal(entry.ExpiresAt, copy.ExpiresAt);
        }
    }

    private static async Task AssertHoldsAsync(ApiHost host, string encodedKey, string value, string type)
    {
        using var response = await host.GetAsync("/kv/" + encodedKey).IsAsync(HttpStatusCode.OK);
        Assert.Equal(value, await response.Content.ReadAsStringAsync());
        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
    }
}
