using Dmt.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Log;

/// <summary>
/// The three things that the log does to a segment file, where tests can count them and make them fail.
/// </summary>
internal class LogMedium
{
    private static readonly byte[] Zeros = new byte[256 << 10];

    /// <summary>Takes space on the disk by writing zeros: at most 256 KiB.</summary>
    public virtual void Reserve(SafeFileHandle file, long offset, int length) =>
        RandomAccess.Write(file, Zeros.AsSpan(0, length), offset);

    public virtual void Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes) =>
        RandomAccess.Write(file, bytes, offset);

    public virtual void Sync(SafeFileHandle file) => NativeFile.SyncData(file);

    /// <summary>Most bytes of one <see cref="Reserve"/>.</summary>
    public static int ReserveBytesMax => Zeros.Length;
}
