using Dmt.Cli.Commands;
using Dmt.Cli.Configuration;
using Dmt.Hosting.Serving;

namespace Dmt.Cli.Tests;

public sealed class HelpTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Help_names_every_command_with_examples_and_exit_codes()
    {
        var help = (await _cli.RunAsync("--help")).AssertOk().Text;
        foreach (var command in (
            string[])["serve", "get", "put", "delete", "scan", "search", "import", "export", "stat", "inspect",
                "checkpoint", "shard", "gc"])
        {
            Assert.Contains("\n  " + command + " ", help, StringComparison.Ordinal);
        }

        Assert.Contains("Examples:\n  dmt serve", help, StringComparison.Ordinal);
        Assert.Contains("  4  stored bytes are damaged", help, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_command_has_a_help_with_examples_that_parse()
    {
        var root = DmtProgram.CreateRoot(_cli.Io([], Stream.Null, TextWriter.Null));
        var commands =
            root.Subcommands.Concat(root.Subcommands.SelectMany(c => c.Subcommands)).OfType<ToolCommand>().ToArray();
        Assert.True(commands.Length >= 13, $"{commands.Length} commands");
        foreach (var command in commands)
        {
            var path = command.Parents.OfType<ToolCommand>().Select(p => p.Name).Append(command.Name);
            var help = (await _cli.RunAsync([.. path, "--help"])).AssertOk().Text;
            Assert.NotEmpty(command.Examples);
            foreach (var example in command.Examples)
            {
                Assert.Contains("  " + example, help, StringComparison.Ordinal);
                AssertParses(root, example);
            }
        }
    }

    [Fact]
    public async Task Help_of_serve_lists_every_setting_with_its_default()
    {
        var help = (await _cli.RunAsync("serve", "--help")).AssertOk().Text;
        foreach (var setting in SettingCatalog.All)
        {
            Assert.Contains("  " + setting.Flag + " ", help, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Operations_document_lists_every_setting()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Dmt.sln")))
        {
            folder = folder.Parent;
        }

        var document = await File.ReadAllTextAsync(Path.Combine(folder.FullName, "docs", "operations.md"));
        Assert.All(SettingCatalog.All, setting =>
            Assert.Contains($"| `{setting.Name}` |", document, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Version_is_printed() =>
        Assert.Equal(HttpServer.Version, (await _cli.RunAsync("--version")).AssertOk().Text.Trim());

    /// <summary>The part of an example that is a dmt command: up to a comment, a pipe or a redirection.</summary>
    private static void AssertParses(System.CommandLine.RootCommand root, string example)
    {
        var line = example.Split("  #")[0].Split(" # ")[0];
        foreach (var part in line.Split(['|', '&'])
            .Select(p => p.Trim()).Where(p => p.Contains("dmt ", StringComparison.Ordinal)))
        {
            var command = part[(part.IndexOf("dmt ", StringComparison.Ordinal) + 4)..].Split('>')[0].Replace('\'', '"');
            Assert.Empty(root.Parse(command).Errors);
        }
    }
}
