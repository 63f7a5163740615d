using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>What came of a write: a version, or an error.</summary>
public readonly record struct WriteOutcome
{
    /// <summary>The new version; where the write failed on a condition, the one that the key has.</summary>
    public ulong Version { get; init; }

    /// <summary>Why it failed; null where it did not.</summary>
    public DmtErrorKind? ErrorKind { get; init; }

    public string? Message { get; init; }

    public static WriteOutcome Of(DmtException error) => new()
    {
        Version = error.CurrentVersion,
        ErrorKind = error.Kind,
        Message = error.Message,
    };

    /// <exception cref="DmtException">The error, where there is one.</exception>
    public ulong VersionOrThrow() => ErrorKind is { } kind
        ? throw new DmtException(kind, Message ?? string.Empty) { CurrentVersion = Version }
        : Version;
}
