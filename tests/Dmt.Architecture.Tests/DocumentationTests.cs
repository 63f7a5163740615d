using System.Text.RegularExpressions;

namespace Dmt.Architecture.Tests;

public sealed partial class DocumentationTests
{
    private static readonly string[] DecisionHeadings = ["Context", "Options", "Decision", "Consequences"];

    /// <summary>The pages from which a reader starts.</summary>
    private static readonly string[] Indexes =
        ["docs/architecture.md", "docs/README.md", "docs/formats/README.md", "docs/adr/README.md"];

    [Fact]
    public void Every_format_and_decision_is_linked_from_an_index()
    {
        var linked = Indexes.Where(Repository.Has).SelectMany(i => Links(i, Repository.Read(i))).ToHashSet();
        Rule.Holds(
            $"Every page of docs/formats and docs/adr is linked from one of {string.Join(", ", Indexes)}.",
            "a page that nothing leads to is not read, and not kept true",
            Pages("docs/formats/").Concat(Pages("docs/adr/")).Where(p => !linked.Contains(p)));
    }

    [Fact]
    public void No_index_links_to_a_page_that_is_not_there() => Rule.Holds(
        "Links of the indexes lead to files of the repository.",
        "a dead link costs its reader more than no link",
        from index in Indexes.Where(Repository.Has)
        from target in Links(index, Repository.Read(index))
        where !Path.Exists(Path.Combine(Repository.Root, target))
        select $"{index} links to {target}");

    [Fact]
    public void Decisions_have_a_number_and_all_four_parts() => Rule.Holds(
        "docs/adr holds pages named NNNN-title.md, each number once, with the headings "
        + $"{string.Join(", ", DecisionHeadings)} (##, in this order).",
        "a decision without the options that were turned down will be taken again",
        Pages("docs/adr/").SelectMany(p => BadDecision(p, Repository.Read(p)))
            .Concat(Pages("docs/adr/").GroupBy(p => Path.GetFileName(p)[..4]).Where(g => g.Count() > 1)
                .Select(g => $"number {g.Key} is given to {string.Join(" and ", g)}")));

    [Fact]
    public void A_bad_decision_page_is_found()
    {
        const string Good = "# 1. T\n\n## Context\n\n## Options\n\n## Decision\n\n## Consequences\n";

        Assert.Empty(BadDecision("docs/adr/0001-use-a-tree.md", Good));
        Assert.Single(BadDecision("docs/adr/1-use-a-tree.md", Good));
        Assert.Single(BadDecision("docs/adr/0001-Use_a_tree.md", Good));
        Assert.Single(BadDecision("docs/adr/0001-use-a-tree.md", Good.Replace("Options", "Choices")));
    }

    [Fact]
    public void Links_are_resolved_from_the_page_that_holds_them() => Assert.Equal(
        ["docs/formats/table.md", "README.md", "docs/adr/0001-a.md"],
        Links("docs/adr/README.md", "[t](../formats/table.md#x) [r](../../README.md) [a](0001-a.md \"t\") "
            + "[w](https://example.com/a.md) [here](#part)"));

    private static IEnumerable<string> Pages(string folder) => Repository.Files.Where(f =>
        f.StartsWith(folder, StringComparison.Ordinal)
        && f.EndsWith(".md", StringComparison.Ordinal)
        && Path.GetFileName(f) != "README.md");

    private static IEnumerable<string> BadDecision(string page, string text)
    {
        if (!DecisionName().IsMatch(Path.GetFileName(page)))
        {
            yield return $"{page}: the name is not NNNN-title.md (lower case, words joined by dashes)";
        }

        var headings = text.Split('\n').Where(l => l.StartsWith("## ", StringComparison.Ordinal))
            .Select(l => l[3..].Trim()).Where(DecisionHeadings.Contains).ToList();
        if (!headings.SequenceEqual(DecisionHeadings))
        {
            yield return $"{page}: has the headings {string.Join(", ", headings)}";
        }
    }

    private static IEnumerable<string> Links(string page, string text)
    {
        foreach (Match match in Link().Matches(text))
        {
            var target = match.Groups[1].Value.Split('#')[0];
            if (target.Length > 0 && !target.Contains(':', StringComparison.Ordinal))
            {
                var full = Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, target));
                yield return Path.GetRelativePath(Repository.Root, full).Replace('\\', '/');
            }
        }
    }

    [GeneratedRegex(@"^\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md$", RegexOptions.CultureInvariant)]
    private static partial Regex DecisionName();

    [GeneratedRegex(@"\]\(([^)\s]+)[^)]*\)", RegexOptions.CultureInvariant)]
    private static partial Regex Link();
}
