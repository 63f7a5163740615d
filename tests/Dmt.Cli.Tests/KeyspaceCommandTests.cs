using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;

namespace Dmt.Cli.Tests;

/// <summary><c>dmt search --match</c> and <c>dmt keyspace</c>, over a server.</summary>
public sealed class KeyspaceCommandTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Keys_are_searched_by_their_segments()
    {
        await using var store = await OpenAsync();
        await using var server = await TestServer.StartAsync(wrap: _ => store);
        for (var i = 0; i < 1500; i++)
        {
            await store.PutAsync($"s/{i % 2}/books/{i:D4}", "v");
        }

        Assert.Equal("s/1/books/0007\n", (await AskAsync("--match", "*/*/0007")).AssertOk().Text);
        Assert.Equal(
            "[\"s/0/books/0000\",\"s/0/books/0002\"]\n",
            (await AskAsync("--match", "0/books/*", "--limit", "2", "--json")).AssertOk().Text);
        var all = (await AskAsync("--match", "*/books/*", "--keyspace", "shop", "--limit", "2000")).AssertOk().Text;
        Assert.Equal(1500, all.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct().Count());
        Assert.Equal(ExitCodes.Negative, (await AskAsync("--match", "*/cars/*")).ExitCode);
        Assert.Contains("2 segments", (await AskAsync("--match", "*/books")).AssertFailed(ExitCodes.BadInput));
        Assert.Contains(
            "expected one of shop",
            (await AskAsync("--match", "*/*/*", "--keyspace", "x")).AssertFailed(ExitCodes.BadInput));

        Task<CliResult> AskAsync(params string[] arguments) =>
            _cli.RunAsync(["search", .. arguments, "--url", server.Url.AbsoluteUri]);
    }

    [Fact]
    public async Task A_prefix_and_a_pattern_do_not_go_together()
    {
        Assert.Contains(
            "not both", (await _cli.RunAsync(["search", "a", "--match", "*"])).AssertFailed(ExitCodes.BadInput));
        Assert.Contains("not both", (await _cli.RunAsync(["search"])).AssertFailed(ExitCodes.BadInput));
        Assert.Contains("'*/books/*'", (await _cli.RunAsync(["search", "--help"])).AssertOk().Text);
    }

    [Fact]
    public async Task Keyspaces_are_listed_and_rebuilt()
    {
        await using var store = await OpenAsync();
        await using var server = await TestServer.StartAsync(wrap: _ => store);
        await store.PutAsync("s/a/b/c", "v");
        await server.Client.MatchAsync(new MatchRequest { Pattern = "*/*/*" });
        var table = (await AskAsync("list")).AssertOk().Text;
        Assert.Contains("│ shop ", table);
        Assert.Contains(" yes ", table);
        Assert.StartsWith(
            "{\"keyspaces\":[{\"name\":\"shop\",\"prefix\":\"s/\",\"separator\":\"/\",\"segments\":3,\"copies\":3,",
            (await AskAsync("list", "--json")).AssertOk().Text);
        (await AskAsync("rebuild", "shop")).AssertOk();
        Assert.Contains("no keyspace x", (await AskAsync("rebuild", "x")).AssertFailed(ExitCodes.Negative));
        var page = await server.Client.MatchAsync(new MatchRequest { Pattern = "*/b/*", WithValues = true });
        Assert.Equal("v"u8.ToArray(), Assert.Single(page.Results).Entry!.Value.Value.ToArray());

        Task<CliResult> AskAsync(params string[] arguments) =>
            _cli.RunAsync(["keyspace", .. arguments, "--url", server.Url.AbsoluteUri]);
    }

    private ValueTask<TrieStore> OpenAsync() => TrieStore.OpenAsync(
        _cli.Data, new EngineOptions { Keyspaces = [Keyspace.Separated("shop", "s/", "/", 3)] });
}
