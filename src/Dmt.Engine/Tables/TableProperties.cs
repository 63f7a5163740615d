using Dmt.Core;

namespace Dmt.Engine.Tables;

/// <summary>What a table says of itself; each a varint in this order, unknown ones at the end are skipped.</summary>
/// <param name="SequenceBase">Subtracted from every sequence number in the data blocks.</param>
/// <param name="SequenceMax">The highest sequence number.</param>
/// <param name="Entries">Entries in data blocks.</param>
/// <param name="Tombstones">How many of them are tombstones.</param>
/// <param name="RawBytes">Bytes of keys, values and metadata before prefix compression.</param>
/// <param name="FilterPrefixLength">Length of the key prefixes in the filter; 0 for none.</param>
/// <param name="CreatedAtMs">Milliseconds since 1970-01-01 UTC.</param>
internal readonly record struct TableProperties(
    ulong SequenceBase, ulong SequenceMax, long Entries, long Tombstones, long RawBytes, int FilterPrefixLength,
        long CreatedAtMs)
{
    private const int BytesMax = 7 * Varint.BytesMax64;

    public byte[] Encode()
    {
        Span<byte> buffer = stackalloc byte[BytesMax];
        var at = Varint.Write(buffer, SequenceBase);
        at += Varint.Write(buffer[at..], SequenceMax);
        at += Varint.Write(buffer[at..], (ulong)Entries);
        at += Varint.Write(buffer[at..], (ulong)Tombstones);
        at += Varint.Write(buffer[at..], (ulong)RawBytes);
        at += Varint.Write(buffer[at..], (ulong)FilterPrefixLength);
        at += Varint.Write(buffer[at..], (ulong)CreatedAtMs);
        return buffer[..at].ToArray();
    }

    /// <exception cref="DmtException">Corruption.</exception>
    public static TableProperties Parse(ReadOnlySpan<byte> section, string objectName, long offset)
    {
        var at = 0;
        Span<ulong> values = stackalloc ulong[7];
        foreach (ref var value in values)
        {
            if (!Varint.TryRead(section, ref at, out value))
            {
                throw DmtException.Corruption(objectName, offset, "the properties end early");
            }
        }

        return new TableProperties(
            values[0], values[1], (long)values[2], (long)values[3], (long)values[4], (int)values[5], (long)values[6]);
    }
}
