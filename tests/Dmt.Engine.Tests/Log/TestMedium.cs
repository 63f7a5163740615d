using Dmt.Engine.Log;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Tests.Log;

/// <summary>Counts what the log asks of the disk, limits its space, holds up its syncs and makes it fail.</summary>
internal sealed class TestMedium : LogMedium
{
    private int _syncs;

    /// <summary>Bytes that may still be reserved.</summary>
    public long RoomBytes { get; set; } = long.MaxValue;

    public Exception? WriteError { get; set; }

    public Exception? SyncError { get; set; }

    /// <summary>While set, syncs wait for it.</summary>
    public ManualResetEventSlim? SyncGate { get; set; }

    /// <summary>Released once by each sync that begins.</summary>
    public SemaphoreSlim SyncBegan { get; } = new(0);

    public int Syncs => Volatile.Read(ref _syncs);

    public override void Reserve(SafeFileHandle file, long offset, int length)
    {
        if (length > RoomBytes)
        {
            throw new IOException(
                "No space left on device", OperatingSystem.IsWindows() ? unchecked((int)0x80070070) : 28);
        }

        RoomBytes -= length;
        base.Reserve(file, offset, length);
    }

    public override void Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
    {
        if (WriteError is { } error)
        {
            throw error;
        }

        base.Write(file, offset, bytes);
    }

    public override void Sync(SafeFileHandle file)
    {
        Interlocked.Increment(ref _syncs);
        SyncBegan.Release();
        SyncGate?.Wait();
        if (SyncError is { } error)
        {
            throw error;
        }
    }
}
