namespace Dmt.Core;

/// <summary>
/// The one exception of DMT. Its <see cref="Kind"/> tells what to do; its message names the key, file or setting at
/// fault.
/// </summary>
public sealed class DmtException : Exception
{
    public DmtException(DmtErrorKind kind, string message, Exception? innerException = null)
        : base(message, innerException) => Kind = kind;

    public DmtErrorKind Kind { get; }

    /// <summary>
    /// For <see cref="DmtErrorKind.Conflict"/>: the version that is there now, 0 where the key is absent.
    /// </summary>
    public ulong CurrentVersion { get; init; }

    /// <summary>
    /// For a batch over several shards of which not all were written: those that were. Empty otherwise.
    /// </summary>
    public IReadOnlyList<ShardVersion> Written { get; init; } = [];

    public static DmtException InvalidArgument(string message) => new(DmtErrorKind.InvalidArgument, message);

    public static DmtException TooLarge(string message) => new(DmtErrorKind.TooLarge, message);

    public static DmtException Unavailable(string message, Exception? inner = null) =>
        new(DmtErrorKind.Unavailable, message, inner);

    public static DmtException Conflict(string message, ulong currentVersion) =>
        new(DmtErrorKind.Conflict, message) { CurrentVersion = currentVersion };

    public static DmtException Closed(string what) => new(DmtErrorKind.Closed, $"{what} is closed");

    /// <summary>The one place where corruption is marked.</summary>
    /// <param name="objectName">The file or object that holds the damaged bytes.</param>
    /// <param name="offset">Byte offset in it where the damage was found.</param>
    /// <param name="what">What was expected and what was seen.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public static DmtException Corruption(string objectName, long offset, string what, Exception? inner = null) =>
        new(DmtErrorKind.Corruption, $"{objectName} is damaged at offset {offset}: {what}", inner);
}
