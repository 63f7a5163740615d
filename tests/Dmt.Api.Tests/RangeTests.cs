using System.Net;
using System.Text.Json;
using Dmt.Core;

namespace Dmt.Api.Tests;

public sealed class RangeTests
{
    private static readonly string[] Keys = ["a", "b", "b/1", "b/2", "c", "é"];

    [Theory]
    [InlineData("", "a b b/1 b/2 c é")]
    [InlineData("start_key=b", "b b/1 b/2 c é")]
    [InlineData("end_key=c", "a b b/1 b/2")]
    [InlineData("start_key=b%2F1&end_key=c", "b/1 b/2")]
    [InlineData("prefix=b", "b b/1 b/2")]
    [InlineData("prefix=b&start_key=b%2F&end_key=b%2F2", "b/1")]
    [InlineData("prefix=b&start_key=a&end_key=z", "b b/1 b/2")]
    [InlineData("start_key=c&end_key=a", "")]
    [InlineData("prefix=b&start_key=c", "")]
    [InlineData("reverse=true&start_key=b&end_key=%C3%A9", "c b/2 b/1 b")]
    [InlineData("reverse&limit=2", "é c")]
    [InlineData("reverse=false&limit=1&start_key=&end_key=", "a")]
    public async Task A_range_gives_its_pairs_in_order_and_counts_them(string query, string expected)
    {
        await using var host = await StartAsync();
        var keys = expected.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(keys, KeysOf(await host.JsonAsync("/bulk/range?" + query)));
        var lines = await host.GetAsync("/bulk/range?format=ndjson&" + query).TextAsync();
        Assert.Equal(keys, KeysOfLines(lines));
        if (!query.Contains("limit", StringComparison.Ordinal) && !query.Contains("reverse", StringComparison.Ordinal))
        {
            Assert.Equal(keys.Length, (await host.JsonAsync("/api/v1/count?" + query)).GetProperty("count").GetInt64());
        }
    }

    [Theory]
    [InlineData(1, "")]
    [InlineData(2, "")]
    [InlineData(5, "&reverse=true")]
    [InlineData(7, "&prefix=k1")]
    [InlineData(50, "")]
    public async Task Page_after_page_gives_the_whole_range(int limit, string more)
    {
        await using var host = await ApiHost.StartAsync(new ApiOptions { MaxRangeResponse = 50 });
        for (var i = 0; i < 120; i++)
        {
            await host.Model.PutAsync($"k{i:D3}", $"v{i}");
        }

        var all = KeysOfLines(await host.GetAsync("/bulk/range?format=ndjson" + more).TextAsync());
        Assert.Equal(more == "&prefix=k1" ? 20 : 120, all.Count);
        var paged = new List<string>();
        var cursor = "";
        while (true)
        {
            var page = await host.JsonAsync($"/bulk/range?limit={limit}{more}{cursor}");
            Assert.True(KeysOf(page).Count <= limit);
            paged.AddRange(KeysOf(page));
            if (!page.TryGetProperty("cursor", out var next))
            {
                break;
            }

            cursor = "&cursor=" + Uri.EscapeDataString(next.GetString()!);
        }

        Assert.Equal(all, paged);
        Assert.Equal(50, KeysOf(await host.JsonAsync("/bulk/range")).Count);
    }

    [Fact]
    public async Task A_pair_says_all_that_there_is_to_know()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync(new byte[] { 0xFF }, new byte[] { 0xFE }, new WriteOptions
        {
            Metadata = new EntryMetadata("image/png", 2.5).Encode(),
            TimeToLive = TimeSpan.FromSeconds(1.5),
        });
        await host.Model.PutAsync("k", "é\"");
        var results = (await host.JsonAsync("/bulk/range")).GetProperty("results");
        Assert.Equal("{\"key\":\"k\",\"value\":\"é\\\"\",\"version\":2}", results[0].GetRawText());
        Assert.Equal(
            "{\"key_base64\":\"/w==\",\"value_base64\":\"/g==\",\"content_type\":\"image/png\",\"weight\":2.5,"
            + "\"version\":1,\"expires_at\":\"2030-01-01T00:00:01.5Z\"}",
            results[1].GetRawText());
    }

    [Fact]
    public async Task Lines_come_by_accept_header_without_limit_or_with_one()
    {
        await using var host = await ApiHost.StartAsync(new ApiOptions { MaxRangeResponse = 10 });
        var batch = new WriteBatch();
        for (var i = 0; i < 3500; i++)
        {
            batch.Put(Core.Keys.Key.FromText($"k{i:D4}"), new byte[i % 50]);
        }

        await host.Model.WriteAsync(batch);
        using var response = await host.SendAsync("GET", "/bulk/range", headers: ("Accept", "application/x-ndjson"));
        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.MediaType);
        var all = KeysOfLines(await response.Content.ReadAsStringAsync());
        Assert.Equal(Enumerable.Range(0, 3500).Select(i => $"k{i:D4}"), all);
        Assert.Equal(all[..2345], KeysOfLines(await host.GetAsync("/bulk/range?format=ndjson&limit=2345").TextAsync()));
        Assert.Equal(10, KeysOf(await host.JsonAsync("/bulk/range?format=json")).Count);
    }

    [Fact]
    public async Task A_stream_that_fails_half_way_is_cut_and_never_looks_whole()
    {
        var reads = 0;
        await using var host = await ApiHost.StartAsync(wrap: store => new HookedStore(store)
        {
            BeforeRead = _ =>
                ++reads > 2 ? throw DmtException.Corruption("table 7", 42, "bad checksum") : Task.CompletedTask,
        });
        var batch = new WriteBatch();
        for (var i = 0; i < 5000; i++)
        {
            batch.Put(BitConverter.GetBytes(i), new byte[10]);
        }

        await host.Model.WriteAsync(batch);
        using var response = await host.Client.GetAsync(
            new Uri("/bulk/range?format=ndjson", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "1000")]
    [InlineData("limit=0&format=ndjson", "limit")]
    [InlineData("reverse=yes", "reverse")]
    [InlineData("format=csv", "format")]
    [InlineData("cursor=bad", "cursor")]
    [InlineData("cursor=bad&format=ndjson", "cursor")]
    [InlineData("start_key=%FF", "UTF-8")]
    [InlineData("end_key=%C3", "UTF-8")]
    [InlineData("prefix=%F", "escape")]
    [InlineData("start=a", "\"start\"")]
    public async Task A_bad_range_is_refused(string query, string word)
    {
        await using var host = await StartAsync();
        await host.GetAsync("/bulk/range?" + query).IsProblemAsync(400, "InvalidArgument", word);
    }

    [Theory]
    [InlineData("limit=5", "\"limit\"")]
    [InlineData("prefix=%FF", "UTF-8")]
    public async Task A_bad_count_is_refused(string query, string word)
    {
        await using var host = await StartAsync();
        await host.GetAsync("/api/v1/count?" + query).IsProblemAsync(400, "InvalidArgument", word);
    }

    [Theory]
    [InlineData("b", "a c é")]
    [InlineData("b%2F", "a b c é")]
    [InlineData("b/", "a b c é")]
    [InlineData("%C3%A9", "a b b/1 b/2 c")]
    [InlineData("..", "a b b/1 b/2 c é")]
    [InlineData("?all=true", "")]
    [InlineData("b?fsync=strict", "a c é")]
    public async Task Deleting_a_prefix_removes_what_begins_so(string prefix, string left)
    {
        await using var host = await StartAsync();
        await host.SendAsync("DELETE", "/bulk/prefix/" + prefix).IsAsync(HttpStatusCode.NoContent);
        Assert.Equal(
            left.Split(' ', StringSplitOptions.RemoveEmptyEntries), KeysOf(await host.JsonAsync("/bulk/range")));
    }

    [Theory]
    [InlineData("", "all=true")]
    [InlineData("?all=false", "all=true")]
    [InlineData("%C3", "UTF-8")]
    [InlineData("b?al=true", "\"al\"")]
    public async Task A_bad_prefix_delete_changes_nothing(string prefix, string word)
    {
        await using var host = await StartAsync();
        await host.SendAsync("DELETE", "/bulk/prefix/" + prefix).IsProblemAsync(400, "InvalidArgument", word);
        Assert.Equal(Keys.Length, await host.Model.CountAsync(default));
    }

    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync();
        foreach (var key in Keys)
        {
            await host.Model.PutAsync(key, "v");
        }

        return host;
    }

    private static List<string> KeysOf(JsonElement page) =>
        [.. page.GetProperty("results").EnumerateArray().Select(pair => pair.GetProperty("key").GetString()!)];

    private static List<string> KeysOfLines(string lines) =>
    [
        .. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("key").GetString()!),
    ];
}
