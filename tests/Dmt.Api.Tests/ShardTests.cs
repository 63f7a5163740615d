using System.Net;
using System.Text;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Objects;

namespace Dmt.Api.Tests;

/// <summary>Shards over HTTP, of a real store in memory.</summary>
public sealed class ShardTests : IAsyncLifetime
{
    private const string Path = "/admin/shards";
    private TrieStore _store = null!;

    public async Task InitializeAsync() =>
        _store = await TrieStore.OpenAsync(new MemoryObjectStore(TimeProvider.System), new EngineOptions());

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task Shards_are_split_listed_and_merged_and_every_key_stays()
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        foreach (var key in new[] { "a", "tea", "tree", "try", "z" })
        {
            await _store.PutAsync(key, key);
        }

        var made = await host.SendAsync("POST", Path, "{\"prefixes\":[\"tr\",\"a\"]}")
            .IsAsync(HttpStatusCode.Created).TextAsync();
        Assert.StartsWith(
            "{\"shards\":[{\"shard\":2,\"prefix\":\"tr\",\"parent\":1,\"open\":true,\"table_bytes\":", made);
        await host.SendAsync("POST", Path, "{\"prefix\":\"t\"}").IsAsync(HttpStatusCode.Created);
        Assert.Equal(["1 \"\" ", "3 \"a\" 1", "4 \"t\" 1", "2 \"tr\" 4"], await ListAsync(host));
        Assert.Equal(
            "{\"results\":[\"tea\",\"tree\",\"try\"]}",
            await host.GetAsync("/search?q=t").IsAsync(HttpStatusCode.OK).TextAsync());

        await host.SendAsync("DELETE", Path + "/4").IsAsync(HttpStatusCode.NoContent);
        await host.SendAsync("DELETE", Path + "/4").IsProblemAsync(404, "NotFound", "there is no shard 4");
        Assert.Equal(["1 \"\" ", "3 \"a\" 1", "2 \"tr\" 1"], await ListAsync(host));
        Assert.Equal(
            "{\"results\":[\"a\",\"tea\",\"tree\",\"try\",\"z\"]}",
            await host.GetAsync("/search").IsAsync(HttpStatusCode.OK).TextAsync());
    }

    [Fact]
    public async Task What_an_open_shard_holds_is_told()
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        await _store.PutAsync("a", "1");
        await _store.PutAsync("b", "2");
        var root = (await host.JsonAsync(Path)).GetProperty("shards")[0];
        Assert.Equal(0, root.GetProperty("table_bytes").GetInt64());
        Assert.Equal(2, root.GetProperty("entries_max").GetInt64());
        Assert.Equal(2, root.GetProperty("sequence").GetInt64());
        Assert.Equal(1, root.GetProperty("epoch").GetInt64());
        await _store.FlushAsync();
        root = (await host.JsonAsync(Path)).GetProperty("shards")[0];
        Assert.True(root.GetProperty("table_bytes").GetInt64() > 0);
        Assert.Equal(2, root.GetProperty("entries_max").GetInt64());
    }

    [Fact]
    public async Task A_prefix_that_is_no_text_comes_and_goes_as_base64()
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        var made = await host.SendAsync("POST", Path, "{\"prefixes_base64\":[\"/w==\"]}")
            .IsAsync(HttpStatusCode.Created).TextAsync();
        Assert.StartsWith("{\"shards\":[{\"shard\":2,\"prefix_base64\":\"/w==\",\"parent\":1,", made);
    }

    [Fact]
    public async Task A_prefix_is_subject_to_the_key_policy()
    {
        var options = new ApiOptions { KeyPolicy = KeyPolicy.Alphanumeric };
        await using var host = await ApiHost.StartAsync(options, _ => _store);
        await host.SendAsync("POST", Path, "{\"prefix\":\"User\"}").IsAsync(HttpStatusCode.Created);
        Assert.Equal(["1 \"\" ", "2 \"user\" 1"], await ListAsync(host));
        await host.SendAsync("POST", Path, "{\"prefix\":\"user/\"}")
            .IsProblemAsync(400, "InvalidArgument", "letters and digits");
    }

    [Theory]
    [InlineData("{}", "the body has no prefix")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{\"prefix\":7}", "must be a string")]
    [InlineData("{\"prefix\":\"\"}", "expected 1 to 1024 bytes")]
    [InlineData("{\"prefix\":\"b\",\"prefixes\":[\"c\"]}", "twice")]
    [InlineData("{\"prefixes\":\"b\"}", "must be an array")]
    [InlineData("{\"prefixes\":[]}", "expected at least 1")]
    [InlineData("{\"prefixes\":[\"b\",\"b\"]}", "none is under another")]
    [InlineData("{\"prefixes\":[\"b\",\"ab\"]}", "expected all in one")]
    [InlineData("{\"prefixes\":[\"b\",\"bc\"]}", "none is under another")]
    [InlineData("{\"prefixes\":[\"b\"", "malformed JSON")]
    [InlineData("{\"prefixes_base64\":[\"?\"]}", "no base64")]
    [InlineData("{\"prefix\":\"a\"}", "\"a\" is the prefix of shard 2 already")]
    [InlineData("{\"at\":\"b\"}", "unknown member \"at\"")]
    public async Task A_bad_split_is_refused_and_changes_nothing(string body, string says)
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        await _store.SplitShardAsync([Encoding.UTF8.GetBytes("a")]);
        await host.SendAsync("POST", Path, body).IsProblemAsync(400, "InvalidArgument", says);
        Assert.Equal(["1 \"\" ", "2 \"a\" 1"], await ListAsync(host));
    }

    [Theory]
    [InlineData("1", 400, "InvalidArgument", "is the root")]
    [InlineData("0", 400, "InvalidArgument", "no number of a shard")]
    [InlineData("a", 400, "InvalidArgument", "no number of a shard")]
    [InlineData("4294967296", 400, "InvalidArgument", "no number of a shard")]
    [InlineData("7", 404, "NotFound", "there is no shard 7")]
    public async Task A_bad_merge_is_refused(string id, int status, string kind, string says)
    {
        await using var host = await ApiHost.StartAsync(wrap: _ => _store);
        await host.SendAsync("DELETE", $"{Path}/{id}").IsProblemAsync(status, kind, says);
    }

    [Fact]
    public async Task A_store_without_shards_says_so()
    {
        await using var host = await ApiHost.StartAsync();
        await host.GetAsync(Path).IsProblemAsync(501, "NotSupported", "no shards");
        await host.SendAsync("POST", Path, "{\"prefix\":\"a\"}").IsProblemAsync(501, "NotSupported");
        await host.SendAsync("DELETE", Path + "/2").IsProblemAsync(501, "NotSupported");
    }

    /// <summary>Number, prefix and parent of each.</summary>
    private static async Task<IEnumerable<string>> ListAsync(ApiHost host) =>
        (await host.JsonAsync(Path)).GetProperty("shards").EnumerateArray().Select(static shard =>
            $"{shard.GetProperty("shard")} \"{shard.GetProperty("prefix").GetString()}\" "
                + (shard.TryGetProperty("parent", out var parent) ? parent.ToString() : ""));
}
