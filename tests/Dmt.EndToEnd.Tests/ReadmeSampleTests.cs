namespace Dmt.EndToEnd.Tests;

/// <summary>What README.md shows in C# compiles and does what it says.</summary>
[Collection(nameof(WholeProcess))]
public sealed class ReadmeSampleTests
{
    [Fact]
    public void The_samples_here_are_those_of_the_readme()
    {
        var source = Checkout.Read("tests/Dmt.EndToEnd.Tests/ReadmeSamples.cs");
        Assert.Equal([Body(source, "Store()"), Body(source, "Map()")], Readme.CSharp);
    }

    [Fact]
    public async Task The_embedded_store_does_what_the_readme_says()
    {
        using var folder = new TempFolder();
        var home = Directory.GetCurrentDirectory();
        Directory.SetCurrentDirectory(folder.Path);
        try
        {
            // The second time over the same folder, as after a restart.
            Assert.Equal("a fruit\napple = a fruit\n", await OutputOf(ReadmeSamples.Store));
            Assert.Equal("a fruit\napple = a fruit\n", await OutputOf(ReadmeSamples.Store));
        }
        finally
        {
            Directory.SetCurrentDirectory(home);
        }
    }

    [Fact]
    public async Task The_radix_map_does_what_the_readme_says() => Assert.Equal(
        "romane 1\nromanus 2\n",
        await OutputOf(() =>
        {
            ReadmeSamples.Map();
            return Task.CompletedTask;
        }));

    /// <summary>The lines of a method between its braces, without their indentation.</summary>
    private static string Body(string source, string method)
    {
        var lines = source.Split('\n').SkipWhile(l => !l.EndsWith(" " + method, StringComparison.Ordinal)).Skip(2);
        return string.Concat(lines.TakeWhile(l => l != "    }").Select(l => l["        ".Length..] + "\n"));
    }

    private static async Task<string> OutputOf(Func<Task> sample)
    {
        var console = Console.Out;
        using var text = new StringWriter { NewLine = "\n" };
        Console.SetOut(text);
        try
        {
            await sample();
        }
        finally
        {
            Console.SetOut(console);
        }

        return text.ToString();
    }
}

/// <summary>Tests that change the current folder or the console, which the whole process shares, run alone.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;
