using Dmt.Core;
using Dmt.Engine.Checksums;
using Dmt.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Log;

/// <summary>Reads a segment through a window that slides forward and grows to the largest group.</summary>
internal sealed class LogSegmentReader : IDisposable
{
    private const int WindowBytes = 1 << 20;

    private readonly SafeFileHandle _file;
    private byte[] _window;
    private long _windowOffset;
    private int _windowLength;

    public LogSegmentReader(string path)
    {
        Path = path;
        try
        {
            _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Length = RandomAccess.GetLength(_file);
            _window = new byte[Math.Min(Length, WindowBytes)];
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, path, path);
        }
    }

    public string Path { get; }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>
    /// Reads the header; false where it is damaged or cut short.
    /// </summary>
    /// <exception cref="DmtException">Unavailable where a newer DMT wrote it.</exception>
    public bool TryReadHeader(out SegmentHeader header) =>
        LogFormat.TryReadSegmentHeader(At(0, LogFormat.SegmentHeaderBytes), Path, out header);

    /// <summary>
    /// Reads the group at an offset and checks all that it says of itself; false where there is no intact one.
    /// </summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="seed">Where its checksum starts from.</param>
    /// <param name="header">Its header.</param>
    /// <param name="payload">Its records; valid until the next call.</param>
    public bool TryReadGroup(long offset, uint seed, out GroupHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!TryReadGroupHeader(offset, out header))
        {
            return false;
        }

        var bytes = At(offset, LogFormat.GroupHeaderBytes + (int)header.PayloadBytes);
        if (Crc32C.Append(seed, bytes[4..]) != header.Crc)
        {
            return false;
        }

        payload = bytes[LogFormat.GroupHeaderBytes..];
        return true;
    }

    /// <summary>
    /// Reads what could be a group's header: its length fits the file and its fields agree. The checksum is not looked
    /// at.
    /// </summary>
    public bool TryReadGroupHeader(long offset, out GroupHeader header)
    {
        header = default;
        var bytes = At(offset, LogFormat.GroupHeaderBytes);
        if (bytes.Length < LogFormat.GroupHeaderBytes)
        {
            return false;
        }

        header = LogFormat.ReadGroupHeader(bytes);
        return header.PayloadBytes <= Math.Min(Length - offset, Array.MaxLength) - LogFormat.GroupHeaderBytes
            && header.SyncedTo >= 0 && header.SyncedTo <= header.StartPosition
            && header.Kind switch
            {
                GroupKind.Records => header.PayloadBytes > 0,
                GroupKind.Close => header.PayloadBytes == 0 && header.SyncedTo == header.StartPosition,
                _ => false,
            };
    }

    /// <summary>
    /// The first offset from <paramref name="offset"/> on whose byte is not zero; the length where all are.
    /// </summary>
    public long FirstNonZero(long offset)
    {
        while (offset < Length)
        {
            At(offset, 1);
            var bytes = _window.AsSpan((int)(offset - _windowOffset), (int)(_windowOffset + _windowLength - offset));
            var found = bytes.IndexOfAnyExcept((byte)0);
            if (found >= 0)
            {
                return offset + found;
            }

            offset += bytes.Length;
        }

        return Length;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>The bytes at an offset: as many as asked for, fewer only where the file ends.</summary>
    private ReadOnlySpan<byte> At(long offset, int length)
    {
        if (offset >= Length)
        {
            return [];
        }

        length = (int)Math.Min(length, Length - offset);
        if (offset < _windowOffset || offset + length > _windowOffset + _windowLength)
        {
            Load(offset, length);
        }

        return _window.AsSpan((int)(offset - _windowOffset), length);
    }

    private void Load(long offset, int length)
    {
        if (length > _window.Length)
        {
            _window = new byte[length];
        }

        (_windowOffset, _windowLength) = (offset, 0);
        var wanted = (int)Math.Min(_window.Length, Length - offset);
        try
        {
            while (_windowLength < wanted)
            {
                var read = RandomAccess.Read(
                    _file, _window.AsSpan(_windowLength, wanted - _windowLength), offset + _windowLength);
                if (read == 0)
                {
                    throw DmtException.Unavailable($"{Path} was cut off at {offset + _windowLength} while it was read");
                }

                _windowLength += read;
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, Path, Path);
        }
    }
}
