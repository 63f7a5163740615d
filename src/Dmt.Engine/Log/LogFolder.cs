using Dmt.Core;
using Dmt.Engine.Platform;

namespace Dmt.Engine.Log;

/// <summary>The directory that holds a folder for each incarnation's log.</summary>
internal static class LogFolder
{
    private const string DeletedSuffix = ".deleted";

    public static IReadOnlyList<string> ListIncarnations(string directory)
    {
        try
        {
            var names = Directory.EnumerateDirectories(directory).Select(path => Path.GetFileName(path))
                .Where(static name => name.Length <= LogFormat.IncarnationBytesMax
                    && name.All(char.IsAsciiLetterOrDigit))
                .ToArray();
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, directory, directory);
        }
    }

    /// <summary>
    /// Brings to the disk what a process that was killed left to the system to write. What is logged from now on
    /// follows it, and is synced in another file: a power failure must not take the first and leave the second.
    /// </summary>
    public static void Sync(string directory, string incarnation, LogMedium medium)
    {
        var folder = Path.Combine(directory, incarnation);
        try
        {
            foreach (var path in Directory.EnumerateFiles(folder).Where(static path =>
                LogFormat.SegmentNumber(path) is not null))
            {
                using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                medium.Sync(file);
            }

            NativeFile.SyncDirectory(folder);
        }
        catch (DirectoryNotFoundException e)
        {
            throw DmtException.Corruption(folder, 0, "the log is missing", e);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, folder, folder);
        }
    }

    /// <summary>
    /// Renames before it deletes, so that a crash half way leaves no log with holes. What an earlier call left half
    /// deleted goes too.
    /// </summary>
    public static void Delete(string directory, string incarnation)
    {
        LogFormat.CheckIncarnation(incarnation);
        var folder = Path.Combine(directory, incarnation);
        try
        {
            if (Directory.Exists(folder))
            {
                Directory.Move(folder, folder + DeletedSuffix);
                NativeFile.SyncDirectory(directory);
            }

            if (Directory.Exists(directory))
            {
                foreach (var leftover in Directory.EnumerateDirectories(directory, "*" + DeletedSuffix).ToArray())
                {
                    Directory.Delete(leftover, recursive: true);
                }
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, directory, folder);
        }
    }
}
