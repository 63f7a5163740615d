// A data block, as docs/formats/table.md lays it out:
//
//   entries, back to back | restart offsets, u32 each | restart count, u32
//
// An entry is
//   shared varint, unshared varint, tag byte (bits 0-1 EntryKind, bit 2 has expiry, bit 3 has metadata),
//   sequence - base varint, [value length varint, puts], [expiry varint], [metadata length varint],
//   unshared key bytes, value bytes, metadata bytes
// where "shared" counts the bytes it has in common with the key before it, and is 0 at every restart point.
namespace Dmt.Engine.Tables;

internal static class BlockFormat
{
    public const byte KindMask = 3;
    public const byte ExpiryBit = 1 << 2;
    public const byte MetadataBit = 1 << 3;

    /// <summary>Entries between restart points.</summary>
    public const int RestartInterval = 16;

    /// <summary>
    /// Behind each stored block: the compression, 1 byte, then CRC-32C of stored bytes and that byte, 4 bytes.
    /// </summary>
    public const int TrailerBytes = 5;
}
