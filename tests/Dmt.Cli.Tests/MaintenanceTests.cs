using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Cli.Tests;

/// <summary><c>dmt checkpoint</c> and <c>dmt gc</c> over real folders.</summary>
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
