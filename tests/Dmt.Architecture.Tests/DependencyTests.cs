namespace Dmt.Architecture.Tests;

public sealed class DependencyTests
{
    [Fact]
    public void Dependencies_point_one_way() => Rule.Holds(
        "Each project of src references only what its room allows (Room.All).",
        "what makes the database correct must run alone, embedded and in simulation; every arrow that points back "
        + "would drag the web server, the cluster or a cloud's SDK into it",
        Repository.Projects.Where(p => p.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(p => Room.Violations(ProjectFile.Load(p))));

    [Fact]
    public void Core_and_Engine_ban_clock_chance_and_blocking()
    {
        const string Shared = "eng/Library.props";
        const string Banned = "eng/BannedSymbols.txt";
        var rooms = new[] { "Dmt.Core", "Dmt.Engine" }.Select(n => $"src/{n}/{n}.csproj").Where(Repository.Has);
        var missing = rooms
            .Where(p => !ProjectFile.Parse(p, Repository.Read(p)).Imports
                .Any(i => i.EndsWith(Shared, StringComparison.Ordinal)))
            .Select(p => $"{p} does not import {Shared}")
            .ToList();
        var shared = Repository.Read(Shared);
        foreach (var needed in new[] { Path.GetFileName(Banned), "Microsoft.CodeAnalysis.BannedApiAnalyzers" })
        {
            if (!shared.Contains(needed, StringComparison.Ordinal))
            {
                missing.Add($"{Shared} does not include {needed}");
            }
        }

        var symbols = new[] { "DateTime.UtcNow", "Random.Shared", "Guid.NewGuid", "Thread.Sleep", "Task.Delay" };
        foreach (var symbol in symbols)
        {
            if (!Repository.Read(Banned).Contains($".{symbol}", StringComparison.Ordinal))
            {
                missing.Add($"{Banned} does not ban {symbol}");
            }
        }

        Rule.Holds(
            "Core and Engine are compiled with the banned symbols.",
            "time and chance come in from outside, so that a simulation with the same seed gives the same end state",
            missing);
    }

    [Fact]
    public void Every_project_is_in_the_solution() => Rule.Holds(
        "Every project of src, tests and bench is in Dmt.sln.",
        "a project outside the solution is neither built nor tested by ./test",
        NotInSolution(Repository.Projects, Repository.Read("Dmt.sln")));

    [Fact]
    public void Every_project_is_named_after_its_folder() => Rule.Holds(
        "A project file has the name of its folder.",
        "./test finds projects by name, and so do people",
        Repository.Projects.Where(p =>
            Path.GetFileName(Path.GetDirectoryName(p)) != Path.GetFileNameWithoutExtension(p)));

    [Theory]
    [InlineData("Dmt.Api", """<ProjectReference Include="../Dmt.Engine/Dmt.Engine.csproj" />""", "never the engine")]
    [InlineData("Dmt.Core", """<ProjectReference Include="..\Dmt.Engine\Dmt.Engine.csproj" />""", "library of its own")]
    [InlineData("Dmt.Core", """<PackageReference Include="Some.Package" />""", "package Some.Package")]
    [InlineData("Dmt.Engine", """<PackageReference Include="AWSSDK.S3" />""", "only Dmt.Objects.S3 may")]
    [InlineData("Dmt.Engine", """<PackageReference Include="Microsoft.Orleans.Sdk" />""", "without Orleans")]
    [InlineData("Dmt.Engine", """<FrameworkReference Include="Microsoft.AspNetCore.App" />""", "without a web server")]
    [InlineData("Dmt.Unheard", "", "no known room")]
    public void A_forbidden_reference_is_found_and_explained(string name, string item, string said)
    {
        var project = ProjectFile.Parse(
            $"src/{name}/{name}.csproj", $"<Project><ItemGroup>{item}</ItemGroup></Project>");

        Assert.Contains(said, Assert.Single(Room.Violations(project)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Dmt.Core", """<PackageReference Include="An.Analyzer" PrivateAssets="all" />""")]
    [InlineData("Dmt.Cli", """<ProjectReference Include="../Dmt.Core/Dmt.Core.csproj" />""")]
    [InlineData("Dmt.Objects.S3", """<PackageReference Include="AWSSDK.S3" />""")]
    [InlineData("Dmt.Grains", """<PackageReference Include="Microsoft.Orleans.Server" />""")]
    public void An_allowed_reference_passes(string name, string item) => Assert.Empty(Room.Violations(
        ProjectFile.Parse($"src/{name}/{name}.csproj", $"<Project><ItemGroup>{item}</ItemGroup></Project>")));

    [Fact]
    public void A_project_outside_the_solution_is_found() => Assert.Equal(
        ["src/B/B.csproj"], NotInSolution(["src/A/A.csproj", "src/B/B.csproj"], "= \"A\", \"src\\A\\A.csproj\", "));

    private static IEnumerable<string> NotInSolution(IEnumerable<string> projects, string solution) =>
        projects.Where(p => !solution.Replace('\\', '/').Contains($"\"{p}\"", StringComparison.Ordinal));
}
