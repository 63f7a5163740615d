using Dmt.Core;
using Dmt.Engine;
using Dmt.Hosting;

namespace Dmt.Cli.Tests;

/// <summary><c>dmt checkpoint</c> and <c>dmt gc</c> over real folders, and over a server that has one.</summary>
public sealed class MaintenanceTests : IDisposable
{
    private readonly CliHarness _cli = new();

    private string Data => _cli.Data;

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_checkpoint_is_created_listed_restored_and_deleted()
    {
        await PutAsync("a", "1");
        Assert.Contains("x: 1 tables", (await RunAsync("checkpoint", "create", "x")).AssertOk().Text);
        Assert.Contains("already", (await RunAsync("checkpoint", "create", "x")).AssertFailed(ExitCodes.Negative));
        await PutAsync("a", "2");
        Assert.Contains("│ x ", (await RunAsync("checkpoint", "list")).AssertOk().Text);
        var json = (await RunAsync("checkpoint", "list", "--json")).AssertOk().Text;
        Assert.StartsWith("{\"checkpoints\":[{\"name\":\"x\",\"created_at\":\"", json);
        (await RunAsync("checkpoint", "restore", "x")).AssertOk();
        Assert.Equal("1", await GetAsync("a"));
        (await RunAsync("checkpoint", "delete", "x")).AssertOk();
        Assert.Contains("no checkpoint", (await RunAsync("checkpoint", "delete", "x"))
            .AssertFailed(ExitCodes.Negative));
        Assert.Contains("no checkpoint", (await RunAsync("checkpoint", "restore", "x"))
            .AssertFailed(ExitCodes.BadInput));
        Assert.Equal("1", await GetAsync("a"));
    }

    [Fact]
    public async Task Garbage_is_shown_by_a_dry_run_and_then_deleted()
    {
        await PutAsync("a", "1");
        var stray = Path.Combine(Data, "shards/1/tables/0000000000-0000000007.table");
        await File.WriteAllBytesAsync(stray, new byte[100]);
        var dry = (await RunAsync("gc", "--dry-run")).AssertOk().Text;
        Assert.Contains("0000000000-0000000007.table  100", dry);
        Assert.Contains("no manifest and no checkpoint names it", dry);
        Assert.Contains("1 objects", dry);
        Assert.Contains("0 objects", (await RunAsync("gc", "--min-age", "1h")).AssertOk().Text);
        Assert.True(File.Exists(stray));
        var json = (await RunAsync("gc", "--json", "--min-age", "0")).AssertOk().Text;
        Assert.StartsWith("{\"dry_run\":false,\"deleted\":[", json);
        Assert.Contains("{\"name\":\"shards/1/tables/0000000000-0000000007.table\",\"bytes\":100,", json);
        Assert.False(File.Exists(stray));
        Assert.Equal("1", await GetAsync("a"));
    }

    [Fact]
    public async Task A_server_checkpoints_and_collects_while_it_runs()
    {
        await using var store = await TrieStore.OpenAsync(Data);
        await using var server = await TestServer.StartAsync(wrap: _ => store);
        await store.PutAsync("a", "1");
        Assert.Contains("x: 1 tables", (await AskAsync("checkpoint", "create", "x")).AssertOk().Text);
        Assert.Contains("already", (await AskAsync("checkpoint", "create", "x")).AssertFailed(ExitCodes.Negative));
        Assert.Contains("no name", (await AskAsync("checkpoint", "create", "x y")).AssertFailed(ExitCodes.BadInput));
        Assert.Contains("│ x ", (await AskAsync("checkpoint", "list")).AssertOk().Text);
        var info = Assert.Single(await store.ListCheckpointsAsync());
        Assert.Equal([info], await server.Client.ListCheckpointsAsync());
        Assert.StartsWith(
            "{\"checkpoints\":[{\"name\":\"x\",", (await AskAsync("checkpoint", "list", "--json")).AssertOk().Text);

        var stray = Path.Combine(Data, "shards/1/tables/0000000000-0000000007.table");
        await File.WriteAllBytesAsync(stray, new byte[100]);
        Assert.Contains("0000000007.table  100", (await AskAsync("gc", "--dry-run")).AssertOk().Text);
        Assert.Contains("0 objects", (await AskAsync("gc", "--min-age", "1h")).AssertOk().Text);
        Assert.True(File.Exists(stray));
        Assert.StartsWith(
            "{\"dry_run\":false,\"deleted\":[{\"name\":\"shards/1/tables/0000000000-0000000007.table\",",
            (await AskAsync("gc", "--min-age", "0", "--json")).AssertOk().Text);
        Assert.False(File.Exists(stray));

        (await AskAsync("checkpoint", "delete", "x")).AssertOk();
        Assert.Contains("no checkpoint", (await AskAsync("checkpoint", "delete", "x"))
            .AssertFailed(ExitCodes.Negative));

        Task<CliResult> AskAsync(params string[] arguments) =>
            _cli.RunAsync([.. arguments, "--url", server.Url.AbsoluteUri]);
    }

    [Fact]
    public async Task A_restore_wants_a_stopped_store()
    {
        var line = (await _cli.RunAsync("checkpoint", "restore", "x")).AssertFailed(ExitCodes.BadInput);
        Assert.Contains("Stop the server and name its store, with --data DIR or --store", line);
    }

    [Fact]
    public async Task Without_a_server_the_tools_say_so()
    {
        foreach (var command in new[] { "checkpoint list", "checkpoint create x", "checkpoint delete x", "gc" })
        {
            var line = (await _cli.RunAsync([.. command.Split(' '), "--url", "http://localhost:1"]))
                .AssertFailed(ExitCodes.Unavailable);
            Assert.Contains("no server answers", line);
        }
    }

    [Fact]
    public async Task A_bucket_is_opened_with_what_is_said_of_it()
    {
        string[] bucket = ["--store", "s3://bucket/p", "--store-endpoint", "http://localhost:9"];
        foreach (var command in new[] { "checkpoint list", "checkpoint restore x", "gc --dry-run" })
        {
            // The stand-in has neither checkpoints nor garbage.
            var result = await _cli.RunAsync([.. command.Split(' '), .. bucket]);
            Assert.DoesNotContain("--store", result.Error);
        }

        Assert.Equal(3, _cli.Buckets.Count);
        Assert.All(_cli.Buckets, static b => Assert.Equal(
            ("s3://bucket/p", new Uri("http://localhost:9")), (b.Location, b.Endpoint)));
    }

    [Fact]
    public async Task A_clone_is_made_within_a_bucket_only()
    {
        string[] clone = ["checkpoint", "clone", "x", "--to", "s3://bucket/q/"];
        var text = (await _cli.RunAsync([.. clone, "--store", "s3://bucket/p"])).AssertOk().Text;
        Assert.Equal(
            "s3://bucket/q: 1 tables, 100 B, which s3://bucket/p keeps under its checkpoint clone-of-x\n", text);
        var json = (await _cli.RunAsync([.. clone, "--store", "s3://bucket/p", "--json"])).AssertOk().Text;
        Assert.EndsWith("\"cloned_to\":\"q\"}\n", json);
        foreach (var (target, says) in new[]
        {
            (new[] { "--store", "s3://other-bucket/p" }, "in the bucket of s3://other-bucket/p"),
            (["--data", Data], "Copy the folder"),
            (["--url", "http://localhost:1"], "named with --store"),
        })
        {
            Assert.Contains(says, (await _cli.RunAsync([.. clone, .. target])).AssertFailed(ExitCodes.BadInput));
        }
    }

    private async Task<CliResult> RunAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        var io = _cli.Io([], output, error) with
        {
            OpenFolder = async (folder, options, stop) => await TrieStore.OpenAsync(
                folder, options, TimeProvider.System, stop),
        };
        var exitCode = await DmtProgram.RunAsync([.. arguments, "--data", Data], io, default);
        return new(exitCode, output.ToArray(), error.ToString());
    }

    private async Task PutAsync(string key, string value)
    {
        await using var store = await TrieStore.OpenAsync(Data);
        await store.PutAsync(key, value);
    }

    private async Task<string?> GetAsync(string key)
    {
        await using var store = await TrieStore.OpenAsync(Data);
        return await store.GetTextAsync(key);
    }
}
