using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>What the Dockerfile does where there is no Docker. Here, as one image needs the packages of all.</summary>
public sealed partial class PublishTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_the_Dockerfile_publishes_starts_as_the_image_does()
    {
        var lines = Checkout.Read("Dockerfile").Split('\n');
        var published = lines.Select(static line => Publish().Match(line)).Where(static m => m.Success).ToList();
        var started = lines.Select(static line => Entry().Match(line)).Where(static m => m.Success)
            .Select(static match => match.Groups["program"].Value).ToList();
        Assert.Equal(published.Count, started.Count);
        foreach (var command in published)
        {
            var target = _folder.Combine(Path.GetFileName(command.Groups["project"].Value));
            var arguments = command.Groups["arguments"].Value.Split(' ').Select(a => a == "/app" ? target : a);
            var (code, output, error) = await RunAsync(Checkout.Root, [.. arguments]);
            Assert.True(code == 0, output + error);

            var program = started.Single(name => File.Exists(Path.Combine(target, name)));
            started.Remove(program);
            Assert.Equal((0, "0.1.0\n", ""), await RunAsync(target, program, "--version"));
        }
    }

    private static Task<(int ExitCode, string Output, string Error)> RunAsync(
        string folder, params string[] arguments) =>
        BuiltProgram.RunAsync(new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });

    [GeneratedRegex(@"^RUN dotnet (?<arguments>publish (?<project>\S+) -c Release -o /app)$")]
    private static partial Regex Publish();

    [GeneratedRegex(@"^ENTRYPOINT \[""dotnet"", ""/app/(?<program>\S+)""\]$")]
    private static partial Regex Entry();
}
