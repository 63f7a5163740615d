using System.Globalization;
using System.Net;
using Dmt.Core;

namespace Dmt.Api.Tests;

public sealed class KvTests
{
    [Fact]
    public async Task A_put_value_comes_back_with_its_type_and_version()
    {
        await using var host = await ApiHost.StartAsync();
        using var put = await host.SendAsync("PUT", "/kv/greeting", "héllo", "text/plain; charset=utf-8")
            .IsAsync(HttpStatusCode.NoContent);
        using var get = await host.GetAsync("/kv/greeting").IsAsync(HttpStatusCode.OK);
        Assert.Equal("héllo", await get.Content.ReadAsStringAsync());
        Assert.Equal("text/plain; charset=utf-8", get.Content.Headers.ContentType!.ToString());
        Assert.Equal(put.Headers.ETag, get.Headers.ETag);
        Assert.False(get.Headers.ETag!.IsWeak);
        Assert.Equal(
            (await host.Model.GetAsync("greeting"))!.Value.Version.ToString(CultureInfo.InvariantCulture),
            get.Headers.ETag.Tag.Trim('"'));
        Assert.False(get.Headers.Contains("X-Dmt-Expires"));
    }

    [Fact]
    public async Task Without_a_type_a_value_is_octets()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/kv/k", "v", "").IsAsync(HttpStatusCode.NoContent);
        using var get = await host.GetAsync("/kv/k").IsAsync(HttpStatusCode.OK);
        Assert.Equal("application/octet-stream", get.Content.Headers.ContentType!.ToString());
        Assert.True((await host.Model.GetAsync("k"))!.Value.Metadata.IsEmpty);
    }

    [Fact]
    public async Task Head_says_all_but_the_value()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("PUT", "/kv/k", "12345", "text/plain").IsAsync(HttpStatusCode.NoContent);
        using var head = await host.SendAsync("HEAD", "/kv/k").IsAsync(HttpStatusCode.OK);
        Assert.Equal(5, head.Content.Headers.ContentLength);
        Assert.NotNull(head.Headers.ETag);
        using var missing = await host.SendAsync("HEAD", "/kv/none").IsAsync(HttpStatusCode.NotFound);
        Assert.Empty(await missing.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task An_absent_key_is_not_found()
    {
        await using var host = await ApiHost.StartAsync();
        await host.GetAsync("/kv/none").IsProblemAsync(404, "NotFound", "none");
    }

    [Fact]
    public async Task Delete_removes_and_deletes_again_without_error()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("k", "v");
        await host.SendAsync("DELETE", "/kv/k").IsAsync(HttpStatusCode.NoContent);
        await host.SendAsync("DELETE", "/kv/k").IsAsync(HttpStatusCode.NoContent);
        Assert.Null(await host.Model.GetAsync("k"));
    }

    [Theory]
    [InlineData("a%2Fb", "a/b")]
    [InlineData("a%2fb/c", "a/b/c")]
    [InlineData("a/b//c/", "a/b//c/")]
    [InlineData("%2E", ".")]
    [InlineData("%2E%2E", "..")]
    [InlineData("..", "..")]
    [InlineData("a/../b", "a/../b")]
    [InlineData("a/%2E%2e/b", "a/../b")]
    [InlineData("%25", "%")]
    [InlineData("%2525", "%25")]
    [InlineData("a+b%20c", "a+b c")]
    [InlineData("%3Fq%3D1%26%23", "?q=1&#")]
    [InlineData("%C3%A9%F0%9F%98%80", "é😀")]
    [InlineData("kv", "kv")]
    [InlineData("%2F", "/")]
    [InlineData("%0A%7F", "\n\u007f")]
    public async Task An_encoded_key_is_exactly_its_bytes(string encoded, string key)
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("PUT", "/kv/" + encoded, "v").IsAsync(HttpStatusCode.NoContent);
        Assert.Equal("v", await host.Model.GetTextAsync(key));
        Assert.Equal("v", await host.GetAsync("/kv/" + encoded).TextAsync());
        await host.SendAsync("DELETE", "/kv/" + encoded + "?fsync=strict").IsAsync(HttpStatusCode.NoContent);
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task A_target_in_absolute_form_names_the_same_key()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("a/..", "v");
        var answer = await host.GetRawAsync($"{host.Address.GetLeftPart(UriPartial.Authority)}/kv/a/%2E%2E?");
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/kv/", "empty")]
    [InlineData("/kv/%FF", "UTF-8")]
    [InlineData("/kv/a%C3", "UTF-8")]
    [InlineData("/kv/%ED%A0%80", "UTF-8")]
    [InlineData("/kv/%4", "escape")]
    [InlineData("/kv/a%zz", "escape")]
    [InlineData("/kv/k?tll=3", "\"tll\"")]
    [InlineData("/kv/k?ttl=3&ttl=4", "twice")]
    [InlineData("/kv/k?ttl=0", "ttl")]
    [InlineData("/kv/k?ttl=-1", "ttl")]
    [InlineData("/kv/k?ttl=soon", "ttl")]
    [InlineData("/kv/k?ttl=5w", "ttl")]
    [InlineData("/kv/k?ttl=", "ttl")]
    [InlineData("/kv/k?ttl=1e400", "ttl")]
    [InlineData("/kv/k?ttl=99999999999", "ttl")]
    [InlineData("/kv/k?ttl=%FF", "UTF-8")]
    [InlineData("/kv/k?fsync=often", "durability")]
    [InlineData("/kv/k?weight=-1", "weight")]
    [InlineData("/kv/k?weight=heavy", "weight")]
    [InlineData("/kv/k?weight=Infinity", "weight")]
    public async Task A_bad_put_is_refused_and_changes_nothing(string path, string word)
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("PUT", path, "v").IsProblemAsync(400, "InvalidArgument", word);
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task The_longest_key_is_taken_and_one_byte_more_is_refused()
    {
        await using var host = await ApiHost.StartAsync();
        var longest = string.Concat(Enumerable.Repeat("%C3%A9", 512));
        await host.SendAsync("PUT", "/kv/" + longest, "v").IsAsync(HttpStatusCode.NoContent);
        Assert.Equal("v", await host.GetAsync("/kv/" + longest).TextAsync());
        await host.SendAsync("PUT", "/kv/" + longest + "x", "v").IsProblemAsync(400, "InvalidArgument", "1025", "1024");
        await host.GetAsync("/kv/" + longest + "x").IsProblemAsync(400, "InvalidArgument");
    }

    [Fact]
    public async Task The_longest_value_is_taken_and_one_byte_more_is_refused()
    {
        await using var host = await ApiHost.StartAsync(new ApiOptions { ValueBytesMax = 1000 });
        await host.SendAsync("PUT", "/kv/k", new string('v', 1000)).IsAsync(HttpStatusCode.NoContent);
        await host.SendAsync("PUT", "/kv/k2", new string('v', 1001)).IsProblemAsync(413, "TooLarge", "1001", "1000");
        using var request = new HttpRequestMessage(HttpMethod.Put, "/kv/k2");
        request.Content = new StreamContent(new MemoryStream(new byte[1001]));
        request.Headers.TransferEncodingChunked = true;
        await host.Client.SendAsync(request).IsProblemAsync(413, "TooLarge", "1000");
        Assert.Null(await host.Model.GetAsync("k2"));
    }

    [Fact]
    public async Task A_large_value_comes_back_byte_for_byte()
    {
        await using var host = await ApiHost.StartAsync();
        var value = new byte[Entry.ValueBytesMaxDefault];
        new Random(5).NextBytes(value);
        using var content = new ByteArrayContent(value);
        await host.Client.PutAsync(new Uri("/kv/k", UriKind.Relative), content).IsAsync(HttpStatusCode.NoContent);
        Assert.True(
            (await host.Client.GetByteArrayAsync(new Uri("/kv/k", UriKind.Relative))).AsSpan().SequenceEqual(value));
    }

    [Theory]
    [InlineData("ttl=30", 30_000)]
    [InlineData("ttl=0.5", 500)]
    [InlineData("ttl=30s", 30_000)]
    [InlineData("ttl=5m", 300_000)]
    [InlineData("ttl=2h", 7_200_000)]
    [InlineData("ttl=500ms", 500)]
    [InlineData("ttl=1d", 86_400_000)]
    public async Task A_time_to_live_is_told_and_kept(string query, int milliseconds)
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("PUT", "/kv/k?" + query, "v").IsAsync(HttpStatusCode.NoContent);
        using var get = await host.GetAsync("/kv/k").IsAsync(HttpStatusCode.OK);
        var told = get.Headers.GetValues("X-Dmt-Expires").Single();
        var expires = DateTimeOffset.Parse(told, CultureInfo.InvariantCulture);
        Assert.Equal(host.Clock.GetUtcNow().AddMilliseconds(milliseconds), expires);
        host.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        await host.GetAsync("/kv/k").IsProblemAsync(404, "NotFound");
    }

    [Fact]
    public async Task A_weight_is_told_and_kept_until_the_next_put()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("PUT", "/kv/k?weight=2.5", "v").IsAsync(HttpStatusCode.NoContent);
        using var heavy = await host.GetAsync("/kv/k").IsAsync(HttpStatusCode.OK);
        Assert.Equal("2.5", heavy.Headers.GetValues("X-Dmt-Weight").Single());
        await host.SendAsync("PUT", "/kv/k", "v").IsAsync(HttpStatusCode.NoContent);
        using var light = await host.GetAsync("/kv/k").IsAsync(HttpStatusCode.OK);
        Assert.False(light.Headers.Contains("X-Dmt-Weight"));
    }

    [Fact]
    public async Task If_match_writes_only_over_its_version()
    {
        await using var host = await ApiHost.StartAsync();
        using var first = await host.SendAsync("PUT", "/kv/k", "1").IsAsync(HttpStatusCode.NoContent);
        var tag = first.Headers.ETag!.Tag;
        await host.SendAsync("PUT", "/kv/k", "2", headers: ("If-Match", tag)).IsAsync(HttpStatusCode.NoContent);
        var problem = await host.SendAsync("PUT", "/kv/k", "3", headers: ("If-Match", tag))
            .IsProblemAsync(412, "Conflict");
        Assert.Equal(
            (await host.Model.GetAsync("k"))!.Value.Version, problem.GetProperty("current_version").GetUInt64());
        await host.SendAsync("DELETE", "/kv/k", headers: ("If-Match", tag)).IsProblemAsync(412, "Conflict");
        Assert.Equal("2", await host.Model.GetTextAsync("k"));
        await host.SendAsync("DELETE", "/kv/k", headers: ("If-Match", "*")).IsAsync(HttpStatusCode.NoContent);
        await host.SendAsync("DELETE", "/kv/k", headers: ("If-Match", "*")).IsProblemAsync(412, "Conflict");
        await host.SendAsync("PUT", "/kv/k", "4", headers: ("If-Match", "*")).IsProblemAsync(412, "Conflict");
    }

    [Fact]
    public async Task If_none_match_creates_and_never_replaces()
    {
        await using var host = await ApiHost.StartAsync();
        using var created = await host.SendAsync("PUT", "/kv/k", "1", headers: ("If-None-Match", "*"))
            .IsAsync(HttpStatusCode.Created);
        Assert.NotNull(created.Headers.ETag);
        await host.SendAsync("PUT", "/kv/k", "2", headers: ("If-None-Match", "*")).IsProblemAsync(412, "Conflict");
        Assert.Equal("1", await host.Model.GetTextAsync("k"));
    }

    [Theory]
    [InlineData("If-Match", "\"abc\"", 412)]
    [InlineData("If-Match", "\"0\"", 412)]
    [InlineData("If-Match", "W/\"1\"", 412)]
    [InlineData("If-Match", "1", 400)]
    [InlineData("If-Match", "\"1\", \"2\"", 400)]
    [InlineData("If-None-Match", "\"1\"", 400)]
    public async Task A_condition_that_cannot_hold_is_refused(string header, string value, int status)
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("k", "v");
        var kind = status == 412 ? "Conflict" : "InvalidArgument";
        await host.SendAsync("PUT", "/kv/k", "2", headers: (header, value)).IsProblemAsync(status, kind, header);
        Assert.Equal("v", await host.Model.GetTextAsync("k"));
    }

    [Fact]
    public async Task A_reader_that_has_the_version_is_not_sent_it_again()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("k", "v");
        using var get = await host.GetAsync("/kv/k").IsAsync(HttpStatusCode.OK);
        var tag = get.Headers.ETag!.Tag;
        foreach (var tags in new[] { tag, "W/" + tag, "\"x\", " + tag, "*" })
        {
            using var again = await host.SendAsync("GET", "/kv/k", headers: ("If-None-Match", tags))
                .IsAsync(HttpStatusCode.NotModified);
            Assert.Equal(tag, again.Headers.ETag!.Tag);
        }

        await host.SendAsync("GET", "/kv/k", headers: ("If-None-Match", "\"x\"")).IsAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_stored_page_cannot_run_in_the_console_s_origin()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("PUT", "/kv/k", "<script>1</script>", "text/html").IsAsync(HttpStatusCode.NoContent);
        using var get = await host.GetAsync("/kv/k").IsAsync(HttpStatusCode.OK);
        Assert.Contains("sandbox", get.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", get.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task A_body_that_stops_half_way_changes_nothing()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendRawAsync("PUT /kv/k HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
        await host.SendRawAsync("PUT /kv/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Theory]
    [InlineData("no type")]
    [InlineData("text/")]
    public async Task A_content_type_that_is_none_is_refused(string type)
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.SendRawAsync(
            $"PUT /kv/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {type}\r\nContent-Length: 1\r\n\r\nv",
            false);
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("media type", answer, StringComparison.Ordinal);
        Assert.Equal(0, await host.Model.CountAsync(default));
    }
}
