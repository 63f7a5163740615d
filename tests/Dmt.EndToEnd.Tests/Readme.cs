namespace Dmt.EndToEnd.Tests;

/// <summary>The code blocks of README.md.</summary>
internal static class Readme
{
    private const string Fence = "```";
    private const string Prompt = "$ ";

    /// <summary>Every command of the console blocks in its order, with the output that is shown below it.</summary>
    public static IReadOnlyList<(string Command, string Output)> Commands { get; } =
        [.. Blocks("console").SelectMany(Split)];

    public static IReadOnlyList<string> CSharp { get; } = [.. Blocks("csharp")];

    private static IEnumerable<string> Blocks(string language)
    {
        var parts = Checkout.Read("README.md").Split(Fence);
        for (var i = 1; i < parts.Length; i += 2)
        {
            if (parts[i].StartsWith(language + "\n", StringComparison.Ordinal))
            {
                yield return parts[i][(language.Length + 1)..];
            }
        }
    }

    private static IEnumerable<(string Command, string Output)> Split(string block)
    {
        Assert.StartsWith(Prompt, block, StringComparison.Ordinal);
        foreach (var part in ("\n" + block).Split("\n" + Prompt).Skip(1))
        {
            var lines = part.Split('\n', 2);
            yield return (lines[0], lines.ElementAtOrDefault(1)?.TrimEnd('\n') ?? string.Empty);
        }
    }
}
