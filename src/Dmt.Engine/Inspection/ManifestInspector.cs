using System.Buffers.Binary;
using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Checksums;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;
using static Dmt.Engine.Inspection.InspectionReport;

namespace Dmt.Engine.Inspection;

internal static class ManifestInspector
{
    private const int HeaderBytes = 16;

    /// <returns>The manifest; null where it is damaged.</returns>
    /// <exception cref="DmtException">Unavailable where a newer DMT wrote it.</exception>
    public static Manifest? Inspect(InspectedFile file, InspectionReport report)
    {
        report.Line(0, $"manifest {file.Path}");
        var bytes = file.Read(0, file.Length);
        Manifest manifest;
        try
        {
            manifest = ManifestCodec.Decode(bytes, file.Path);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
        {
            report.Add(e);
            if (TryDecodeDamaged(bytes) is { } doubtful)
            {
                report.Line(1, "what is left of it says, for what it is worth:");
                Print(doubtful, report);
            }

            return null;
        }

        var format = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        report.Line(1, $"{Count(file.Length)} bytes, format {format}, checksum ok");
        Print(manifest, report);
        if (ExpectedName(file.Path) is { } expected && expected != manifest.ObjectName)
        {
            report.Damage(file.Path, 0, $"it says that it is {manifest.ObjectName}");
            return null;
        }

        return manifest;
    }

    /// <summary>The object name that a path within a store stands for; null elsewhere.</summary>
    private static string? ExpectedName(string path)
    {
        var parts = Path.GetFullPath(path).Split(Path.DirectorySeparatorChar);
        return parts.Length > 4 && parts[^4] == "shards" && parts[^2] == "manifest"
            ? string.Join('/', parts[^4..])
            : null;
    }

    /// <summary>Reads the payload as if all around it were right, for a look at what it may have been.</summary>
    private static Manifest? TryDecodeDamaged(byte[] bytes)
    {
        if (bytes.Length < HeaderBytes + sizeof(uint))
        {
            return null;
        }

        var repaired = bytes.AsSpan().ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(repaired, ManifestCodec.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(repaired.AsSpan(8), ManifestCodec.Version);
        BinaryPrimitives.WriteInt32LittleEndian(repaired.AsSpan(12), bytes.Length - HeaderBytes - sizeof(uint));
        BinaryPrimitives.WriteUInt32LittleEndian(
            repaired.AsSpan(bytes.Length - sizeof(uint)), Crc32C.Compute(repaired.AsSpan(..^sizeof(uint))));
        try
        {
            return ManifestCodec.Decode(repaired, "");
        }
        catch (DmtException)
        {
            // The damage was reported already; that nothing is left to look at adds nothing to it.
            return null;
        }
    }

    private static void Print(Manifest manifest, InspectionReport report)
    {
        report.Line(1, $"shard {manifest.Shard}, prefix {Show(manifest.Prefix)}");
        report.Line(1, $"number {Count(manifest.Number)}, epoch {Count(manifest.Epoch)},"
            + $" owner {Show(System.Text.Encoding.UTF8.GetBytes(manifest.Incarnation))}");
        report.Line(1, manifest.ClosedCleanly ? "closed cleanly: nothing to replay" : "not closed cleanly");
        report.Line(1, $"in tables up to sequence number {Count(manifest.FlushedSequence)}");
        report.Line(1, manifest.LogRanges.Count == 0 ? "no log to replay" : "to be replayed");
        foreach (var range in manifest.LogRanges)
        {
            report.Line(2, $"log {Show(System.Text.Encoding.UTF8.GetBytes(range.Incarnation))}"
                + $" from position {Count(range.From)}");
        }

        foreach (var origin in manifest.Origins)
        {
            report.Line(1, $"borrows from /{origin.Root}, where {origin.PinName} keeps it");
        }

        if (manifest.Requests.Count > 0)
        {
            report.Line(1, $"knows {Count(manifest.Requests.Sum(static client => client.Completed.Count), "request")}"
                + $" of {Count(manifest.Requests.Count, "client")}");
        }

        for (var level = 0; level < manifest.Levels.Count; level++)
        {
            var tables = manifest.Levels[level];
            if (tables.Count > 0)
            {
                report.Line(1, $"level {level}: {Count(tables.Count, "table")},"
                    + $" {Count(tables.Sum(static t => t.Entries))} entries,"
                    + $" {Count(tables.Sum(static t => t.Length))} bytes");
                PrintTables(tables, report);
            }
        }
    }

    private static void PrintTables(IReadOnlyList<TableInfo> tables, InspectionReport report)
    {
        List<string[]> rows =
            [["shard-epoch-number", "bytes", "tail at", "entries", "tombstones", "ranges", "sequence", "keys"]];
        rows.AddRange(tables.Select(static t => (string[])
        [
            string.Create(CultureInfo.InvariantCulture, $"{t.Id.Shard}-{t.Id.Epoch}-{t.Id.Number}")
                + (t.Origin is null ? "" : " of /" + t.Origin.Root),
            Count(t.Length),
            Count(t.TailOffset),
            Count(t.Entries),
            Count(t.Tombstones),
            Count(t.RangeTombstones),
            $"{Count(t.SequenceMin)} to {Count(t.SequenceMax)}",
            $"{Show(t.Smallest)} to {(t.LargestUnbounded ? "the end of all keys" : Show(t.Largest))}",
        ]));
        var last = rows[0].Length - 1;
        var widths = Enumerable.Range(0, last).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            var cells = row.Take(last).Select((cell, column) =>
                column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            report.Line(2, string.Join("  ", cells.Append(row[last])));
        }
    }
}
