namespace Dmt.Engine.Log;

/// <summary>What one item of an inspection is.</summary>
public enum LogItemKind
{
    /// <summary>The header of the segment.</summary>
    SegmentHeader,

    /// <summary>A group of records; the records follow.</summary>
    Group,

    /// <summary>A record of the group before.</summary>
    Record,

    /// <summary>The mark that the log was closed with everything synced.</summary>
    CloseMark,

    /// <summary>Zeros to the end of the file: reserved and not used.</summary>
    Unused,

    /// <summary>
    /// Bytes that are nothing of the above: a torn tail or damage, which only the whole log can tell.
    /// </summary>
    Unreadable,
}

/// <summary>One item of a segment file. Valid during the call.</summary>
public readonly ref struct LogItem
{
    public LogItemKind Kind { get; init; }

    /// <summary>Where it begins in the file.</summary>
    public long Offset { get; init; }

    /// <summary>Its bytes in the file.</summary>
    public long Length { get; init; }

    /// <summary>Header, group, mark: the log position at which it starts.</summary>
    public long StartPosition { get; init; }

    /// <summary>Group, mark: the log was durable up to here when it was written.</summary>
    public long SyncedTo { get; init; }

    /// <summary>Header: whose log.</summary>
    public string Incarnation { get; init; }

    /// <summary>Header: the segment's number.</summary>
    public long Number { get; init; }

    public LogRecord Record { get; init; }

    /// <summary>What is wrong; null where all checks hold.</summary>
    public string? Problem { get; init; }
}

/// <summary>Takes one item of an inspection.</summary>
public delegate void LogInspectHandler(in LogItem item);

/// <summary>Lists what a segment file holds, and goes on behind what is damaged.</summary>
internal static class LogInspector
{
    public static void Inspect(string file, LogInspectHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        using var reader = new LogSegmentReader(file);
        var seed = InspectHeader(reader, handler);
        var offset = (long)LogFormat.SegmentHeaderBytes;
        var position = -1L;
        while (offset < reader.Length)
        {
            if (reader.TryReadGroup(offset, seed, out var group, out var payload))
            {
                var length = LogFormat.GroupHeaderBytes + payload.Length;
                handler(new LogItem
                {
                    Kind = group.Kind == GroupKind.Close ? LogItemKind.CloseMark : LogItemKind.Group,
                    Offset = offset,
                    Length = length,
                    StartPosition = group.StartPosition,
                    SyncedTo = group.SyncedTo,
                    Problem = position < 0 || position == group.StartPosition ? null : $"position {position} expected",
                });
                InspectRecords(payload, file, offset + LogFormat.GroupHeaderBytes, group.StartPosition, handler);
                position = group.StartPosition + payload.Length;
                offset = LogFormat.Align(offset + length);
                continue;
            }

            offset = SkipUnreadable(reader, offset, seed, handler);
        }
    }

    private static uint InspectHeader(LogSegmentReader reader, LogInspectHandler handler)
    {
        var folder = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(reader.Path))) ?? "";
        var number = LogFormat.SegmentNumber(reader.Path) ?? 0;
        if (reader.TryReadHeader(out var header))
        {
            handler(new LogItem
            {
                Kind = LogItemKind.SegmentHeader,
                Length = LogFormat.SegmentHeaderBytes,
                StartPosition = header.StartPosition,
                Incarnation = header.Incarnation,
                Number = header.Number,
                Problem = header.Number == number && header.Incarnation == folder
                    ? null
                    : $"the path says segment {number} of {folder}",
            });
            return LogFormat.GroupSeed(header.Incarnation, header.Number);
        }

        var unused = reader.FirstNonZero(0) >= Math.Min(reader.Length, LogFormat.SegmentHeaderBytes);
        handler(new LogItem
        {
            Kind = unused ? LogItemKind.Unused : LogItemKind.Unreadable,
            Length = Math.Min(reader.Length, LogFormat.SegmentHeaderBytes),
            Problem = unused ? null : "no segment header",
        });
        return folder.Length <= LogFormat.IncarnationBytesMax ? LogFormat.GroupSeed(folder, number) : 0;
    }

    private static void InspectRecords(
        ReadOnlySpan<byte> payload, string file, long payloadOffset, long position, LogInspectHandler handler)
    {
        var at = 0;
        while (at < payload.Length)
        {
            var start = at;
            if (!LogFormat.TryReadRecord(payload, ref at, file, payloadOffset, position, out var record))
            {
                handler(new LogItem
                {
                    Kind = LogItemKind.Unreadable,
                    Offset = payloadOffset + at,
                    Length = payload.Length - at,
                    Problem = "an intact group holds bytes that make no record",
                });
                return;
            }

            handler(new LogItem
            {
                Kind = LogItemKind.Record,
                Offset = record.Offset,
                Length = at - start,
                StartPosition = position + start,
                Record = record,
            });
        }
    }

    private static long SkipUnreadable(LogSegmentReader reader, long offset, uint seed, LogInspectHandler handler)
    {
        if (reader.FirstNonZero(offset) == reader.Length)
        {
            handler(new LogItem { Kind = LogItemKind.Unused, Offset = offset, Length = reader.Length - offset });
            return reader.Length;
        }

        var next = offset + LogFormat.GroupAlignment;
        while (next < reader.Length && !reader.TryReadGroup(next, seed, out _, out _))
        {
            next += LogFormat.GroupAlignment;
        }

        next = Math.Min(next, reader.Length);
        handler(new LogItem
        {
            Kind = LogItemKind.Unreadable,
            Offset = offset,
            Length = next - offset,
            Problem = "no intact group",
        });
        return next;
    }
}
