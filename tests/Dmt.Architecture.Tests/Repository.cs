using System.Diagnostics;
using System.Text;

namespace Dmt.Architecture.Tests;

/// <summary>
/// The files that the rules look at: what git tracks, or, where git or its folder is absent (a source archive), every
/// file that is not build output. Paths are relative to the root and use '/'.
/// </summary>
internal static class Repository
{
    private static readonly string[] OutputFolders =
        [".git", "artifacts", "bin", "obj", "node_modules", "TestResults", ".vs", ".idea", ".vscode"];

    private static readonly Lazy<string> LazyRoot = new(FindRoot);

    private static readonly Lazy<IReadOnlyList<string>> LazyFiles = new(
        () => (TrackedFiles() ?? WalkedFiles(Root)).Where(f => File.Exists(Path.Combine(Root, f)))
            .Order(StringComparer.Ordinal).ToList());

    public static string Root => LazyRoot.Value;

    public static IReadOnlyList<string> Files => LazyFiles.Value;

    /// <summary>C# files of src, tests and bench.</summary>
    public static IEnumerable<string> Sources => Files.Where(IsSource);

    /// <summary>Project files of src, tests and bench.</summary>
    public static IEnumerable<string> Projects =>
        Files.Where(f => InCodeFolder(f) && f.EndsWith(".csproj", StringComparison.Ordinal));

    public static bool IsSource(string file) => InCodeFolder(file) && file.EndsWith(".cs", StringComparison.Ordinal);

    public static bool Has(string file) => Files.Contains(file);

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    /// <summary>The file as text; null for binary files (those with a zero byte).</summary>
    public static string? ReadText(string file)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Root, file));
        return bytes.AsSpan().Contains((byte)0) ? null : Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Every file under <paramref name="root"/> but build output.</summary>
    public static IEnumerable<string> WalkedFiles(string root)
    {
        foreach (var entry in new DirectoryInfo(root).EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo { LinkTarget: null } && !OutputFolders.Contains(entry.Name))
            {
                foreach (var file in WalkedFiles(entry.FullName))
                {
                    yield return $"{entry.Name}/{file}";
                }
            }
            else if (entry is FileInfo && entry.Name != ".git")
            {
                yield return entry.Name;
            }
        }
    }

    private static bool InCodeFolder(string file) =>
        file.StartsWith("src/", StringComparison.Ordinal)
        || file.StartsWith("tests/", StringComparison.Ordinal)
        || file.StartsWith("bench/", StringComparison.Ordinal);

    private static string FindRoot()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Dmt.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds Dmt.sln");
    }

    private static List<string>? TrackedFiles()
    {
        if (!Path.Exists(Path.Combine(Root, ".git")))
        {
            return null;
        }

        // A checkout that belongs to another user is as good as one's own: nothing of it is run.
        var start = new ProcessStartInfo("git", ["-c", "safe.directory=*", "ls-files", "-z"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        try
        {
            using var git = Process.Start(start)!;
            var output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            return git.ExitCode == 0 ? [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries)] : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // git is not installed: the walk sees the same files of a fresh checkout.
            return null;
        }
    }
}
