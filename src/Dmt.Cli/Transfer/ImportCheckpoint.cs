using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>
/// Remembers how far an import came, in a small file of the user's state folder (<c>$XDG_STATE_HOME/dmt/imports</c>, by
/// default
/// <c>~/.local/state/dmt/imports</c>), one for each pair of file and target. It counts only while the file has the
/// length and the modification time that it had; what is before <see cref="Offset"/> was durable in the store when it
/// was saved.
/// </summary>
internal sealed record ImportCheckpoint
{
    /// <summary>Length of the imported file, in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>When the imported file was last written, in ticks of UTC.</summary>
    public required long ModifiedTicks { get; init; }

    /// <summary>The file's bytes up to here are in the store.</summary>
    public required long Offset { get; init; }

    /// <summary>The number of the line at <see cref="Offset"/>.</summary>
    public required long Line { get; init; }

    /// <summary>Where the checkpoint of this import lies.</summary>
    public static string PathFor(CommandIo io, string file, string format, string target)
    {
        var state = io.Environment.GetValueOrDefault("XDG_STATE_HOME", string.Empty);
        if (!Path.IsPathRooted(state))
        {
            var home = io.Environment.GetValueOrDefault("HOME", Path.GetTempPath());
            state = Path.Combine(home, ".local", "state");
        }

        var identity = SHA256.HashData(Encoding.UTF8.GetBytes($"{target}\n{Path.GetFullPath(file)}\n{format}"));
        return Path.Combine(state, "dmt", "imports", Convert.ToHexStringLower(identity.AsSpan(0, 16)) + ".json");
    }

    /// <summary>
    /// The checkpoint of the file as it is now; null where there is none, or it is of an earlier content.
    /// </summary>
    public static ImportCheckpoint? Load(string path, FileInfo file)
    {
        try
        {
            var saved = JsonSerializer.Deserialize<ImportCheckpoint>(File.ReadAllBytes(path));
            return saved is not null
                && saved.Length == file.Length
                && saved.ModifiedTicks == file.LastWriteTimeUtc.Ticks
                && saved.Offset >= 0 && saved.Offset <= file.Length && saved.Line >= 1
                ? saved
                : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Saves it whole, or leaves the one before.</summary>
    /// <exception cref="DmtException">Unavailable, naming the file.</exception>
    public void Save(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var fresh = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");
            File.WriteAllBytes(fresh, JsonSerializer.SerializeToUtf8Bytes(this));
            File.Move(fresh, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DmtException.Unavailable($"cannot save the checkpoint {path}: {e.Message}", e);
        }
    }
}
