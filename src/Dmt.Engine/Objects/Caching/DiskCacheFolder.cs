using System.Text;
using Dmt.Core;
using Dmt.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Objects.Caching;

/// <summary>
/// The folder of a cache, locked for as long as this lives. A cache of another store, or of another format, is emptied;
/// a folder that holds anything but a cache is refused before a byte in it is touched.
/// </summary>
internal sealed class DiskCacheFolder : IDisposable
{
    /// <summary>Says whose cache it is, and by being there that it is one.</summary>
    public const string IdentityFile = "dmt-cache";

    public const string IndexFile = "index";
    public const string PartsFile = "parts";

    private const string Format = "DMT disk cache, format 1";
    private const int IdentityBytesMax = 4096;

    // What a store in a folder has, and a cache never.
    private static readonly string[] _storeNames = ["shards", "log", ".tmp"];

    private readonly DirectoryLock _lock;

    private DiskCacheFolder(string path, DirectoryLock directoryLock) => (Path, _lock) = (path, directoryLock);

    public string Path { get; }

    /// <exception cref="DmtException">
    /// InvalidArgument where the folder holds something else; Unavailable where another process has it, or the file
    /// system refuses.
    /// </exception>
    public static DiskCacheFolder Open(string path, string identity)
    {
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        DirectoryLock? taken = null;
        try
        {
            Check(path); // Taking the lock writes into the folder.
            Directory.CreateDirectory(path);
            taken = DirectoryLock.Take(path);
            Check(path);
            Claim(path, $"{Format}\n{identity}\n");
            return new DiskCacheFolder(path, taken);
        }
        catch (Exception e)
        {
            taken?.Dispose();
            if (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, path, path);
            }

            throw;
        }
    }

    /// <summary>Opens one of the cache's files, making it where it is missing.</summary>
    public SafeFileHandle OpenFile(string name) => File.OpenHandle(
        System.IO.Path.Combine(Path, name), FileMode.OpenOrCreate, FileAccess.ReadWrite,
        FileShare.ReadWrite | FileShare.Delete);

    public void Dispose() => _lock.Dispose();

    private static void Check(string path)
    {
        if (!Directory.Exists(path))
        {
            return;
        }

        var names = Directory.EnumerateFileSystemEntries(path).Select(System.IO.Path.GetFileName).ToHashSet();
        if (_storeNames.FirstOrDefault(names.Contains) is { } sign)
        {
            throw DmtException.InvalidArgument(
                $"the folder {path} holds a DMT store (it has {sign}) and cannot be a cache as well: expected a folder "
                + "that is empty, holds a cache already, or is not there");
        }

        if (!names.Contains(IdentityFile)
            && names.FirstOrDefault(static name => name != DirectoryLock.FileName) is { } foreign)
        {
            throw DmtException.InvalidArgument(
                $"the folder {path} is no cache and is not empty (it has {foreign}): expected a folder that is empty, "
                + "holds a cache already, or is not there");
        }
    }

    /// <summary>Empties the cache unless it is of this identity, down to the byte.</summary>
    private static void Claim(string path, string identity)
    {
        var file = System.IO.Path.Combine(path, IdentityFile);
        var expected = Encoding.UTF8.GetBytes(identity);
        if (File.Exists(file) && new FileInfo(file).Length <= IdentityBytesMax
            && File.ReadAllBytes(file).AsSpan().SequenceEqual(expected))
        {
            return;
        }

        File.Delete(System.IO.Path.Combine(path, IndexFile));
        File.Delete(System.IO.Path.Combine(path, PartsFile));
        File.WriteAllBytes(file, expected);
    }
}
