using System.Xml.Linq;

namespace Dmt.Architecture.Tests;

/// <summary>What a project asks for. Packages that only serve the build (PrivateAssets="all") are left out.</summary>
internal sealed record ProjectFile(
    string Name,
    IReadOnlyList<string> Projects,
    IReadOnlyList<string> Packages,
    IReadOnlyList<string> Frameworks,
    IReadOnlyList<string> Imports)
{
    private static readonly char[] Separators = ['/', '\\'];

    public static ProjectFile Parse(string path, string text)
    {
        var root = XDocument.Parse(text).Root!;
        IReadOnlyList<string> All(string element, string attribute, Func<XElement, bool>? where = null) =>
            root.Descendants().Where(e => e.Name.LocalName == element && (where is null || where(e)))
                .Select(e => (string?)e.Attribute(attribute)).OfType<string>().ToList();

        return new ProjectFile(
            LastName(path),
            All("ProjectReference", "Include").Select(LastName).ToList(),
            All("PackageReference", "Include", e => !IsPrivate(e)),
            All("FrameworkReference", "Include"),
            All("Import", "Project").Select(p => p.Replace('\\', '/')).ToList());
    }

    /// <summary>The project with what the files that it imports ask for on its behalf.</summary>
    public static ProjectFile Load(string path)
    {
        var own = Parse(path, Repository.Read(path));
        var folder = Path.GetDirectoryName(path)!;
        var imported = own.Imports
            .Select(i => Path.GetRelativePath(
                Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, folder, i))).Replace('\\', '/'))
            .Append("Directory.Build.props")
            .Append("Directory.Build.targets")
            .Where(Repository.Has)
            .Select(i => Parse(i, Repository.Read(i)))
            .ToList();
        return own with
        {
            Projects = [.. own.Projects, .. imported.SelectMany(i => i.Projects)],
            Packages = [.. own.Packages, .. imported.SelectMany(i => i.Packages)],
            Frameworks = [.. own.Frameworks, .. imported.SelectMany(i => i.Frameworks)],
        };
    }

    private static string LastName(string path)
    {
        var file = path[(path.LastIndexOfAny(Separators) + 1)..];
        return file.EndsWith(".csproj", StringComparison.Ordinal) ? file[..^".csproj".Length] : file;
    }

    private static bool IsPrivate(XElement package) =>
        string.Equals(
            (string?)package.Attribute("PrivateAssets")
                ?? (string?)package.Elements().FirstOrDefault(e => e.Name.LocalName == "PrivateAssets"),
            "all",
            StringComparison.OrdinalIgnoreCase);
}
