using System.Text.Json;
using Dmt.Core;

namespace Dmt.Api.Tests;

public sealed class SearchTests
{
    private static readonly string[] Words =
        ["a", "ab", "abc", "b", "tree", "trial", "triangle", "tribe", "trie", "tries", "trö", "z"];

    [Theory]
    [InlineData("")]
    [InlineData("tr")]
    [InlineData("trie")]
    [InlineData("tr%C3%B6")]
    [InlineData("none")]
    public async Task Search_gives_the_words_that_begin_so_in_order(string q)
    {
        await using var host = await StartAsync();
        var prefix = Uri.UnescapeDataString(q);
        var result = await host.JsonAsync("/search?q=" + q);
        Assert.Equal(Words.Where(word => word.StartsWith(prefix, StringComparison.Ordinal)), Results(result));
        Assert.False(result.TryGetProperty("cursor", out _));
    }

    [Fact]
    public async Task Search_without_a_prefix_gives_all_words_up_to_the_default_limit()
    {
        await using var host = await StartAsync();
        Assert.Equal(Words, Results(await host.JsonAsync("/search")));
        for (var i = 0; i < 200; i++)
        {
            await host.Model.PutAsync($"n{i:D3}", "");
        }

        Assert.Equal(100, Results(await host.JsonAsync("/search")).Count);
        Assert.Equal(200, Results(await host.JsonAsync("/search?q=n&limit=1000")).Count);
    }

    [Theory]
    [InlineData("alphabetical", 1)]
    [InlineData("alphabetical", 5)]
    [InlineData("weight", 1)]
    [InlineData("weight", 2)]
    [InlineData("weight", 5)]
    [InlineData("weight", 12)]
    [InlineData("weight", 100)]
    public async Task Page_after_page_gives_the_whole_list(string order, int limit)
    {
        await using var host = await StartAsync();
        var expected = order == "weight" ? Words.OrderByDescending(Weight)
            .ThenBy(word => word, StringComparer.Ordinal) : Words.AsEnumerable();
        Assert.Equal(expected, await PagesAsync(host, $"/search?order={order}&limit={limit}", limit));
    }

    [Fact]
    public async Task Pages_by_weight_agree_with_sorting_for_many_words()
    {
        await using var host = await ApiHost.StartAsync();
        var random = new Random(11);
        var words = new List<(string Word, double Weight)>();
        var batch = new WriteBatch();
        for (var i = 0; i < 10_000; i++)
        {
            words.Add(($"w{i:D5}", random.Next(100) / 4.0));
            batch.Put(Key(words[^1].Word), [], metadata: new EntryMetadata(null, words[^1].Weight).Encode());
        }

        await host.Model.WriteAsync(batch);
        var expected = words.OrderByDescending(pair => pair.Weight).ThenBy(pair => pair.Word, StringComparer.Ordinal)
            .Select(pair => pair.Word);
        Assert.Equal(expected, await PagesAsync(host, "/search?q=w&order=weight&limit=1000", 1000));
    }

    [Fact]
    public async Task Keys_that_are_no_text_are_left_out_and_pages_stay_full()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("a", "");
        for (byte i = 0; i < 10; i++)
        {
            await host.Model.PutAsync(new byte[] { (byte)'a', 0xFF, i }, default);
            await host.Model.PutAsync(new byte[] { (byte)'b', i }, default);
        }

        var expected = Enumerable.Range(0, 10).Select(i => "b" + (char)i).Prepend("a").ToList();
        Assert.Equal(expected, await PagesAsync(host, "/search?limit=4", 4));
        Assert.Equal(expected, await PagesAsync(host, "/search?limit=4&order=weight", 4));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "1000")]
    [InlineData("limit=ten", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("order=random", "order")]
    [InlineData("cursor=", "cursor")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("cursor=a!!", "cursor")]
    [InlineData("cursor=w!!", "cursor")]
    [InlineData("order=weight&cursor=wAAAA", "cursor")]
    [InlineData("order=weight&cursor=w!!!!!!!!!!!!!!!!", "cursor")]
    [InlineData("order=weight&cursor=afoo", "cursor")]
    [InlineData("q=%FF", "UTF-8")]
    [InlineData("q=%F", "escape")]
    [InlineData("query=x", "\"query\"")]
    [InlineData("q=a&q=b", "twice")]
    public async Task A_bad_search_is_refused(string query, string word)
    {
        await using var host = await StartAsync();
        await host.GetAsync("/search?" + query).IsProblemAsync(400, "InvalidArgument", word);
    }

    [Fact]
    public async Task A_prefix_longer_than_any_key_is_refused()
    {
        await using var host = await StartAsync();
        await host.GetAsync("/search?q=" + new string('a', 1025)).IsProblemAsync(400, "InvalidArgument", "1025");
        Assert.Empty(Results(await host.JsonAsync("/search?q=" + new string('a', 1024))));
    }

    private static double Weight(string word) => word.Length % 3;

    private static byte[] Key(string text) => Core.Keys.Key.FromText(text);

    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync();
        foreach (var word in Words)
        {
            await host.Model
                .PutAsync(word, "", new WriteOptions { Metadata = new EntryMetadata(null, Weight(word)).Encode() });
        }

        return host;
    }

    private static List<string> Results(JsonElement page) =>
        [.. page.GetProperty("results").EnumerateArray().Select(word => word.GetString()!)];

    private static async Task<List<string>> PagesAsync(ApiHost host, string path, int limit)
    {
        var all = new List<string>();
        var cursor = "";
        while (true)
        {
            var page = await host.JsonAsync(path + cursor);
            var results = Results(page);
            Assert.True(results.Count <= limit);
            all.AddRange(results);
            if (!page.TryGetProperty("cursor", out var next))
            {
                return all;
            }

            Assert.Equal(limit, results.Count);
            cursor = "&cursor=" + Uri.EscapeDataString(next.GetString()!);
        }
    }
}
