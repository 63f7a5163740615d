using Dmt.Core;

namespace Dmt.Cli;

/// <summary>Opens the files that a command line names; what cannot be opened is bad input.</summary>
internal static class InputFiles
{
    /// <exception cref="DmtException">InvalidArgument that names the file and why it cannot be read.</exception>
    public static FileStream OpenRead(string path) =>
        Try(path, "read", () => new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1,
                FileOptions.Asynchronous | FileOptions.SequentialScan));

    /// <exception cref="DmtException">InvalidArgument that names the file and why it cannot be written.</exception>
    public static FileStream Create(string path) =>
        Try(path, "write", () => new FileStream(
            path, FileMode.Create, FileAccess.Write, FileShare.Read, 64 << 10, FileOptions.Asynchronous));

    /// <exception cref="DmtException">InvalidArgument that names the file and why it cannot be read.</exception>
    public static async Task<byte[]> ReadAllAsync(string path, CancellationToken cancellationToken)
    {
        await using var stream = OpenRead(path);
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, cancellationToken);
        return all.ToArray();
    }

    private static FileStream Try(string path, string verb, Func<FileStream> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var why = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "no such file",
                UnauthorizedAccessException when Directory.Exists(path) => "it is a folder",
                UnauthorizedAccessException => "no permission",
                _ => e.Message,
            };
            throw new DmtException(DmtErrorKind.InvalidArgument, $"cannot {verb} {path}: {why}", e);
        }
    }
}
