using System.Text.Json;

namespace Dmt.Architecture.Tests;

/// <summary>The solution filters that ./test falls back to where packages cannot be had.</summary>
public sealed class SolutionFilterTests
{
    [Fact]
    public void Dmt_Local_holds_what_needs_no_Orleans() => Rule.Holds(
        "Dmt.Local.slnf holds every project that needs no package of Orleans, and no other.",
        "./test builds and tests it where no package source has Orleans",
        Wrong("Dmt.Local.slnf", "Microsoft.Orleans."));

    [Fact]
    public void Dmt_Cluster_holds_what_needs_no_Azure() => Rule.Holds(
        "Dmt.Cluster.slnf holds every project that needs no package of Orleans' Azure storage, and no other.",
        "./test builds and tests it where package sources have Orleans, but not what its Azure storage needs",
        Wrong("Dmt.Cluster.slnf", "Microsoft.Orleans.Persistence.AzureStorage"));

    [Fact]
    public void A_project_that_needs_a_package_through_another_is_found()
    {
        var all = new Dictionary<string, ProjectFile>
        {
            ["src/A/A.csproj"] = new("A", [], ["Microsoft.Orleans.Sdk"], [], []),
            ["src/B/B.csproj"] = new("B", ["A"], [], [], []),
            ["src/C/C.csproj"] = new("C", [], ["Other"], [], []),
        };

        Assert.Equal(["src/C/C.csproj"], Without(all, "Microsoft.Orleans."));
        Assert.Equal(3, Without(all, "Another").Count);
    }

    private static IEnumerable<string> Wrong(string filter, string packages)
    {
        using var document = JsonDocument.Parse(Repository.Read(filter));
        var held = document.RootElement.GetProperty("solution").GetProperty("projects").EnumerateArray()
            .Select(p => p.GetString()!.Replace('\\', '/')).ToHashSet();
        var wanted = Without(Repository.Projects.ToDictionary(p => p, ProjectFile.Load), packages);
        return wanted.Except(held).Select(p => $"{filter} lacks {p}")
            .Concat(held.Except(wanted).Select(p => $"{filter} holds {p}"));
    }

    /// <summary>The projects that need no package whose name begins so, themselves or through others.</summary>
    private static List<string> Without(Dictionary<string, ProjectFile> all, string packages)
    {
        var byName = all.Values.ToDictionary(p => p.Name);
        return [.. all.Where(p => !Needs(p.Value)).Select(p => p.Key)];

        bool Needs(ProjectFile project) =>
            project.Packages.Any(p => p.StartsWith(packages, StringComparison.OrdinalIgnoreCase))
            || project.Projects.Any(p => Needs(byName[p]));
    }
}
