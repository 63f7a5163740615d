using System.Text.RegularExpressions;

namespace Dmt.Architecture.Tests;

public sealed class SourceTests
{
    private const int FileLinesMax = 500;
    private const int LineCharsMax = 120;

    // The needles are put together here, so that this file does not break its own rules.
    private static readonly Regex Unfinished = new(
        @"\b(" + "TO" + "DO|FIX" + "ME|NotImplemented" + @"Exception)\b", RegexOptions.CultureInvariant);

    private static readonly Regex Skipped = new(@"\bSkip" + @"\s*=[^=>]", RegexOptions.CultureInvariant);

    // Paths that hold anywhere begin with a name, a dot, a variable or a scheme before the slash.
    private static readonly Regex MachinePath = new(
        @"(?<![\w.\-})~])/(" + "wo" + "rk|ro" + "ot|ho" + "me)/", RegexOptions.CultureInvariant);

    private static readonly Regex UsingDirective = new(@"^using ([\w.]+);$", RegexOptions.CultureInvariant);

    private static readonly string[] RegistryHosts =
        ["nuget" + ".org", "npm" + "js", "debian" + ".org", "debian" + ".net"];

    [Fact]
    public void Files_stay_under_500_lines() => Rule.Holds(
        $"A C# file has less than {FileLinesMax} lines.",
        "a file that grows past holds two ideas: find them",
        Repository.Sources.SelectMany(f => TooLong(f, Repository.Read(f))));

    [Fact]
    public void Lines_stay_within_120_characters() => Rule.Holds(
        $"A line of a C# file has at most {LineCharsMax} characters.",
        "two files side by side fit on a screen, and a review shows the whole line",
        Repository.Sources.SelectMany(f => TooWide(f, Repository.Read(f))));

    [Fact]
    public void No_test_is_skipped() => Rule.Holds(
        "No test is switched off in its attribute.",
        "a skipped test is forgotten; mend it or delete it; one that needs something special says so with "
        + "[Trait(\"Needs\", ...)], and ./test reports when it leaves it out",
        Repository.Sources.Where(f => f.StartsWith("tests/", StringComparison.Ordinal))
            .SelectMany(f => Matches(f, Repository.Read(f), Skipped)));

    [Fact]
    public void Nothing_is_left_unfinished() => Rule.Holds(
        "No note of unfinished work and no stub is committed.",
        "what is not done belongs in an issue, where somebody will see it; a stub fails at the user's",
        Repository.Sources.SelectMany(f => Matches(f, Repository.Read(f), Unfinished)));

    [Fact]
    public void Usings_are_in_order() => Rule.Holds(
        "Using directives are in alphabetical order, those of System first.",
        "merges collide less, and nobody looks twice (the layout check of ./test does not see it)",
        Repository.Sources.SelectMany(f => UnsortedUsings(f, Repository.Read(f))));

    [Fact]
    public void No_file_names_a_package_registry() => Rule.Holds(
        "No committed file names a package registry's host.",
        "where packages come from is the machine's setting: mirrors and offline feeds must keep working",
        Repository.Files.SelectMany(f => Repository.ReadText(f) is { } text ? Hosts(f, text) : []));

    [Fact]
    public void No_file_holds_a_path_of_one_machine() => Rule.Holds(
        "No committed file holds an absolute path of somebody's machine.",
        "it works nowhere else",
        Repository.Files.SelectMany(f => Repository.ReadText(f) is { } text ? Matches(f, text, MachinePath) : []));

    [Fact]
    public void Each_text_rule_finds_what_it_forbids()
    {
        Assert.Equal("a.cs has 500 lines", Assert.Single(TooLong("a.cs", new string('\n', 500))));
        Assert.Empty(TooLong("a.cs", new string('\n', 499)));
        Assert.StartsWith("a.cs:2: 121 characters", Assert.Single(TooWide("a.cs", "\n" + new string('x', 121))));
        Assert.Empty(TooWide("a.cs", new string('x', 120) + "\r\n"));
        Assert.Single(Matches("a.cs", "[Fact(Skip" + " = \"later\")]", Skipped));
        Assert.Empty(Matches("a.cs", "items.Skip(3) == x.Skip", Skipped));
        Assert.Single(Matches("a.cs", "// TO" + "DO: more", Unfinished));
        Assert.Single(Matches("a.cs", "throw new NotImplemented" + "Exception();", Unfinished));
        Assert.Single(UnsortedUsings("a.cs", "using B;\nusing System;\n\nnamespace X;\n"));
        Assert.Single(UnsortedUsings("a.cs", "using C;\nusing B;\n"));
        Assert.Empty(UnsortedUsings("a.cs", "using System;\nusing System.Text;\nusing B;\nusing B.A;\n"));
        Assert.Single(Hosts("a.json", "https://registry.npm" + "js.org/x"));
        Assert.Single(Matches("a.md", "see /wo" + "rk/here", MachinePath));
        Assert.Single(Matches("a.md", "\"/ho" + "me/me/x\"", MachinePath));
        Assert.Empty(Matches("a.md", "docs/ho" + "me/page, $DIR/wo" + "rk/x, ${dir}/wo" + "rk/", MachinePath));
    }

    [Fact]
    public void The_rules_see_the_project_with_and_without_git()
    {
        var walked = Repository.WalkedFiles(Repository.Root).ToHashSet();

        Assert.Contains("src/Dmt.Core/ITrieStore.cs", Repository.Sources);
        Assert.DoesNotContain(Repository.Files, f => f.StartsWith("artifacts/", StringComparison.Ordinal));
        Assert.DoesNotContain(walked, f => f.StartsWith("artifacts/", StringComparison.Ordinal));
        Assert.Empty(Repository.Files.Except(walked));
    }

    private static IEnumerable<string> TooLong(string file, string text)
    {
        var lines = text.AsSpan().Count('\n');
        return lines >= FileLinesMax ? [$"{file} has {lines} lines"] : [];
    }

    private static IEnumerable<string> TooWide(string file, string text) =>
        from line in Lines(text)
        where line.Text.Length > LineCharsMax
        select $"{file}:{line.Number}: {line.Text.Length} characters";

    private static IEnumerable<string> Matches(string file, string text, Regex forbidden) =>
        from line in Lines(text)
        where forbidden.IsMatch(line.Text)
        select $"{file}:{line.Number}: {line.Text.Trim()}";

    private static IEnumerable<string> UnsortedUsings(string file, string text)
    {
        var usings = Lines(text).Select(l => UsingDirective.Match(l.Text)).Where(m => m.Success)
            .Select(m => m.Groups[1].Value).ToList();
        var sorted = usings.OrderBy(u => u == "System" || u.StartsWith("System.", StringComparison.Ordinal) ? 0 : 1)
            .ThenBy(u => u, StringComparer.OrdinalIgnoreCase);
        return usings.SequenceEqual(sorted) ? [] : [$"{file}: {string.Join(", ", usings)}"];
    }

    private static IEnumerable<string> Hosts(string file, string text) =>
        from line in Lines(text)
        where RegistryHosts.Any(h => line.Text.Contains(h, StringComparison.OrdinalIgnoreCase))
        select $"{file}:{line.Number}: {line.Text.Trim()}";

    private static IEnumerable<(int Number, string Text)> Lines(string text) =>
        text.Split('\n').Select((line, i) => (i + 1, line.TrimEnd('\r')));
}
