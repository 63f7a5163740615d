using System.Diagnostics;
using System.Globalization;

namespace Dmt.Engine.Tests;

/// <summary>A real file system of a few MiB (tmpfs), mounted for one test.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public SmallDisk(int bytes)
    {
        var problem = Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={bytes}"),
            "dmt-test", Path);
        if (problem is not null)
        {
            _directory.Dispose();
            throw new InvalidOperationException(problem);
        }
    }

    public string Path => _directory.Path;

    /// <summary>Leaves no more room than this.</summary>
    public string FillUp(int bytesLeft)
    {
        var hog = System.IO.Path.Combine(Path, "hog");
        var room = new DriveInfo(Path).AvailableFreeSpace - bytesLeft;
        File.WriteAllBytes(hog, new byte[room]);
        return hog;
    }

    public void Dispose()
    {
        // Lazily: what a failed test left open must not hide why it failed.
        if (Run("umount", "--lazy", Path) is { } problem)
        {
            throw new InvalidOperationException(problem);
        }

        _directory.Dispose();
    }

    /// <returns>What went wrong; null where nothing did.</returns>
    private static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : $"{program}: {errors.Trim()}";
    }
}
