// Reads every data block of a table and checks what holds between entries: keys go up, versions of a key go down, no
// key lies outside what the separators say of its block, restart points lie on entries, and the filter knows every key.
// Of each block only the first such breach is told: one often makes all later ones.
using Dmt.Core;
using Dmt.Core.Hashing;
using Dmt.Engine.Tables;
using static Dmt.Engine.Inspection.InspectionReport;

namespace Dmt.Engine.Inspection;

/// <param name="file">The table.</param>
/// <param name="index">Where its blocks lie.</param>
/// <param name="sequenceBase">Added to the sequence numbers in the blocks; null where it is not known.</param>
/// <param name="filter">Null where it is damaged, empty where there is none.</param>
/// <param name="filterPrefixLength">Length of the key prefixes in the filter; 0 for none.</param>
/// <param name="report">Where it is told.</param>
internal sealed class BlocksInspector(
    InspectedFile file,
    TableIndex index,
    ulong? sequenceBase,
    byte[]? filter,
    int filterPrefixLength,
    InspectionReport report)
{
    private readonly List<string> _lines = [];
    private byte[]? _lastKey;
    private ulong _lastSequence;
    private string? _breach;

    /// <summary>Every block was read whole.</summary>
    public bool IsComplete { get; private set; } = true;

    public long Entries { get; private set; }

    public long Tombstones { get; private set; }

    /// <summary>Distinct keys.</summary>
    public long Keys { get; private set; }

    /// <summary>Bytes of keys, values and metadata.</summary>
    public long RawBytes { get; private set; }

    public byte[]? Smallest { get; private set; }

    public byte[]? Largest => _lastKey;

    public ulong SequenceMin { get; private set; } = ulong.MaxValue;

    public ulong SequenceMax { get; private set; }

    public void Inspect()
    {
        var cursor = new BlockCursor();
        var damagedBefore = report.Damages;
        for (var i = 0; i < index.Count; i++)
        {
            report.CheckCancelled();
            try
            {
                InspectBlock(i, ref cursor);
            }
            catch (DmtException e)
            {
                IsComplete = false;
                report.Add(e);
            }
        }

        report.Line(1, $"{Count(index.Count, "block")} with {Count(Entries, "entry", "entries")} of"
            + $" {Count(Keys, "key")}: {(report.Damages == damagedBefore ? "all checksums ok" : "damaged")}");
    }

    private static string Count(long n, string one, string many) =>
        InspectionReport.Count(n) + " " + (n == 1 ? one : many);

    private static string Count(long n, string noun) => InspectionReport.Count(n, noun);

    private void InspectBlock(int number, ref BlockCursor cursor)
    {
        var (offset, length) = (index.BlockOffset(number), index.BlockLength(number));
        var stored = file.Read(offset, length);
        var compression = (Compression)stored[^BlockFormat.TrailerBytes];
        var block = BlockCodec.Load(stored, file.Path, offset);
        var (entriesBefore, restart) = (Entries, 0);
        byte[]? first = null;
        _breach = null;
        _lines.Clear();
        try
        {
            cursor.Open(block);
            while (cursor.MoveNext())
            {
                restart += restart < block.RestartCount && block.Restart(restart) == cursor.EntryOffset ? 1 : 0;
                InspectEntry(ref cursor, number);
                first ??= _lastKey;
            }
        }
        catch (DmtException e)
        {
            throw DmtException.Corruption(file.Path, offset, $"block {number}: {e.Message}", e);
        }

        if (report.Detail >= InspectDetail.Blocks)
        {
            report.Line(2, $"block {number} at {InspectionReport.Count(offset)}: {Count(length, "byte")},"
                + $" {compression.ToString().ToLowerInvariant()}, {Count(block.RestartCount, "restart")}, checksum ok,"
                + $" {Count(Entries - entriesBefore, "entry", "entries")}, {Show(first)} to {Show(_lastKey)}");
            _lines.ForEach(line => report.Line(3, line));
        }

        _breach ??= restart < block.RestartCount ? $"restart point {restart} is not at an entry" : null;
        if (_breach is not null)
        {
            report.Damage(file.Path, offset, $"block {number}: {_breach}");
        }
    }

    private void InspectEntry(ref BlockCursor cursor, int block)
    {
        var key = cursor.Key;
        var order = _lastKey is null ? 1 : key.SequenceCompareTo(_lastKey);
        if (sequenceBase is { } from && cursor.SequenceDelta > ulong.MaxValue - from)
        {
            _breach ??= $"the sequence number of {Show(key)} overflows";
        }

        var sequence = unchecked((sequenceBase ?? 0) + cursor.SequenceDelta);
        if (order < 0 || (order == 0 && sequence >= _lastSequence))
        {
            _breach ??= $"{Show(key)} at {sequence} comes after {Show(_lastKey)} at {_lastSequence}";
        }

        if (key.SequenceCompareTo(index.Separator(block)) > 0
            || (block > 0 && key.SequenceCompareTo(index.Separator(block - 1)) < 0))
        {
            _breach ??= $"{Show(key)} lies outside what the index says of the block";
        }

        if (order != 0)
        {
            _lastKey = key.ToArray();
            Smallest ??= _lastKey;
            Keys++;
            CheckFilter(key);
        }

        _lastSequence = sequence;
        Entries++;
        Tombstones += cursor.Kind == EntryKind.Tombstone ? 1 : 0;
        RawBytes += key.Length + cursor.Value.Length + cursor.Metadata.Length;
        SequenceMin = Math.Min(SequenceMin, sequence);
        SequenceMax = Math.Max(SequenceMax, sequence);
        if (report.Detail == InspectDetail.Entries && !report.Muted)
        {
            _lines.Add(Describe(cursor, sequence));
        }
    }

    private void CheckFilter(ReadOnlySpan<byte> key)
    {
        if (filter is not { Length: > 0 })
        {
            return;
        }

        if (!SplitBlockBloomFilter.MayContain(filter, XxHash64.Compute(key))
            || (filterPrefixLength > 0 && key.Length >= filterPrefixLength
                && !SplitBlockBloomFilter.MayContain(filter, XxHash64.Compute(key[..filterPrefixLength]))))
        {
            _breach ??= $"the filter does not know {Show(key)}";
        }
    }

    private string Describe(in BlockCursor cursor, ulong sequence)
    {
        var at = sequenceBase is null ? "base + " : "";
        var text = $"{Show(cursor.Key)} at {at}{InspectionReport.Count(sequence)}: ";
        text += cursor.Kind == EntryKind.Put ? $"put, {Count(cursor.Value.Length, "byte")}" : "tombstone";
        text += cursor.Metadata.Length > 0 ? $", {Count(cursor.Metadata.Length, "byte")} of metadata" : "";
        return cursor.ExpiresAtMs != 0 ? $"{text}, expires {Time(cursor.ExpiresAtMs)}" : text;
    }
}
