namespace Dmt.Engine.Tests.Torture;

/// <summary>Copies of a store's folder, as a machine that stopped would leave it.</summary>
internal static class StoreFolder
{
    /// <summary>
    /// Copies the folder of a store that may be open, but is not being written to. Background work may change files meanwhile; then
    /// the copy is made again, so that it is of one moment as far as manifests tell.
    /// </summary>
    public static void CopyTo(string from, string to)
    {
        while (true)
        {
            var before = Manifests(from);
            if (TryCopy(from, to) && before.SequenceEqual(Manifests(from)))
            {
                return;
            }

            Directory.Delete(to, recursive: true);
        }
    }

    public static string[] Files(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path))
            .Order(StringComparer.Ordinal),
    ];

    public static string[] Manifests(string folder) => Named(folder, "manifest");

    public static string[] Tables(string folder) => Named(folder, "tables");

    public static string[] Logs(string folder) => [.. Files(folder).Where(static f => f.StartsWith("log/", StringComparison.Ordinal))];

    private static string[] Named(string folder, string kind) =>
        [.. Files(folder).Where(f => f.Contains($"/{kind}/", StringComparison.Ordinal))];

    private static bool TryCopy(string from, string to)
    {
        Directory.CreateDirectory(to);
        try
        {
            foreach (var file in Files(from))
            {
                if (file != "LOCK" && !file.StartsWith(".tmp", StringComparison.Ordinal))
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(to, file))!);
                    File.Copy(Path.Combine(from, file), Path.Combine(to, file));
                }
            }

            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (DirectoryNotFoundException)
        {
            return false;
        }
    }
}
