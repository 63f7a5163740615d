// A batch of the object log, one immutable object. docs/formats/object-log.md is the description.
//
//   header | sections, one a shard: its records, back to back, as in the file log | footer | trailer
//
// The trailer has a fixed size and says how long the footer is; the footer says where each shard's section lies, with
// its checksum. So a reader that wants one shard reads the end of the object, then that section, and can trust both. A
// fence is a batch without sections whose header says so.
using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Checksums;

namespace Dmt.Engine.Log;

internal static class ObjectLogFormat
{
    /// <summary>"DMTBATCH", read as a little-endian number.</summary>
    public const ulong Magic = 0x4843_5441_4254_4D44;

    public const uint Version = 1;

    public const int HeaderBytes = 64;

    public const int TrailerBytes = 16;

    private const int IncarnationOffset = 24;

    public static string Folder(string incarnation) => $"log/{incarnation}/";

    public static string NameOf(string incarnation, long number) =>
        string.Create(CultureInfo.InvariantCulture, $"{Folder(incarnation)}{number:D16}");

    /// <summary>The number in an object's name; null where it is the name of something else.</summary>
    public static long? NumberOf(string name, string folder)
    {
        var digits = name.AsSpan(folder.Length);
        return digits.Length == 16
            && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
    }

    /// <summary>Lays a batch out.</summary>
    /// <param name="kind">Records, or a fence, which has no sections.</param>
    /// <param name="incarnation">Who writes it; for a fence, who seals.</param>
    /// <param name="number">Its number.</param>
    /// <param name="sections">The records of each shard, in any order of shards.</param>
    public static ReadOnlyMemory<byte> Encode(
        ObjectBatchKind kind, string incarnation, long number, IReadOnlyCollection<ObjectLogSection> sections)
    {
        var body = sections.Sum(static section => (long)section.Length);
        var to = new ArrayBufferWriter<byte>(checked((int)(HeaderBytes + body + (sections.Count * 40L) + 64)));
        WriteHeader(to.GetSpan(HeaderBytes)[..HeaderBytes], kind, incarnation, number);
        to.Advance(HeaderBytes);
        var footer = new ArrayBufferWriter<byte>(64);
        WriteNumber(footer, (ulong)sections.Count);
        foreach (var section in sections)
        {
            WriteNumber(footer, section.Shard);
            WriteNumber(footer, (ulong)to.WrittenCount);
            WriteNumber(footer, (ulong)section.Length);
            WriteNumber(footer, section.FirstSequence);
            WriteNumber(footer, section.LastSequence);
            WriteNumber(footer, Crc32C.Compute(section.Bytes));
            to.Write(section.Bytes);
        }

        to.Write(footer.WrittenSpan);
        var trailer = to.GetSpan(TrailerBytes)[..TrailerBytes];
        BinaryPrimitives.WriteInt32LittleEndian(trailer, footer.WrittenCount);
        BinaryPrimitives.WriteUInt32LittleEndian(
            trailer[4..], Crc32C.Append(Crc32C.Compute(footer.WrittenSpan), trailer[..4]));
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[8..], Magic);
        to.Advance(TrailerBytes);
        return to.WrittenMemory;
    }

    /// <summary>Reads and checks the header.</summary>
    /// <exception cref="DmtException">Corruption; Unavailable where a newer DMT wrote it.</exception>
    public static ObjectBatchHeader ReadHeader(ReadOnlySpan<byte> from, string name)
    {
        if (from.Length < HeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(from) != Magic)
        {
            throw DmtException.Corruption(name, 0, "it does not begin as a batch of the log");
        }

        var incarnationLength = BinaryPrimitives.ReadInt32LittleEndian(from[12..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(
            from[(HeaderBytes - 4)..]) != Crc32C.Compute(from[..(HeaderBytes - 4)])
            || incarnationLength is < 1 or > LogFormat.IncarnationBytesMax)
        {
            throw DmtException.Corruption(name, 0, "the checksum of the header is wrong");
        }

        var version = BinaryPrimitives.ReadUInt16LittleEndian(from[8..]);
        if (version > Version)
        {
            throw DmtException.Unavailable(
                $"{name} was written by a newer DMT (object log format {version}, this one reads {Version})");
        }

        return new ObjectBatchHeader(
            (ObjectBatchKind)BinaryPrimitives.ReadUInt16LittleEndian(from[10..]),
            Encoding.ASCII.GetString(from.Slice(IncarnationOffset, incarnationLength)),
            BinaryPrimitives.ReadInt64LittleEndian(from[16..]));
    }

    /// <summary>The sections of a batch, from its end.</summary>
    /// <param name="tail">The last bytes of the object, the footer and the trailer included.</param>
    /// <param name="length">Length of the object.</param>
    /// <param name="name">Its name, for errors.</param>
    /// <exception cref="DmtException">Corruption.</exception>
    public static List<ObjectLogEntry> ReadFooter(ReadOnlySpan<byte> tail, long length, string name)
    {
        var trailer = tail[^TrailerBytes..];
        var footerLength = BinaryPrimitives.ReadInt32LittleEndian(trailer);
        if (BinaryPrimitives.ReadUInt64LittleEndian(trailer[8..]) != Magic || footerLength < 1
            || footerLength > tail.Length - TrailerBytes)
        {
            throw DmtException.Corruption(name, length - TrailerBytes, "it does not end as a batch of the log");
        }

        var footer = tail[^(TrailerBytes + footerLength)..^TrailerBytes];
        if (BinaryPrimitives.ReadUInt32LittleEndian(
            trailer[4..]) != Crc32C.Append(Crc32C.Compute(footer), trailer[..4]))
        {
            throw DmtException.Corruption(name, length - TrailerBytes, "the checksum of the footer is wrong");
        }

        var entries = new List<ObjectLogEntry>();
        var at = 0;
        for (var left = ReadNumber(footer, ref at, name); left > 0; left--)
        {
            var entry = new ObjectLogEntry(
                (uint)ReadNumber(footer, ref at, name),
                (long)ReadNumber(footer, ref at, name),
                (int)ReadNumber(footer, ref at, name),
                ReadNumber(footer, ref at, name),
                ReadNumber(footer, ref at, name),
                (uint)ReadNumber(footer, ref at, name));
            if (entry.Offset < HeaderBytes || entry.Length < 0 || entry.Offset + entry.Length > length)
            {
                throw DmtException.Corruption(name, length - TrailerBytes, "a section lies outside the batch");
            }

            entries.Add(entry);
        }

        return entries;
    }

    private static void WriteHeader(Span<byte> to, ObjectBatchKind kind, string incarnation, long number)
    {
        to.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[8..], (ushort)Version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[10..], (ushort)kind);
        BinaryPrimitives.WriteInt32LittleEndian(to[12..], incarnation.Length);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], number);
        Encoding.ASCII.GetBytes(incarnation, to[IncarnationOffset..]);
        BinaryPrimitives.WriteUInt32LittleEndian(to[(HeaderBytes - 4)..], Crc32C.Compute(to[..(HeaderBytes - 4)]));
    }

    private static void WriteNumber(ArrayBufferWriter<byte> to, ulong value) =>
        to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));

    private static ulong ReadNumber(ReadOnlySpan<byte> from, ref int at, string name) =>
        Varint.TryRead(from, ref at, out var value)
            ? value
            : throw DmtException.Corruption(name, at, "the footer ends early");
}

/// <summary>What a batch is for.</summary>
internal enum ObjectBatchKind : ushort
{
    Records = 1,

    /// <summary>Nothing behind it counts: a successor has sealed the log.</summary>
    Fence = 2,
}

/// <summary>The header of a batch.</summary>
internal readonly record struct ObjectBatchHeader(ObjectBatchKind Kind, string Incarnation, long Number);

/// <summary>Where a batch holds a shard's records.</summary>
internal readonly record struct ObjectLogEntry(
    uint Shard, long Offset, int Length, ulong FirstSequence, ulong LastSequence, uint Crc);
