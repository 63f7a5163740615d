// The bytes of a cache on disk, field by field in docs/formats/disk-cache.md. A record names what lies in a slot, and
// carries two checksums: its own, and that of the part. So record and part need not reach the disk together, or in any
// order: a pair that does not belong together is no part.
using System.Buffers.Binary;
using Dmt.Engine.Checksums;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Objects.Caching;

internal static class DiskCacheFormat
{
    /// <summary>Bytes of a table in one slot; a table's last part may be shorter.</summary>
    public const int PartBytes = 16 << 10;

    public const int RecordBytes = 64;

    /// <summary>Bytes on disk that a slot takes.</summary>
    public const int SlotBytes = PartBytes + RecordBytes;

    /// <summary>Number of the part that holds the byte at <paramref name="offset"/>.</summary>
    public static int PartAt(long offset) => (int)(offset / PartBytes);

    public static long OffsetOf(int part) => (long)part * PartBytes;

    /// <summary>Bytes of a part of a table that is <paramref name="tableLength"/> bytes long.</summary>
    public static int LengthOf(int part, long tableLength) => (int)Math.Min(PartBytes, tableLength - OffsetOf(part));

    /// <param name="record">What to write.</param>
    /// <param name="store">The hash of the store's identity.</param>
    /// <param name="to"><see cref="RecordBytes"/> long.</param>
    public static void Write(in PartRecord record, ulong store, Span<byte> to)
    {
        to.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], record.Checksum);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], store);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], record.Table.Epoch);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], record.Table.Number);
        BinaryPrimitives.WriteUInt32LittleEndian(to[32..], record.Table.Shard);
        BinaryPrimitives.WriteInt32LittleEndian(to[36..], LengthOf(record.Part, record.TableLength));
        BinaryPrimitives.WriteInt64LittleEndian(to[40..], record.TableLength);
        BinaryPrimitives.WriteInt64LittleEndian(to[48..], OffsetOf(record.Part));
        BinaryPrimitives.WriteUInt32LittleEndian(to, Crc32C.Compute(to[4..RecordBytes]));
    }

    /// <summary>False for a free slot, and for anything that is not a record of this store.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, ulong store, out PartRecord record)
    {
        record = default;
        var tableLength = BinaryPrimitives.ReadInt64LittleEndian(from[40..]);
        var offset = BinaryPrimitives.ReadInt64LittleEndian(from[48..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(from) != Crc32C.Compute(from[4..RecordBytes])
            || BinaryPrimitives.ReadUInt64LittleEndian(from[8..]) != store
            || offset < 0 || offset % PartBytes != 0 || offset >= tableLength || offset / PartBytes > int.MaxValue)
        {
            return false;
        }

        var table = new TableId(
            BinaryPrimitives.ReadUInt32LittleEndian(from[32..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[24..]));
        record = new PartRecord(
            table, tableLength, PartAt(offset), BinaryPrimitives.ReadUInt32LittleEndian(from[4..]));
        return BinaryPrimitives.ReadInt32LittleEndian(from[36..]) == LengthOf(record.Part, tableLength);
    }
}

/// <summary>What lies in a slot.</summary>
/// <param name="Table">The table.</param>
/// <param name="TableLength">The table's length in bytes.</param>
/// <param name="Part">The part's number in the table, from 0.</param>
/// <param name="Checksum">CRC-32C of the part's bytes.</param>
internal readonly record struct PartRecord(TableId Table, long TableLength, int Part, uint Checksum);
