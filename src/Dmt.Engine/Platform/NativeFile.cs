using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Platform;

/// <summary>
/// What the base library cannot say about files: sync of data without metadata, sync of a directory, and a link that
/// fails where the name is taken. All errors are IOExceptions whose HResult is the system's error number.
/// </summary>
internal static partial class NativeFile
{
    private const int ErrorInterrupted = 4;
    private const int ErrorExists = 17;
    private const int OpenReadOnly = 0;

    /// <summary>
    /// Returns when the bytes written to <paramref name="file"/> are on the medium. On Linux without the times of the
    /// file; elsewhere the full flush (macOS: F_FULLFSYNC), since fdatasync promises less there.
    /// </summary>
    public static void SyncData(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        while (FileDataSync(file) != 0)
        {
            ThrowUnlessInterrupted("fdatasync");
        }
    }

    /// <summary>Returns when the names in the directory are on the medium. Windows keeps them with the files.</summary>
    public static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var directory = OpenUnlocked(path);
        while (FileSync(directory) != 0)
        {
            ThrowUnlessInterrupted($"fsync {path}");
        }
    }

    /// <summary>Creates the directory and those above it where they are missing, each synced into its parent.</summary>
    public static void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        var parent = Path.GetDirectoryName(path);
        if (!string.IsNullOrEmpty(parent))
        {
            CreateDirectory(parent);
        }

        Directory.CreateDirectory(path);
        SyncDirectory(string.IsNullOrEmpty(parent) ? "." : parent);
    }

    /// <summary>
    /// Gives the file a name that nothing has yet: atomic, and false where something has. On Unix the old name stays as
    /// well.
    /// </summary>
    public static bool TryNameNew(string existing, string created)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                File.Move(existing, created);
                return true;
            }
            catch (IOException) when (File.Exists(created))
            {
                return false;
            }
        }

        if (Link(existing, created) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == ErrorExists && !Directory.Exists(created) ? false : throw Error(error, $"link {created}");
    }

    /// <summary>The text of a small file that another process may hold locked; empty where it cannot be read.</summary>
    public static string ReadTextUnlocked(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return "";
        }

        using var file = OpenUnlocked(path);
        Span<byte> bytes = stackalloc byte[64];
        return Encoding.ASCII.GetString(bytes[..RandomAccess.Read(file, bytes, 0)]);
    }

    private static SafeFileHandle OpenUnlocked(string path)
    {
        var descriptor = Open(path, OpenReadOnly);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw Error(Marshal.GetLastPInvokeError(), $"open {path}");
    }

    private static void ThrowUnlessInterrupted(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error != ErrorInterrupted)
        {
            throw Error(error, what);
        }
    }

    private static IOException Error(int error, string what) =>
        new($"{what}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FileDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FileSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Link(string existing, string created);
}
