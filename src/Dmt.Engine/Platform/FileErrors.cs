using Dmt.Core;

namespace Dmt.Engine.Platform;

/// <summary>Turns what the file system throws into what DMT throws.</summary>
internal static class FileErrors
{
    private const int NoSpaceUnix = 28;
    private const int QuotaLinux = 122;
    private const int QuotaMacOS = 69;
    private const int DiskFullWindows = unchecked((int)0x80070070);
    private const int SharingViolationWindows = unchecked((int)0x80070020);
    private const int WouldBlockLinux = 11;
    private const int WouldBlockMacOS = 35;
    private const int HandleDiskFullWindows = unchecked((int)0x80070027);

    /// <summary>True for the exceptions of a file system that does not do what it was asked.</summary>
    public static bool IsFileError(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>True where the disk, or this user's share of it, is full.</summary>
    public static bool IsDiskFull(Exception error) => error is IOException && error.HResult switch
    {
        DiskFullWindows or HandleDiskFullWindows => true,
        NoSpaceUnix => !OperatingSystem.IsWindows(),
        QuotaLinux => OperatingSystem.IsLinux(),
        QuotaMacOS => OperatingSystem.IsMacOS(),
        _ => false,
    };

    /// <summary>True where another handle holds the file locked (EWOULDBLOCK, sharing violation).</summary>
    public static bool IsLocked(IOException error) =>
        error.HResult == (OperatingSystem.IsWindows() ? SharingViolationWindows
            : OperatingSystem.IsLinux() ? WouldBlockLinux : WouldBlockMacOS);

    /// <summary>
    /// Unavailable: a full disk says so and names <paramref name="root"/>, anything else names the file.
    /// </summary>
    public static DmtException Translate(Exception error, string root, string file) =>
        IsDiskFull(error)
            ? DmtException.Unavailable($"the disk of {root} is full", error)
            : DmtException.Unavailable($"{file}: {error.Message}", error);
}
