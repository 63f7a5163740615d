using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Dmt.EndToEnd.Tests;

/// <summary>The program at the root of the checkout starts, stops and starts again.</summary>
public sealed class StartTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private BuiltProgram Program => new(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Ready_after_start_0_after_SIGTERM_and_then_nothing_is_left_to_replay()
    {
        using (var server = await StartAsync())
        {
            Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/readyz")).StatusCode);
            await PutAsync(server, "a", "b", "c");
            Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
        }

        Assert.Equal((0, 3), await ReplayedAsync());

        // The same figures do tell a log that is replayed.
        using (var server = await StartAsync())
        {
            await PutAsync(server, "d", "e");
            await server.KillAsync();
        }

        Assert.Equal((2, 3), await ReplayedAsync());
        Assert.Equal((0, 5), await ReplayedAsync());
    }

    [Fact]
    public async Task A_second_process_on_the_folder_gets_one_line_and_exit_code_3()
    {
        using var server = await StartAsync();
        var (exitCode, output, error) = await BuiltProgram.RunAsync(StartInfo());
        Assert.Equal((3, string.Empty), (exitCode, output));
        var line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(Program.DataFolder, line, StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
    }

    private static async Task PutAsync(ServerProcess server, params string[] keys)
    {
        foreach (var key in keys)
        {
            using var content = new StringContent("value");
            using var response = await server.Client.PutAsync($"/kv/{key}?fsync=strict", content);
            Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        }
    }

    /// <summary>Entries that an opening takes from the log into a memtable, and those it finds in tables.</summary>
    private async Task<(long Replayed, long InTables)> ReplayedAsync()
    {
        var (exitCode, output, _) = await Program.RunAsync("stat", "--json", "--data", Program.DataFolder);
        Assert.Equal(0, exitCode);
        using var stat = JsonDocument.Parse(output);
        var inTables = stat.RootElement.GetProperty("levels").EnumerateArray()
            .Sum(level => level.GetProperty("entries").GetInt64());
        return (stat.RootElement.GetProperty("entries_max").GetInt64() - inTables, inTables);
    }

    private ProcessStartInfo StartInfo() => Program.Isolated(
        new ProcessStartInfo(Checkout.Dmt, ["serve", "--data", Program.DataFolder, "--port", "0"]));

    private Task<ServerProcess> StartAsync() => ServerProcess.StartAsync(StartInfo());
}
