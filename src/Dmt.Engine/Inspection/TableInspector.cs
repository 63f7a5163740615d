// A table from its end: the footer leads to the sections, the index section to the data blocks. A damaged section takes
// with it only what it alone describes. The index is believed despite a wrong checksum where its block lengths still
// add up to the data: then it is a separator that is damaged, and the blocks can be verified all the same.
using System.Buffers.Binary;
using Dmt.Core;
using Dmt.Engine.Checksums;
using Dmt.Engine.Tables;
using static Dmt.Engine.Inspection.InspectionReport;

namespace Dmt.Engine.Inspection;

internal sealed class TableInspector(InspectedFile file, InspectionReport report)
{
    private TableProperties? _properties;
    private TableIndex? _index;
    private IReadOnlyList<RangeTombstone>? _ranges;
    private byte[]? _filter;

    /// <returns>What a manifest should say of it, its name apart; null where damage hides a part of that.</returns>
    /// <exception cref="DmtException">Corruption of the footer, or Unavailable: a newer DMT wrote it.</exception>
    public TableInfo? Inspect()
    {
        report.Line(0, $"table {file.Path}");
        var footerOffset = file.Length - TableFormat.FooterBytes;
        if (footerOffset < 0)
        {
            throw DmtException.Corruption(file.Path, 0, $"{file.Length} bytes cannot be a table");
        }

        var footer = TableFormat.Footer.Read(
            file.Read(footerOffset, TableFormat.FooterBytes), file.Path, footerOffset);
        report.Line(1, $"footer at {Count(footerOffset)}: format {TableFormat.Version},"
            + $" {Count(footer.Filter)} bytes of data blocks, checksum ok");
        report.Attempt(() => ReadProperties(footer.Properties, footerOffset));
        report.Attempt(() => ReadIndex(footer.Index, footer.RangeTombstones, footer.Filter));
        report.Attempt(() => ReadFilter(footer.Filter, footer.Index));
        report.Attempt(() => ReadRangeTombstones(footer.RangeTombstones, footer.Properties));
        return _index is null ? null : InspectBlocks(_index, footer.Filter);
    }

    private void ReadProperties(long from, long to)
    {
        if (Section("properties", from, to) is not { IsIntact: true } section)
        {
            return;
        }

        var p = TableProperties.Parse(section.Bytes, file.Path, from);
        _properties = p;
        report.Line(2, $"entries                {Count(p.Entries)}, {Count(p.Tombstones)} of them tombstones");
        report.Line(2, $"sequence numbers       {Count(p.SequenceBase)} to {Count(p.SequenceMax)}");
        report.Line(2, $"keys and values        {Count(p.RawBytes)} bytes before compression");
        var prefixes = p.FilterPrefixLength > 0 ? Count(p.FilterPrefixLength, "byte") : "none";
        report.Line(2, $"prefixes in the filter {prefixes}");
        report.Line(2, $"created                {Time(p.CreatedAtMs)}");
    }

    private void ReadIndex(long from, long to, long dataLength)
    {
        if (Section("index", from, to) is not { } section)
        {
            return;
        }

        try
        {
            _index = TableIndex.Parse(section.Bytes, dataLength, file.Path, from);
        }
        catch (DmtException e)
        {
            report.Damage(file.Path, 0, $"{dataLength} bytes of data blocks cannot be verified without the index");
            if (section.IsIntact)
            {
                report.Add(e);
            }

            return;
        }

        var index = _index;
        if (index.Count == 0)
        {
            report.Line(2, "no blocks");
            return;
        }

        var lengths = Enumerable.Range(0, index.Count).Select(index.BlockLength).ToArray();
        report.Line(2, $"{Count(index.Count, "block")} of {Count(lengths.Min())} to {Count(lengths.Max())} bytes,"
            + $" separators {Show(index.Separator(0))} to {Show(index.Separator(index.Count - 1))}");
    }

    private void ReadFilter(long from, long to)
    {
        if (Section("filter", from, to) is not { IsIntact: true } section)
        {
            return;
        }

        _filter = section.Bytes.Length % SplitBlockBloomFilter.BlockBytes == 0
            ? section.Bytes
            : throw DmtException.Corruption(file.Path, from, $"a filter of {section.Bytes.Length} bytes cannot be");
    }

    private void ReadRangeTombstones(long from, long to)
    {
        if (Section("range tombstones", from, to) is not { IsIntact: true } section)
        {
            return;
        }

        _ranges = TableReader.ReadRangeTombstones(section.Bytes, file.Path, from);
        foreach (var range in _ranges)
        {
            report.Line(2, $"{Show(range.Start)} to {(range.End is null ? "the end of all keys" : Show(range.End))},"
                + $" at {Count(range.Sequence)}");
        }
    }

    private sealed record SectionBytes(byte[] Bytes, bool IsIntact);

    private SectionBytes? Section(string name, long from, long to)
    {
        if (to - from < TableFormat.SectionTrailerBytes)
        {
            report.Damage(file.Path, from, $"{to - from} bytes have no room for the {name}");
            return null;
        }

        var bytes = file.Read(from, to - from);
        var content = bytes[..^TableFormat.SectionTrailerBytes];
        var isIntact = Crc32C.Compute(content)
            == BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(content.Length));
        report.Line(
            1, $"{name} at {Count(from)}: {Count(content.Length, "byte")}, checksum {(isIntact ? "ok" : "wrong")}");
        if (!isIntact)
        {
            report.Damage(file.Path, from, $"the checksum of the {name} is wrong");
        }

        return new SectionBytes(content, isIntact);
    }

    private TableInfo? InspectBlocks(TableIndex index, long tailOffset)
    {
        var blocks = new BlocksInspector(
            file, index, _properties?.SequenceBase, _filter, _properties?.FilterPrefixLength ?? 0, report);
        blocks.Inspect();
        if (_filter is { Length: > 0 } filter && blocks.IsComplete && blocks.Keys > 0)
        {
            report.Line(1, FormattableString.Invariant(
                $"filter: {8.0 * filter.Length / blocks.Keys:0.0} bits a key"));
        }

        if (!blocks.IsComplete || _properties is not { } p || _ranges is null)
        {
            return null;
        }

        var info = Describe(blocks, _ranges, tailOffset);
        Compare("entries", info.Entries, p.Entries);
        Compare("tombstones", info.Tombstones, p.Tombstones);
        Compare("bytes of keys and values", blocks.RawBytes, p.RawBytes);
        if (info.SequenceMax != p.SequenceMax || info.SequenceMin < p.SequenceBase)
        {
            report.Damage(file.Path, 0, $"the table holds sequence numbers {info.SequenceMin} to {info.SequenceMax},"
                + $" the properties say {p.SequenceBase} to {p.SequenceMax}");
        }

        return info;
    }

    private void Compare(string what, long found, long said)
    {
        if (found != said)
        {
            report.Damage(file.Path, 0, $"the table holds {found} {what}, the properties say {said}");
        }
    }

    private TableInfo Describe(BlocksInspector blocks, IReadOnlyList<RangeTombstone> ranges, long tailOffset)
    {
        var (smallest, largest, min, max) = (blocks.Smallest, blocks.Largest, blocks.SequenceMin, blocks.SequenceMax);
        foreach (var range in ranges)
        {
            smallest = smallest is null || range.Start.AsSpan().SequenceCompareTo(smallest) < 0
                ? range.Start
                : smallest;
            largest = range.End is { } end && (largest is null || end.AsSpan().SequenceCompareTo(largest) > 0)
                ? end
                : largest;
            (min, max) = (Math.Min(min, range.Sequence), Math.Max(max, range.Sequence));
        }

        return new TableInfo
        {
            Id = default,
            Length = file.Length,
            TailOffset = tailOffset,
            Smallest = smallest ?? [],
            Largest = largest ?? [],
            LargestUnbounded = ranges.Any(static range => range.End is null),
            SequenceMin = min,
            SequenceMax = max,
            Entries = blocks.Entries,
            Tombstones = blocks.Tombstones,
            RangeTombstones = ranges.Count,
        };
    }
}
