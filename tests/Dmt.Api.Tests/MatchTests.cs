using System.Net;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;
using Dmt.Engine.Objects;

namespace Dmt.Api.Tests;

/// <summary>Search by segments over HTTP, of a real store in memory.</summary>
public sealed class MatchTests : IAsyncLifetime
{
    private TrieStore _store = null!;

    public async Task InitializeAsync()
    {
        _store = await TrieStore.OpenAsync(
            new MemoryObjectStore(TimeProvider.System),
            new EngineOptions { Keyspaces = [Keyspace.Separated("shop", "", "/", 3)] });
        foreach (var key in (string[])["eu/books/1", "eu/books/2", "us/books/1", "us/cars/1", "other"])
        {
            await _store.PutAsync(key, "v " + key);
        }
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Theory]
    [InlineData("*/books/*", "eu/books/1 eu/books/2 us/books/1")]
    [InlineData("*/*/1", "eu/books/1 us/books/1 us/cars/1")]
    [InlineData("us/*/1", "us/books/1 us/cars/1")]
    [InlineData("us/cars/1", "us/cars/1")]
    [InlineData("*/none/*", "")]
    public async Task Keys_are_found_by_any_of_their_segments(string pattern, string expected)
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        foreach (var consistency in (string[])["", "&consistency=strong", "&consistency=eventual"])
        {
            var answer = await host.JsonAsync("/kv?match=" + Uri.EscapeDataString(pattern) + consistency);
            var keys = answer.GetProperty("results").EnumerateArray().Select(one => one.GetProperty("key").GetString());
            Assert.Equal(expected, string.Join(' ', keys.Order(StringComparer.Ordinal)));
            Assert.False(answer.TryGetProperty("cursor", out _));
        }
    }

    [Fact]
    public async Task Pages_follow_each_other_and_values_come_when_they_are_asked_for()
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        var found = new List<string>();
        var cursor = "";
        do
        {
            var page = await host.JsonAsync($"/kv?match=*/books/*&keyspace=shop&limit=1&values=true{cursor}");
            var one = Assert.Single(page.GetProperty("results").EnumerateArray());
            Assert.Equal("v " + one.GetProperty("key").GetString(), one.GetProperty("value").GetString());
            found.Add(one.GetProperty("key").GetString()!);
            cursor = page.TryGetProperty("cursor", out var next) ? "&cursor=" + next.GetString() : null;
        }
        while (cursor is not null);
        Assert.Equal(["eu/books/1", "eu/books/2", "us/books/1"], found.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("/kv", "match is missing")]
    [InlineData("/kv?match=*/books", "2 segments")]
    [InlineData("/kv?match=a*/b/c", "star among")]
    [InlineData("/kv?match=*/b/c&keyspace=none", "expected one of shop")]
    [InlineData("/kv?match=*/b/c&cursor=AAAA", "cursor")]
    [InlineData("/kv?match=*/b/c&limit=0", "limit")]
    [InlineData("/kv?match=*/b/c&consistency=maybe", "consistency must be")]
    public async Task What_is_wrong_with_a_request_is_told(string path, string wrong)
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        await host.GetAsync(path).IsProblemAsync(400, "InvalidArgument", wrong);
    }

    [Fact]
    public async Task A_cursor_of_another_pattern_is_refused()
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        var cursor = (await host.JsonAsync("/kv?match=*/books/*&limit=1")).GetProperty("cursor").GetString();
        await host.GetAsync($"/kv?match=*/cars/*&cursor={cursor}").IsProblemAsync(400, "InvalidArgument", "another");
    }

    [Fact]
    public async Task Keyspaces_are_listed_and_rebuilt()
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        await host.JsonAsync("/kv?match=*/*/*");
        var info = Assert.Single(
            (await host.JsonAsync("/admin/keyspaces")).GetProperty("keyspaces").EnumerateArray());
        Assert.Equal("shop", info.GetProperty("name").GetString());
        Assert.Equal(3, info.GetProperty("copies").GetInt32());
        Assert.True(info.GetProperty("built").GetBoolean());
        await host.SendAsync("POST", "/admin/keyspaces/shop/rebuild").IsAsync(HttpStatusCode.Accepted);
        Assert.Equal(4, (await host.JsonAsync("/kv?match=*/*/*")).GetProperty("results").GetArrayLength());
        await host.SendAsync("POST", "/admin/keyspaces/x/rebuild").IsProblemAsync(404, "NotFound", "no keyspace x");
    }

    [Fact]
    public async Task A_store_without_keyspaces_says_so()
    {
        await using var host = await ApiHost.StartAsync();
        await host.GetAsync("/kv?match=*/b/c").IsProblemAsync(501, "NotSupported", "no keyspaces");
    }

    [Fact]
    public async Task A_key_that_is_too_long_for_its_copies_is_refused_and_not_stored()
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        var key = $"a/b/{new string('x', 1010)}";
        await host.SendAsync("PUT", "/kv/" + key, "v").IsProblemAsync(413, "TooLarge", "too long for keyspace shop");
        Assert.Null(await _store.GetAsync(key));
        await host.SendAsync("PUT", $"/kv/other/{new string('x', 1010)}", "v").IsAsync(HttpStatusCode.NoContent);
    }
}
