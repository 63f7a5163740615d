using Dmt.Core;
using Dmt.Engine.Checksums;

namespace Dmt.Engine.Log;

/// <summary>How far the log of an incarnation reaches.</summary>
/// <param name="Next">The number of the batch that comes next.</param>
/// <param name="IsSealed">None comes: it is a fence.</param>
internal readonly record struct LogEnd(long Next, bool IsSealed);

/// <summary>A batch of the object log, as it was read. Immutable.</summary>
internal sealed class LogBatch
{
    private readonly string _name;
    private readonly byte[] _bytes;

    private LogBatch(string name, long number, byte[] bytes, List<ObjectLogEntry> sections, bool isFence) =>
        (_name, Number, _bytes, Sections, IsFence) = (name, number, bytes, sections, isFence);

    public long Number { get; }

    /// <summary>Nothing behind it counts.</summary>
    public bool IsFence { get; }

    public int Length => _bytes.Length;

    public List<ObjectLogEntry> Sections { get; }

    /// <exception cref="DmtException">Corruption; Unavailable where a newer DMT wrote it.</exception>
    public static LogBatch Read(string name, long number, byte[] bytes)
    {
        var header = ObjectLogFormat.ReadHeader(bytes, name);
        if (header.Kind == ObjectBatchKind.Fence)
        {
            return new LogBatch(name, number, bytes, [], isFence: true);
        }

        return header.Number == number
            ? new LogBatch(name, number, bytes, ObjectLogFormat.ReadFooter(bytes, bytes.Length, name), isFence: false)
            : throw DmtException.Corruption(name, 16, $"it says that it is number {header.Number}");
    }

    /// <summary>Hands out the records of a shard, in order.</summary>
    /// <exception cref="DmtException">Corruption.</exception>
    public void Deliver(uint shard, LogRecordHandler handler)
    {
        if (Find(Sections, shard) is { } section)
        {
            var bytes = _bytes.AsSpan((int)section.Offset, section.Length);
            Check(_name, section, bytes);
            Deliver(_name, Number, section.Offset, bytes, handler);
        }
    }

    public static ObjectLogEntry? Find(List<ObjectLogEntry> sections, uint shard)
    {
        var index = sections.FindIndex(section => section.Shard == shard);
        return index < 0 ? null : sections[index];
    }

    public static void Check(string name, ObjectLogEntry section, ReadOnlySpan<byte> bytes)
    {
        if (Crc32C.Compute(bytes) != section.Crc)
        {
            throw DmtException.Corruption(
                name, section.Offset, $"the checksum of shard {section.Shard}'s records is wrong");
        }
    }

    public static void Deliver(
        string name, long number, long offset, ReadOnlySpan<byte> bytes, LogRecordHandler handler)
    {
        for (var at = 0; at < bytes.Length;)
        {
            if (!LogFormat.TryReadRecord(bytes, ref at, name, offset, 0, out var record))
            {
                throw DmtException.Corruption(name, offset + at, "the bytes make no record");
            }

            // A memtable that ends here is replayed from this batch on: records that are in tables already are passed
            // over.
            handler(record with { Position = number });
        }
    }
}
