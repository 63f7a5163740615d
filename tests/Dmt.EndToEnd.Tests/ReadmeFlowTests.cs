using System.Diagnostics;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// What README.md tells a newcomer to type, in its order, against a fresh folder. Changed is only what lets it run on
/// any machine beside others: the port, and where <c>./dmt</c> lies.
/// </summary>
public sealed class ReadmeFlowTests
{
    private const string Serve = "./dmt serve --data ./data";
    private const string Address = "localhost:3030";

    [Fact]
    public void The_readme_types_nothing_that_is_not_tested_here() => Assert.All(
        Readme.Commands, c => Assert.True(IsCurl(c.Command) || IsTool(c.Command) || c.Command is Serve or "./test"));

    [Fact]
    public async Task Keys_and_words_are_put_and_found_as_the_readme_shows()
    {
        using var folder = new TempFolder();
        using var server = await StartAsync(folder);
        var shown = 0;
        foreach (var (command, output) in Readme.Commands.Where(c => IsCurl(c.Command)))
        {
            var result = await TypeAsync(folder, server, command);
            Assert.Equal((command, 0, output), (command, result.ExitCode, result.Output.TrimEnd('\n')));
            shown += output.Length > 0 ? 1 : 0;
        }

        Assert.InRange(shown, 2, int.MaxValue);
        Assert.Equal(0, await server.StopAsync(ServerProcess.SigInt));
    }

    [Fact]
    [Trait("Needs", "wamerican-huge")]
    public async Task A_dictionary_is_imported_and_searched_as_the_readme_shows()
    {
        using var folder = new TempFolder();
        using var server = await StartAsync(folder);
        foreach (var (command, output) in Readme.Commands.Where(c => IsTool(c.Command)))
        {
            var result = await TypeAsync(folder, server, command);
            Assert.True(result.ExitCode == 0, $"{command}: {result}");
            if (command.StartsWith("./dmt search tria --limit 5", StringComparison.Ordinal))
            {
                var words = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
                Assert.Equal(5, words.Length);
                Assert.All(words, word => Assert.StartsWith("tria", word, StringComparison.Ordinal));
            }
            else
            {
                Assert.Equal((command, string.Empty), (command, output));
            }
        }

        Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
    }

    private static bool IsCurl(string command) => command.StartsWith("curl ", StringComparison.Ordinal);

    private static bool IsTool(string command) => command.StartsWith("./dmt ", StringComparison.Ordinal)
        && command != Serve;

    private static async Task<ServerProcess> StartAsync(TempFolder folder)
    {
        var (_, announcement) = Readme.Commands.Single(c => c.Command == Serve);
        var start = new ProcessStartInfo(Checkout.Dmt, [.. Serve.Split(' ').Skip(1), "--port", "0"]);
        var server = await ServerProcess.StartAsync(new BuiltProgram(folder.Path).Isolated(start));
        Assert.Equal(announcement, server.Announcement.Replace(new Uri(server.Url).Authority, Address));
        return server;
    }

    private static Task<(int ExitCode, string Output, string Error)> TypeAsync(
        TempFolder folder, ServerProcess server, string command)
    {
        var typed = command.Replace(Address, new Uri(server.Url).Authority).Replace("./dmt ", $"'{Checkout.Dmt}' ");
        var start = new BuiltProgram(folder.Path).Isolated(new ProcessStartInfo("bash", ["-c", typed]));
        start.Environment["DMT_URL"] = server.Url;
        return BuiltProgram.RunAsync(start);
    }
}
