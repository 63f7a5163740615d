using Dmt.Core;

namespace Dmt.Engine.Log;

/// <summary>The settings of a <see cref="FileLog"/>.</summary>
public sealed record FileLogOptions
{
    /// <summary>
    /// Size of a segment, in bytes; a larger record gets a segment of its own size. 64 KiB to 1 GiB; 64 MiB by default.
    /// </summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Appenders wait while more bytes than this are not yet written to the file. 64 KiB to 1 GiB; 8 MiB by default.
    /// </summary>
    public long UnwrittenBytesMax { get; init; } = 8L << 20;

    /// <summary>What writes; tests put their faults and counters here.</summary>
    internal LogMedium Medium { get; init; } = new();

    internal void Validate()
    {
        Check(nameof(SegmentBytes), SegmentBytes);
        Check(nameof(UnwrittenBytesMax), UnwrittenBytesMax);
    }

    private static void Check(string setting, long given)
    {
        if (given is < (64 << 10) or > (1 << 30))
        {
            throw DmtException.InvalidArgument($"{setting} is {given}: expected {64 << 10} to {1 << 30}");
        }
    }
}
