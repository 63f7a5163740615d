using System.Buffers.Binary;
using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Platform;
using Dmt.Engine.Tables;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Inspection;

/// <summary>What a file is.</summary>
internal enum FileKind
{
    Unknown,
    Table,
    Manifest,
    LogSegment,
}

/// <summary>A file that is read at any place and never written.</summary>
internal sealed class InspectedFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <exception cref="DmtException">Unavailable where it cannot be opened.</exception>
    public InspectedFile(string path)
    {
        Path = path;
        try
        {
            _handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Length = RandomAccess.GetLength(_handle);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, path, path);
        }
    }

    public string Path { get; }

    public long Length { get; }

    /// <exception cref="DmtException">
    /// Corruption where the file ends before; Unavailable where it cannot be read.
    /// </exception>
    public byte[] Read(long offset, long length)
    {
        if (length > Array.MaxLength || offset + length > Length)
        {
            throw DmtException.Corruption(Path, offset, $"{length} bytes cannot be read, the file has {Length}");
        }

        var bytes = new byte[length];
        try
        {
            for (var done = 0; done < bytes.Length;)
            {
                var read = RandomAccess.Read(_handle, bytes.AsSpan(done), offset + done);
                done += read > 0
                    ? read
                    : throw DmtException.Unavailable($"{Path} was cut off at {offset + done} while it was read");
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, Path, Path);
        }

        return bytes;
    }

    /// <summary>What it is by its magic; by its name only where no magic is left.</summary>
    public FileKind Recognise()
    {
        var head = Read(0, Math.Min(Length, sizeof(ulong)));
        if (head.AsSpan().SequenceEqual(LogFormat.Magic))
        {
            return FileKind.LogSegment;
        }

        if (head.Length == sizeof(ulong) && BinaryPrimitives.ReadUInt64LittleEndian(head) == ManifestCodec.Magic)
        {
            return FileKind.Manifest;
        }

        if (Length >= TableFormat.FooterBytes
            && BinaryPrimitives.ReadUInt64LittleEndian(
                Read(Length - TableFormat.FooterBytes + TableFormat.MagicOffset, sizeof(ulong))) == TableFormat.Magic)
        {
            return FileKind.Table;
        }

        var name = System.IO.Path.GetFileName(Path);
        return name.EndsWith(TableId.Suffix, StringComparison.Ordinal) ? FileKind.Table
            : LogFormat.SegmentNumber(Path) is not null ? FileKind.LogSegment
            : name.Length == 16 && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                ? FileKind.Manifest
            : FileKind.Unknown;
    }

    public void Dispose() => _handle.Dispose();
}
