// Objects as files under a root directory; an object's name is its path.
//
//   root/LOCK     held by the one process that has the store open
//   root/.tmp/    objects being written, named by a counter; emptied at open
//
// An object appears whole and durable: its bytes are written to a temporary file and synced, then the file gets its
// name, then the directory is synced. Over-writing renames (the last one wins); creating links, which fails where the
// name is taken and is the store's synchronisation primitive. Deletions are not synced: an object that comes back after
// a crash is garbage as it was before, and is found again. Empty directories stay.
//
// All I/O runs on the calling thread (ADR 6): what is in the page cache takes microseconds, a hop to another thread
// more.
using System.Globalization;
using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Objects;

/// <summary>
/// Objects as files of one directory, which one process has open at a time. Where one object's name is the path of
/// another's directory (<c>a</c> beside <c>a/b</c>), the second is refused as Unavailable. The names <c>LOCK</c> and
/// <c>.tmp/…</c> are taken.
/// </summary>
public sealed partial class DirectoryObjectStore : IObjectStore
{
    private const string TemporaryFolder = ".tmp";

    private readonly string _root;
    private readonly DirectoryLock _lock;
    private readonly TimeProvider _time;
    private long _temporaryNumber;
    private volatile bool _closed;

    /// <param name="root">The directory; created where it is missing.</param>
    /// <param name="time">The clock that stamps objects.</param>
    /// <exception cref="DmtException">Unavailable where another process has it open or the file system
    /// refuses.</exception>
    public DirectoryObjectStore(string root, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrEmpty(root);
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        _time = time;
        try
        {
            NativeFile.CreateDirectory(_root);
            _lock = DirectoryLock.Take(_root);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, _root, _root);
        }

        try
        {
            Directory.CreateDirectory(Path.Combine(_root, TemporaryFolder));
            foreach (var leftover in Directory.EnumerateFiles(Path.Combine(_root, TemporaryFolder)))
            {
                File.Delete(leftover);
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            _lock.Dispose();
            throw FileErrors.Translate(e, _root, Path.Combine(_root, TemporaryFolder));
        }
    }

    public string Description => _root;

    public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        var path = Check(name, cancellationToken);
        try
        {
            return new(File.ReadAllBytes(path));
        }
        catch (Exception e) when (IsMissing(e, path))
        {
            return new((byte[]?)null);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, _root, path);
        }
    }

    public IObjectReader OpenRead(string name, long length) =>
        new Reader(this, name, Check(name, CancellationToken.None), length);

    public ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var path = Check(name, cancellationToken);
        using var temporary = new Temporary(this, path);
        temporary.Write(content.Span);
        temporary.Publish();
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var path = Check(name, cancellationToken);
        if (File.Exists(path))
        {
            // Whoever is told that it exists may rely on it: the winner may not have synced the directory yet.
            SyncDirectoryOf(path);
            return new(false);
        }

        using var temporary = new Temporary(this, path);
        temporary.Write(content.Span);
        return new(temporary.TryPublishNew());
    }

    public IObjectWriter OpenWrite(string name) => new Writer(this, name, Check(name, CancellationToken.None));

    public ValueTask DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            var path = Check(name, cancellationToken);
            try
            {
                File.Delete(path);
            }
            catch (Exception e) when (IsMissing(e, path))
            {
                // Not there: no error.
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, _root, path);
            }
        }

        return ValueTask.CompletedTask;
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectName.ValidatePrefix(prefix);
        CheckOpen(cancellationToken);
        var folder = prefix[..(prefix.LastIndexOf('/') + 1)];
        foreach (var (name, file) in Walk(folder, prefix, startAfter))
        {
            CheckOpen(cancellationToken);
            if (Describe(name, file) is { } info)
            {
                yield return info;
            }
        }

        await ValueTask.CompletedTask.ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        _lock.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Files under a folder in bytewise order of whole names: entries sort with their directories' slash, so that "a-b"
    /// comes before "a/b", and one folder's entries at a time are in memory.
    /// </summary>
    private IEnumerable<(string Name, FileInfo File)> Walk(string folder, string prefix, string? startAfter)
    {
        foreach (var (name, entry) in Entries(folder))
        {
            if (entry is FileInfo file)
            {
                if (name.StartsWith(prefix, StringComparison.Ordinal)
                    && (startAfter is null || string.CompareOrdinal(name, startAfter) > 0))
                {
                    yield return (name, file);
                }
            }
            else if ((
                name.StartsWith(prefix, StringComparison.Ordinal) || prefix.StartsWith(name, StringComparison.Ordinal))
                && (startAfter is null || string.CompareOrdinal(name, startAfter) > 0
                    || startAfter.StartsWith(name, StringComparison.Ordinal)))
            {
                foreach (var below in Walk(name, prefix, startAfter))
                {
                    yield return below;
                }
            }
        }
    }

    private List<(string Name, FileSystemInfo Entry)> Entries(string folder)
    {
        var path = Path.Combine(_root, folder);
        List<(string Name, FileSystemInfo Entry)> entries = [];
        try
        {
            foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
            {
                if (folder.Length > 0 || entry.Name is not (TemporaryFolder or DirectoryLock.FileName))
                {
                    entries.Add((folder + entry.Name + (entry is DirectoryInfo ? "/" : ""), entry));
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, _root, path);
        }

        entries.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return entries;
    }

    private ObjectInfo? Describe(string name, FileInfo file)
    {
        try
        {
            return new ObjectInfo(name, file.Length, file.LastWriteTimeUtc);
        }
        catch (FileNotFoundException)
        {
            return null; // Deleted since its folder was read.
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, _root, file.FullName);
        }
    }

    private string Check(string name, CancellationToken cancellationToken)
    {
        ObjectName.Validate(name);
        CheckOpen(cancellationToken);
        if (name == DirectoryLock.FileName || name.StartsWith(TemporaryFolder + "/", StringComparison.Ordinal)
            || name == TemporaryFolder)
        {
            throw DmtException.InvalidArgument($"the object name \"{name}\" is the directory store's own");
        }

        return Path.Combine(_root, name);
    }

    private void CheckOpen(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_closed)
        {
            throw DmtException.Closed(_root);
        }
    }

    private string NewTemporaryPath() => Path.Combine(
        _root, TemporaryFolder, Interlocked.Increment(ref _temporaryNumber).ToString(
            "D16", CultureInfo.InvariantCulture));

    private void SyncDirectoryOf(string path)
    {
        try
        {
            NativeFile.SyncDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, _root, path);
        }
    }

    /// <summary>No object of that name: nothing, or a directory.</summary>
    private static bool IsMissing(Exception error, string path) =>
        error is FileNotFoundException or DirectoryNotFoundException
        || (error is UnauthorizedAccessException && Directory.Exists(path));

    private static SafeFileHandle OpenExisting(string path) =>
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
}
