namespace Dmt.Engine.Log;

/// <summary>How the object log gathers and uploads. The defaults trade a few milliseconds for few requests.</summary>
internal sealed record ObjectLogOptions
{
    /// <summary>A batch with this many bytes is uploaded at once.</summary>
    public int BatchBytesMax { get; init; } = 4 << 20;

    /// <summary>
    /// Strict writers are gathered so long: after others were acknowledged who may come again, and between uploads
    /// while some are under way.
    /// </summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(3);

    /// <summary>What nobody waits for is uploaded this long after it was appended, at most.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(900);

    /// <summary>Uploads under way at a time.</summary>
    public int UploadsMax { get; init; } = 16;

    /// <summary>Writers wait while more bytes than this are not durable.</summary>
    public long UnwrittenBytesMax { get; init; } = 64 << 20;

    /// <summary>After a failed upload, the pause before the next attempt.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long closing tries to upload what is left.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(6);
}
