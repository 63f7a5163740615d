using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Platform;

namespace Dmt.Engine.Objects;

/// <summary>
/// A directory's lock file, held for as long as this lives. The system drops the lock with the process, however that
/// ends. The file stays behind: deleting it would let one process lock the old file and another a new one of the same
/// name.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    public const string FileName = "LOCK";

    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <exception cref="DmtException">Unavailable where another process, or another store of this one, holds
    /// it.</exception>
    public static DirectoryLock Take(string directory)
    {
        var path = Path.Combine(directory, FileName);
        FileStream file;
        try
        {
            // On Unix this is flock(LOCK_EX | LOCK_NB).
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException e) when (FileErrors.IsLocked(e))
        {
            var holder = NativeFile.ReadTextUnlocked(path).Trim();
            throw DmtException.Unavailable(
                $"{directory} is in use by another process{(holder.Length > 0 ? $" (pid {holder})" : "")}", e);
        }

        try
        {
            file.SetLength(0);
            file.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
        }
        catch (IOException e) when (FileErrors.IsDiskFull(e))
        {
            // A full disk must not keep a store from opening for reads: the lock holds without the number in it.
        }
        catch
        {
            file.Dispose();
            throw;
        }

        return new DirectoryLock(file);
    }

    public void Dispose() => _file.Dispose();
}
