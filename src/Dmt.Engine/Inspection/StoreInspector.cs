// The folder of a store: the newest manifest of each shard says which tables and which parts of logs there must be; all
// of them are read whole. Tables that no manifest names are no damage: a crash leaves them, and a running store is
// about to name or to delete them.
using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Platform;
using Dmt.Engine.Tables;
using static Dmt.Engine.Inspection.InspectionReport;

namespace Dmt.Engine.Inspection;

internal sealed class StoreInspector(string root, InspectionReport report)
{
    private readonly List<LogRange> _needed = [];
    private long _shards;
    private long _tables;
    private long _tableBytes;
    private long _logBytes;

    /// <returns>What was verified.</returns>
    /// <exception cref="DmtException">InvalidArgument where the folder is no store.</exception>
    public string Inspect()
    {
        var shards = Path.Combine(root, "shards");
        var logs = Path.Combine(root, "log");
        if (!Directory.Exists(shards) && !Directory.Exists(logs))
        {
            throw DmtException.InvalidArgument($"{root} is no store: it holds neither shards nor log");
        }

        report.Line(0, $"store {root}");
        foreach (var folder in Entries(shards, Directory.EnumerateDirectories))
        {
            if (uint.TryParse(
                Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var shard))
            {
                report.Attempt(() => InspectShard(shard, folder));
            }
        }

        report.Attempt(() => InspectLogs(logs));
        return $"{Count(_shards, "shard")}, {Count(_tables, "table")} of {Count(_tableBytes)} bytes,"
            + $" {Count(_logBytes)} bytes of log";
    }

    private void InspectShard(uint id, string folder)
    {
        _shards++;
        var manifests = Manifests(folder);
        var tables = Entries(Path.Combine(folder, "tables"), Directory.EnumerateFiles)
            .Where(static f => f.EndsWith(TableId.Suffix, StringComparison.Ordinal)).ToList();
        if (manifests.Count == 0)
        {
            if (tables.Count > 0)
            {
                report.Damage(folder, 0, $"shard {id} has {Count(tables.Count, "table")} and no manifest");
                tables.ForEach(table => InspectTable(table, null));
            }

            return;
        }

        report.Muted = report.Detail == InspectDetail.Summary;
        manifests[..^1].ForEach(older => InspectManifest(older));
        report.Muted = false;
        var manifest = InspectManifest(manifests[^1]);
        if (manifest is null)
        {
            report.Line(0, "which tables the shard needs is not known: all that there are follow");
            tables.ForEach(table => InspectTable(table, null));
            return;
        }

        _needed.AddRange(manifest.LogRanges);
        foreach (var info in manifest.Levels.SelectMany(static level => level))
        {
            InspectNamedTable(info, folder, manifest);
        }

        var named = manifest.Levels.SelectMany(static level => level)
            .Select(info => PathOf(info.Id)).ToHashSet(StringComparer.Ordinal);
        var unnamed = tables.Where(table => !named.Contains(table)).ToList();
        report.Line(0, $"{Count(unnamed.Count, "table")} that the manifest does not name");
        unnamed.ForEach(table => report.Line(1, table));
    }

    private Manifest? InspectManifest(string path)
    {
        Manifest? manifest = null;
        report.Attempt(() =>
        {
            using var file = new InspectedFile(path);
            manifest = ManifestInspector.Inspect(file, report);
        });
        return manifest;
    }

    private void InspectNamedTable(TableInfo info, string folder, Manifest manifest)
    {
        if (info.Origin is not null)
        {
            report.Add(DmtException.Unavailable($"{info.Name} is borrowed from another store: it is not checked"));
            return;
        }

        var path = PathOf(info.Id);
        if (File.Exists(path))
        {
            InspectTable(path, info);
            return;
        }

        var newest = Manifests(folder)[^1];
        if (newest.EndsWith(manifest.ObjectName[^16..], StringComparison.Ordinal))
        {
            report.Damage(path, 0, $"the table is missing; {manifest.ObjectName} names it");
        }
        else
        {
            report.Add(DmtException.Unavailable(
                $"{path} was deleted while the store was inspected: {newest} is there since; inspect again"));
        }
    }

    /// <param name="path">The table.</param>
    /// <param name="said">What the manifest says of it; null where none does.</param>
    private void InspectTable(string path, TableInfo? said)
    {
        var damagedBefore = report.Damages;
        var uncheckedBefore = report.Unchecked.Count;
        report.Muted = report.Detail == InspectDetail.Summary;
        report.Attempt(() =>
        {
            using var file = new InspectedFile(path);
            _tables++;
            _tableBytes += file.Length;
            var found = new TableInspector(file, report).Inspect();
            if (found is not null && said is not null)
            {
                Compare(path, found with { Id = said.Id }, said);
            }
        });
        report.Muted = false;
        if (report.Detail == InspectDetail.Summary && report.Unchecked.Count == uncheckedBefore)
        {
            report.Line(0, $"table {path}: {(report.Damages == damagedBefore ? "intact" : "damaged")}");
        }
    }

    private void Compare(string path, TableInfo found, TableInfo said)
    {
        if (!found.Smallest.AsSpan().SequenceEqual(said.Smallest)
            || !found.Largest.AsSpan().SequenceEqual(said.Largest))
        {
            report.Damage(path, 0, $"the table has keys {Show(found.Smallest)} to {Show(found.Largest)},"
                + $" the manifest says {Show(said.Smallest)} to {Show(said.Largest)}");
        }

        var alike = found with { Smallest = said.Smallest, Largest = said.Largest };
        if (alike != said)
        {
            report.Damage(path, 0, $"the table is not what the manifest says: {alike} found, {said} expected");
        }
    }

    private void InspectLogs(string logs)
    {
        foreach (var range in _needed)
        {
            report.Attempt(() => FileLog.Replay(logs, range.Incarnation, range.From, static (in LogRecord _) => { }));
        }

        foreach (var incarnation in FileLog.ListIncarnations(logs))
        {
            if (_needed.TrueForAll(range => range.Incarnation != incarnation))
            {
                report.Line(0, $"log {incarnation}: no manifest needs it");
            }

            foreach (var path in Entries(Path.Combine(logs, incarnation), Directory.EnumerateFiles)
                .Where(static f => LogFormat.SegmentNumber(f) is not null))
            {
                report.Attempt(() =>
                {
                    _logBytes += new FileInfo(path).Length;
                    new LogSegmentInspector(path, report, inStore: true).Inspect();
                });
            }
        }
    }

    private string PathOf(TableId id) => Path.Combine(root, id.ObjectName.Replace('/', Path.DirectorySeparatorChar));

    private static List<string> Manifests(string shardFolder) =>
        Entries(Path.Combine(shardFolder, "manifest"), Directory.EnumerateFiles)
            .FindAll(static f => Path.GetFileName(f) is { Length: 16 } name
                && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    /// <summary>In order of names; none where there is no such folder.</summary>
    private static List<string> Entries(string folder, Func<string, IEnumerable<string>> list)
    {
        try
        {
            return [.. list(folder).Order(StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, folder, folder);
        }
    }
}
