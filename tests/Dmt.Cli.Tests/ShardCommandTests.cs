using Dmt.Core;
using Dmt.Engine;
using Dmt.Hosting;

namespace Dmt.Cli.Tests;

/// <summary><c>dmt shard</c> over a real folder, and over a server that has one.</summary>
public sealed class ShardCommandTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Shards_of_a_folder_are_split_listed_and_merged()
    {
        await using (var store = await TrieStore.OpenAsync(_cli.Data))
        {
            await store.PutAsync("tree", "1");
        }

        Assert.Contains("│ \"tr\" ", (await FolderAsync("shard", "split", "b", "tr")).AssertOk().Text);
        var json = (await FolderAsync("shard", "list", "--json")).AssertOk().Text;
        Assert.StartsWith("{\"shards\":[{\"shard\":1,\"prefix\":\"\",\"open\":true,", json);

        // Nobody has asked for them since the folder was opened, and the list does not.
        Assert.Contains("{\"shard\":2,\"prefix\":\"b\",\"parent\":1,\"open\":false}", json);
        Assert.Contains("{\"shard\":3,\"prefix\":\"tr\",\"parent\":1,\"open\":false}", json);
        (await FolderAsync("shard", "merge", "3")).AssertOk();
        Assert.Contains("no shard 3", (await FolderAsync("shard", "merge", "3")).AssertFailed(ExitCodes.Negative));
        Assert.Contains("is the root", (await FolderAsync("shard", "merge", "1")).AssertFailed(ExitCodes.BadInput));
        var table = (await FolderAsync("shard", "list")).AssertOk().Text;
        Assert.DoesNotContain("\"tr\"", table);
        Assert.Contains("│ \"b\" ", table);
        await using var again = await TrieStore.OpenAsync(_cli.Data);
        Assert.Equal("1", await again.GetTextAsync("tree"));
    }

    [Fact]
    public async Task A_server_splits_and_merges_while_it_runs()
    {
        await using var store = await TrieStore.OpenAsync(_cli.Data);
        await using var server = await TestServer.StartAsync(wrap: _ => store);
        await store.PutAsync("tree", "1");
        Assert.Contains("│ \"é\" ", (await AskAsync("shard", "split", "b", "é")).AssertOk().Text);
        Assert.Contains("already", (await AskAsync("shard", "split", "b")).AssertFailed(ExitCodes.BadInput));
        await server.Client.SplitShardAsync([new byte[] { 0xFF, 0x01 }]);
        Assert.Contains("│ \"0xFF01\" ", (await AskAsync("shard", "list")).AssertOk().Text);
        Assert.Equal(
            (await store.ListShardsAsync()).Select(Describe), (await server.Client.ListShardsAsync()).Select(Describe));
        (await AskAsync("shard", "merge", "4")).AssertOk();
        Assert.Contains("no shard 4", (await AskAsync("shard", "merge", "4")).AssertFailed(ExitCodes.Negative));
        Assert.Contains("is the root", (await AskAsync("shard", "merge", "1")).AssertFailed(ExitCodes.BadInput));
        Assert.Equal(3, (await store.ListShardsAsync()).Count);
        Assert.Equal("1", await store.GetTextAsync("tree"));

        Task<CliResult> AskAsync(params string[] arguments) =>
            _cli.RunAsync([.. arguments, "--url", server.Url.AbsoluteUri]);

        static (uint, string, uint?, OpenShard?) Describe(ShardInfo info) =>
            (info.Shard, Convert.ToHexString(info.Prefix.Span), info.Parent,
                info.Open is { } open ? open with { OperationsPerSecond = 0 } : null); // It changes by the second.
    }

    [Theory]
    [InlineData("shard merge x", "no number of a shard")]
    [InlineData("shard merge", "needs ID")]
    [InlineData("shard split", "needs PREFIX")]
    [InlineData("shard", "list, split, merge")]
    public async Task A_bad_command_line_is_refused(string line, string says) => Assert.Contains(
        says, (await _cli.RunAsync(line.Split(' '))).AssertFailed(ExitCodes.BadInput));

    [Fact]
    public async Task An_empty_prefix_is_refused() => Assert.Contains(
        "PREFIX is empty", (await _cli.RunAsync("shard", "split", "a", "")).AssertFailed(ExitCodes.BadInput));

    [Fact]
    public async Task A_store_without_shards_says_so()
    {
        // The stand-in has none.
        var line = (await _cli.RunAsync("shard", "list", "--data", _cli.Data)).AssertFailed(ExitCodes.BadInput);
        Assert.Contains("this store has no shards", line);
    }

    private async Task<CliResult> FolderAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        var io = _cli.Io([], output, error) with
        {
            OpenFolder = static async (folder, options, stop) => await TrieStore.OpenAsync(
                folder, options, TimeProvider.System, stop),
        };
        var exitCode = await DmtProgram.RunAsync([.. arguments, "--data", _cli.Data], io, default);
        return new(exitCode, output.ToArray(), error.ToString());
    }
}
