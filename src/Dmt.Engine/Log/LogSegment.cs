using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Log;

/// <summary>A segment that a <see cref="FileLog"/> writes or has written.</summary>
internal sealed class LogSegment(long number, string path, uint seed, SafeFileHandle file)
{
    private long _reserved;

    public long Number => number;

    public string Path => path;

    /// <summary>Where the checksums of its groups start from.</summary>
    public uint Seed => seed;

    public SafeFileHandle File => file;

    /// <summary>Position of its first record. Set when it becomes the tail, under the log's lock.</summary>
    public long StartPosition { get; set; }

    /// <summary>Bytes that its groups take, written or not. Guarded by the log's lock.</summary>
    public long Used { get; set; } = LogFormat.SegmentHeaderBytes;

    /// <summary>Bytes that it may grow to. Guarded by the log's lock; raised for a record that needs it.</summary>
    public long Capacity { get; set; }

    /// <summary>
    /// Bytes that the file has, so that writing them cannot fill the disk. Written under the reserve lock, read
    /// anywhere.
    /// </summary>
    public long Reserved
    {
        get => Volatile.Read(ref _reserved);
        set => Volatile.Write(ref _reserved, value);
    }
}

/// <summary>Records that are written and checksummed as one. Its buffer begins with room for the header.</summary>
internal sealed class LogGroup
{
    public byte[] Buffer { get; set; } = [];

    /// <summary>Bytes in the buffer, header included.</summary>
    public int Length { get; set; }

    public LogSegment Segment { get; set; } = null!;

    /// <summary>Where it goes in the segment's file.</summary>
    public long Offset { get; set; }

    public long StartPosition { get; set; }
}
