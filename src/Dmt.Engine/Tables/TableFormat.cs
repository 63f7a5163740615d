// A table, as docs/formats/table.md lays it out:
//
//   data blocks | filter | index | range tombstones | properties | footer
//
// Each data block has its own trailer; each of the four sections is followed by its CRC-32C. Filter to footer, the
// "tail", is read at once.
using System.Buffers.Binary;
using Dmt.Core;
using Dmt.Engine.Checksums;

namespace Dmt.Engine.Tables;

internal static class TableFormat
{
    /// <summary>"DMTTABLE", read as a little-endian number.</summary>
    public const ulong Magic = 0x454C_4241_5454_4D44;

    public const uint Version = 1;

    public const int FooterBytes = 56;

    public const int SectionTrailerBytes = sizeof(uint);

    /// <summary>
    /// Where the sections begin. The data blocks end at the filter, each section ends where the next begins.
    /// </summary>
    internal readonly record struct Footer(long Filter, long Index, long RangeTombstones, long Properties)
    {
        public void Write(Span<byte> to)
        {
            BinaryPrimitives.WriteInt64LittleEndian(to, Filter);
            BinaryPrimitives.WriteInt64LittleEndian(to[8..], Index);
            BinaryPrimitives.WriteInt64LittleEndian(to[16..], RangeTombstones);
            BinaryPrimitives.WriteInt64LittleEndian(to[24..], Properties);
            BinaryPrimitives.WriteUInt32LittleEndian(to[32..], 0);
            BinaryPrimitives.WriteUInt32LittleEndian(to[36..], Version);
            BinaryPrimitives.WriteUInt64LittleEndian(to[40..], Magic);
            BinaryPrimitives.WriteUInt32LittleEndian(to[48..], Crc32C.Compute(to[..48]));
            BinaryPrimitives.WriteUInt32LittleEndian(to[52..], 0);
        }

        /// <exception cref="DmtException">Corruption, or Unavailable where a newer DMT wrote the table.</exception>
        public static Footer Read(ReadOnlySpan<byte> footer, string objectName, long offset)
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(footer[40..]) != Magic)
            {
                throw DmtException.Corruption(objectName, offset, "the footer has no table magic");
            }

            var version = BinaryPrimitives.ReadUInt32LittleEndian(footer[36..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(footer[48..]) != Crc32C.Compute(footer[..48])
                || BinaryPrimitives.ReadUInt32LittleEndian(footer[52..]) != 0)
            {
                throw DmtException.Corruption(objectName, offset, "the checksum of the footer is wrong");
            }

            if (version > Version)
            {
                throw DmtException.Unavailable(
                    $"{objectName} was written by a newer DMT (table format {version}; this one reads up to "
                        + $"{Version})");
            }

            var read = new Footer(
                BinaryPrimitives.ReadInt64LittleEndian(footer),
                BinaryPrimitives.ReadInt64LittleEndian(footer[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(footer[16..]),
                BinaryPrimitives.ReadInt64LittleEndian(footer[24..]));
            if (read.Filter < 0 || read.Index < read.Filter || read.RangeTombstones < read.Index
                || read.Properties < read.RangeTombstones || read.Properties > offset)
            {
                throw DmtException.Corruption(objectName, offset, "the footer's offsets are out of order");
            }

            return read;
        }
    }
}
