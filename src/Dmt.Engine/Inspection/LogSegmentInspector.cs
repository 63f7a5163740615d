// One segment of a log. Bytes that make no group are a torn tail, which a crash leaves, or damage; see LogReplay for
// the rule. Here each such place waits in _doubtful until a later group of the segment says that the place had been
// durable, or the next segment has begun: then it is damage. What is doubtful at the end is torn.
using Dmt.Core;
using Dmt.Engine.Log;
using static Dmt.Engine.Inspection.InspectionReport;

namespace Dmt.Engine.Inspection;

/// <param name="path">The segment's file.</param>
/// <param name="report">Where it is told.</param>
/// <param name="inStore">It lies where it belongs, so a name that does not fit its header is damage.</param>
internal sealed class LogSegmentInspector(string path, InspectionReport report, bool inStore)
{
    private readonly List<Doubt> _doubtful = [];
    private long? _position;
    private long _groupEnd;
    private long _unused;

    public long Groups { get; private set; }

    public long Records { get; private set; }

    public long Operations { get; private set; }

    /// <summary>It ends in bytes that a crash cut short.</summary>
    public bool IsTorn { get; private set; }

    /// <exception cref="DmtException">Unavailable where a newer DMT wrote it, or it cannot be read.</exception>
    public void Inspect()
    {
        report.Line(0, $"log segment {path}");
        FileLog.Inspect(path, Take);
        if (_doubtful.Count > 0 && HasNeighbour(1))
        {
            Condemn(long.MaxValue, "the next segment has begun");
        }

        foreach (var doubt in _doubtful)
        {
            IsTorn = true;
            report.Line(1, $"torn tail at {Count(doubt.Offset)}: {Count(doubt.Length)} bytes, {doubt.What};"
                + " recovery cuts it off");
        }

        report.Line(1, $"{Count(Groups, "group")}, {Count(Records, "record")}, {Count(Operations, "operation")};"
            + $" {Count(_unused)} bytes reserved and not used");
    }

    private void Take(in LogItem item)
    {
        report.CheckCancelled();
        switch (item.Kind)
        {
            case LogItemKind.SegmentHeader:
                TakeHeader(item);
                break;
            case LogItemKind.Group or LogItemKind.CloseMark:
                TakeGroup(item);
                break;
            case LogItemKind.Record:
                TakeRecord(item);
                break;
            case LogItemKind.Unused:
                _unused += item.Length;
                break;
            case LogItemKind.Unreadable when item.Offset > 0 && item.Offset < LogFormat.Align(_groupEnd):
                // In an intact group, or in the zeros behind it: no crash does that.
                report.Damage(path, item.Offset, item.Problem ?? "");
                break;
            case LogItemKind.Unreadable when item.Offset == 0 && item.Length == LogFormat.SegmentHeaderBytes
                && !HasNeighbour(-1):
                // The header of a first segment was durable before the log took anything.
                report.Damage(path, item.Offset, item.Problem ?? "");
                break;
            default:
                _doubtful.Add(new Doubt(item.Offset, item.Length, _position, item.Problem ?? ""));
                break;
        }
    }

    private void TakeHeader(in LogItem item)
    {
        report.Line(1, $"header: format {LogFormat.Version}, incarnation {item.Incarnation}, segment"
            + $" {Count(item.Number)}, starts at position {Count(item.StartPosition)}, checksum ok");
        _position = item.StartPosition;
        if (item.Problem is null)
        {
            return;
        }

        if (inStore)
        {
            report.Damage(path, 0, item.Problem);
        }
        else
        {
            report.Line(1, $"it lies elsewhere than in its store: {item.Problem}");
        }
    }

    private void TakeGroup(in LogItem item)
    {
        // Behind an unreadable header or place, positions are what the next group says.
        if (_position is { } expected && item.StartPosition != expected && _doubtful.Count == 0)
        {
            _doubtful.Add(new Doubt(item.Offset, item.Length, expected, $"a group of position {expected} expected"));
        }

        for (var i = 0; i < _doubtful.Count; i++)
        {
            _doubtful[i] = _doubtful[i] with { Position = _doubtful[i].Position ?? item.StartPosition };
        }

        Condemn(item.SyncedTo, $"the group at {item.Offset} shows that it was durable");
        Groups++;
        _groupEnd = item.Offset + item.Length;
        _position = item.StartPosition + item.Length - LogFormat.GroupHeaderBytes;
        if (report.Detail >= InspectDetail.Blocks)
        {
            report.Line(1, item.Kind == LogItemKind.CloseMark
                ? $"mark of clean close at {Count(item.Offset)}: position {Count(item.StartPosition)}, checksum ok"
                : $"group at {Count(item.Offset)}: {Count(item.Length)} bytes, position {Count(item.StartPosition)},"
                    + $" synced to {Count(item.SyncedTo)}, checksum ok");
        }
        else if (item.Kind == LogItemKind.CloseMark)
        {
            report.Line(1, "closed cleanly");
        }
    }

    private void TakeRecord(in LogItem item)
    {
        var record = item.Record;
        Records++;
        if (report.Detail == InspectDetail.Entries)
        {
            report.Line(2, $"record at {Count(item.Offset)}: shard {record.Shard}, epoch {Count(record.Epoch)},"
                + $" sequence from {Count(record.FirstSeq)}, {Count(record.Count, "operation")},"
                + $" {Count(record.Operations.Length, "byte")}");
        }

        try
        {
            var operations = new WriteBatch.Enumerator(record.Operations);
            var count = 0;
            while (operations.MoveNext())
            {
                count++;
                if (report.Detail == InspectDetail.Entries)
                {
                    report.Line(3, Describe(operations.Current));
                }
            }

            Operations += count;
            if (count != record.Count)
            {
                report.Damage(path, item.Offset, $"a record of {record.Count} operations holds {count}");
            }
        }
        catch (DmtException e)
        {
            report.Damage(path, item.Offset, $"the record: {e.Message}");
        }
    }

    private static string Describe(in WriteOperation operation) => operation.Kind switch
    {
        WriteOperationKind.Put => $"put {Show(operation.Key)}, {Count(operation.Value.Length, "byte")}"
            + (operation.Metadata.Length > 0 ? $", {Count(operation.Metadata.Length)} of metadata" : "")
            + (operation.ExpiresAtMs != 0 ? $", expires {Time(operation.ExpiresAtMs)}" : ""),
        WriteOperationKind.Delete => $"delete {Show(operation.Key)}",
        WriteOperationKind.Request => $"{operation.Request}, pending from {Count(operation.Request.PendingFrom)}",
        _ => $"delete from {Show(operation.Key)} to"
            + $" {(operation.HasNoEnd ? "the end of all keys" : Show(operation.Value))}",
    };

    /// <summary>What lies before a position that was durable is damage.</summary>
    private void Condemn(long syncedTo, string proof)
    {
        foreach (var doubt in _doubtful.Where(doubt => doubt.Position is not { } p || p < syncedTo))
        {
            report.Damage(path, doubt.Offset, $"{doubt.Length} bytes, {doubt.What}; {proof}");
        }

        _doubtful.RemoveAll(doubt => doubt.Position is not { } p || p < syncedTo);
    }

    /// <summary>The next segment (1) or the one before (-1) is there, and was written to.</summary>
    private bool HasNeighbour(int step)
    {
        if (LogFormat.SegmentNumber(path) is not { } number || Path.GetDirectoryName(path) is not { } folder)
        {
            return false;
        }

        var neighbour = LogFormat.SegmentPath(folder, number + step);
        if (number + step < 1 || !File.Exists(neighbour))
        {
            return false;
        }

        using var reader = new LogSegmentReader(neighbour);
        return reader.FirstNonZero(0) < reader.Length;
    }

    /// <param name="Offset">Where the bytes lie.</param>
    /// <param name="Length">How many.</param>
    /// <param name="Position">The position that was expected there; null where it is not known.</param>
    /// <param name="What">What is wrong with them.</param>
    private readonly record struct Doubt(long Offset, long Length, long? Position, string What);
}
