namespace Dmt.Testing;

/// <summary>The checkout that these tests were built from.</summary>
public static class Checkout
{
    public static string Root { get; } = FindRoot();

    /// <summary>The program at the root, which builds itself when needed.</summary>
    public static string Dmt { get; } = Path.Combine(Root, "dmt");

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path)).ReplaceLineEndings("\n");

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Dmt.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"no Dmt.sln above {AppContext.BaseDirectory}");
    }
}
