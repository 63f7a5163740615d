// The bytes of a log segment. docs/formats/log.md is the description; a golden file pins it.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Checksums;

namespace Dmt.Engine.Log;

/// <summary>Encodes and decodes segment headers, group headers and records.</summary>
internal static class LogFormat
{
    public const uint Version = 1;

    /// <summary>Bytes of a segment header.</summary>
    public const int SegmentHeaderBytes = 72;

    /// <summary>Bytes of a group header.</summary>
    public const int GroupHeaderBytes = 32;

    /// <summary>Groups begin at multiples of this.</summary>
    public const int GroupAlignment = 8;

    /// <summary>Most bytes of a record beside its operations.</summary>
    public const int RecordHeadBytesMax =
        4 + Varint.BytesMax32 + Varint.BytesMax64 + Varint.BytesMax64 + Varint.BytesMax32;

    /// <summary>Longest incarnation, in ASCII characters (a ULID has 26).</summary>
    public const int IncarnationBytesMax = 32;

    private const string FileExtension = ".log";
    private const int SegmentCrcOffset = SegmentHeaderBytes - 4;

    private static ReadOnlySpan<byte> Magic => "DMT-LOG\n"u8;

    public static string SegmentPath(string folder, long number) =>
        Path.Combine(folder, number.ToString("D16", CultureInfo.InvariantCulture) + FileExtension);

    /// <summary>The number in a segment's file name; null where it is the name of something else.</summary>
    public static long? SegmentNumber(string path)
    {
        var name = Path.GetFileName(path);
        return name.Length == 16 + FileExtension.Length && name.EndsWith(FileExtension, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, 16), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
    }

    /// <exception cref="DmtException">InvalidArgument where it cannot be a folder name of the log.</exception>
    public static void CheckIncarnation(string incarnation)
    {
        ArgumentNullException.ThrowIfNull(incarnation);
        if (incarnation.Length is 0 or > IncarnationBytesMax || !incarnation.All(char.IsAsciiLetterOrDigit))
        {
            throw DmtException.InvalidArgument(
                $"the incarnation \"{incarnation}\": expected 1 to {IncarnationBytesMax} letters and digits");
        }
    }

    /// <summary>
    /// Where the checksums of a segment's groups start from, so that a group of another segment or incarnation that
    /// comes to lie in this file (a recycled block, a copy in a value) is not taken for one of its own.
    /// </summary>
    public static uint GroupSeed(string incarnation, long number)
    {
        Span<byte> bytes = stackalloc byte[IncarnationBytesMax + 8];
        bytes.Clear();
        Encoding.ASCII.GetBytes(incarnation, bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[IncarnationBytesMax..], number);
        return Crc32C.Compute(bytes);
    }

    public static void WriteSegmentHeader(Span<byte> to, string incarnation, long number, long startPosition)
    {
        to[..SegmentHeaderBytes].Clear();
        Magic.CopyTo(to);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], (uint)incarnation.Length);
        Encoding.ASCII.GetBytes(incarnation, to.Slice(16, IncarnationBytesMax));
        BinaryPrimitives.WriteInt64LittleEndian(to[48..], number);
        BinaryPrimitives.WriteInt64LittleEndian(to[56..], startPosition);
        BinaryPrimitives.WriteUInt32LittleEndian(to[SegmentCrcOffset..], Crc32C.Compute(to[..SegmentCrcOffset]));
    }

    /// <summary>Reads a segment header; false where it is damaged or cut short.</summary>
    /// <exception cref="DmtException">Unavailable where an intact header says a newer format.</exception>
    public static bool TryReadSegmentHeader(ReadOnlySpan<byte> from, string path, out SegmentHeader header)
    {
        header = default;
        if (from.Length < SegmentHeaderBytes || !from.StartsWith(Magic))
        {
            return false;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(from[8..]);
        if (version != Version)
        {
            CheckNewer(from, path, version);
            return false;
        }

        var incarnationLength = BinaryPrimitives.ReadUInt32LittleEndian(from[12..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[SegmentCrcOffset..])
            != Crc32C.Compute(from[..SegmentCrcOffset])
            || incarnationLength is 0 or > IncarnationBytesMax)
        {
            return false;
        }

        header = new SegmentHeader(
            Encoding.ASCII.GetString(from.Slice(16, (int)incarnationLength)),
            BinaryPrimitives.ReadInt64LittleEndian(from[48..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[56..]));
        return header.StartPosition >= 0;
    }

    /// <summary>Completes a group whose payload lies behind the header in <paramref name="group"/>.</summary>
    public static void WriteGroupHeader(Span<byte> group, uint seed, GroupKind kind, long startPosition, long syncedTo)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(group[4..], (uint)(group.Length - GroupHeaderBytes));
        BinaryPrimitives.WriteInt64LittleEndian(group[8..], startPosition);
        BinaryPrimitives.WriteInt64LittleEndian(group[16..], syncedTo);
        BinaryPrimitives.WriteUInt32LittleEndian(group[24..], (uint)kind);
        BinaryPrimitives.WriteUInt32LittleEndian(group[28..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(group, Crc32C.Append(seed, group[4..]));
    }

    /// <summary>Reads the fields of a group header; what they say is to be checked by the caller.</summary>
    public static GroupHeader ReadGroupHeader(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(from),
        BinaryPrimitives.ReadUInt32LittleEndian(from[4..]),
        BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
        BinaryPrimitives.ReadInt64LittleEndian(from[16..]),
        (GroupKind)BinaryPrimitives.ReadUInt32LittleEndian(from[24..]));

    public static long Align(long length) => (length + GroupAlignment - 1) & -GroupAlignment;

    /// <summary>Writes what stands before a record's operations, all but their length, which is written last.</summary>
    /// <returns>Where the operations begin.</returns>
    public static int WriteRecordHead(Span<byte> to, uint shard, ulong epoch, ulong firstSeq, int count)
    {
        var at = 4;
        at += Varint.Write(to[at..], shard);
        at += Varint.Write(to[at..], epoch);
        at += Varint.Write(to[at..], firstSeq);
        return at + Varint.Write(to[at..], (uint)count);
    }

    public static void WriteRecordLength(Span<byte> to, int operationsLength) =>
        BinaryPrimitives.WriteUInt32LittleEndian(to, (uint)operationsLength);

    /// <summary>
    /// Reads the record at <paramref name="at"/> of a group's payload and moves past it; false where there is none.
    /// </summary>
    public static bool TryReadRecord(
        ReadOnlySpan<byte> payload,
        scoped ref int at,
        string file,
        long payloadOffset,
        long payloadPosition,
        out LogRecord record)
    {
        record = default;
        var start = at;
        if (payload.Length - at < 4)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(payload[at..]);
        var next = at + 4;
        if (!Varint.TryRead(payload, ref next, out var shard) || shard > uint.MaxValue
            || !Varint.TryRead(payload, ref next, out var epoch)
            || !Varint.TryRead(payload, ref next, out var firstSeq)
            || !Varint.TryRead(payload, ref next, out var count) || count > int.MaxValue
            || length > payload.Length - next)
        {
            return false;
        }

        at = next + (int)length;
        record = new LogRecord
        {
            Shard = (uint)shard,
            Epoch = epoch,
            FirstSeq = firstSeq,
            Count = (int)count,
            Operations = payload.Slice(next, (int)length),
            Position = payloadPosition + at,
            File = file,
            Offset = payloadOffset + start,
        };
        return true;
    }

    /// <summary>
    /// Tells a newer format from a damaged version field: with the version of this format in its place, a header of
    /// this format has the right checksum.
    /// </summary>
    private static void CheckNewer(ReadOnlySpan<byte> from, string path, uint version)
    {
        Span<byte> restored = stackalloc byte[SegmentCrcOffset];
        from[..SegmentCrcOffset].CopyTo(restored);
        BinaryPrimitives.WriteUInt32LittleEndian(restored[8..], Version);
        if (version > Version
            && BinaryPrimitives.ReadUInt32LittleEndian(from[SegmentCrcOffset..]) != Crc32C.Compute(restored))
        {
            throw DmtException.Unavailable(
                $"{path} was written by a newer DMT (log format {version}, this one reads {Version})");
        }
    }
}

/// <summary>What the payload of a group is.</summary>
internal enum GroupKind : uint
{
    /// <summary>Records.</summary>
    Records = 1,

    /// <summary>Nothing: the log was closed after all before it had been synced.</summary>
    Close = 2,
}

/// <summary>The fields of an intact segment header.</summary>
internal readonly record struct SegmentHeader(string Incarnation, long Number, long StartPosition);

/// <summary>The fields of a group header, unchecked.</summary>
internal readonly record struct GroupHeader(
    uint Crc, uint PayloadBytes, long StartPosition, long SyncedTo, GroupKind Kind);
