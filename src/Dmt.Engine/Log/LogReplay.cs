// Reading a log back, and telling a torn tail from damage.
//
// A crash leaves the log whole up to where it was synced, and anything at all behind that: groups cut short, blocks of
// zeros, later groups without earlier ones. So where a group does not read, what follows is either a tail that was
// never durable, and is cut off silently, or damage to bytes that were, and is an error. It is damage where there is
// proof that the bytes had been durable:
//
//  - a later intact group, in the same segment, whose syncedTo is past the bad place (the mark of a clean close is
//    one such);
//  - a later segment that has begun: it is not written to before the one before it is synced.
//
// A segment that is all zeros has not begun: it was made ahead of time. A segment's header becomes durable with its
// first group; where it does not read, what it holds is judged in the same way, with the end of the segment before as
// the bad place. Where there is no segment before it, its header had been durable (at creation, or before what preceded
// it was released): an intact group in it, or a whole header's worth of other bytes, proves damage.
//
// Invariant: every record handed out lies in an intact group at its expected position, directly after the one before
// it.
using Dmt.Core;
using Dmt.Engine.Platform;

namespace Dmt.Engine.Log;

/// <summary>One replay of one incarnation's log.</summary>
internal sealed class LogReplay
{
    private readonly string _folder;
    private readonly string _incarnation;
    private readonly long _fromPosition;
    private readonly LogRecordHandler _handler;
    private readonly bool _allowsMissingHead;
    private long _position;
    private long _records;
    private bool _cleanlyClosed;

    public LogReplay(
        string directory,
        string incarnation,
        long fromPosition,
        LogRecordHandler handler,
        bool allowsMissingHead = false)
    {
        _allowsMissingHead = allowsMissingHead;
        LogFormat.CheckIncarnation(incarnation);
        ArgumentOutOfRangeException.ThrowIfNegative(fromPosition);
        ArgumentNullException.ThrowIfNull(handler);
        (_folder, _incarnation, _fromPosition, _handler) =
            (Path.Combine(directory, incarnation), incarnation, fromPosition, handler);
    }

    public LogReplayResult Run()
    {
        var numbers = ListSegments();
        DropUnbegun(numbers);
        var first = FindFirst(numbers);
        for (var i = first; i < numbers.Count; i++)
        {
            if (ReplaySegment(numbers, i, isFirst: i == first) is { } torn)
            {
                return new LogReplayResult(_position, _records, false, torn.File, torn.Offset);
            }
        }

        return new LogReplayResult(_position, _records, _cleanlyClosed, null, 0);
    }

    private List<long> ListSegments()
    {
        try
        {
            var numbers = Directory.EnumerateFiles(_folder)
                .Select(LogFormat.SegmentNumber).OfType<long>().ToList();
            numbers.Sort();
            return numbers;
        }
        catch (DirectoryNotFoundException e)
        {
            throw DmtException.Corruption(_folder, 0, "the log is missing", e);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FileErrors.Translate(e, _folder, _folder);
        }
    }

    /// <summary>
    /// Takes away the segments at the end that were made ahead of time. There can be two: the one that the log had
    /// moved on to in memory, and the next.
    /// </summary>
    private void DropUnbegun(List<long> numbers)
    {
        while (numbers.Count > 1)
        {
            using var reader = Open(numbers[^1]);
            if (reader.FirstNonZero(0) < reader.Length)
            {
                return;
            }

            numbers.RemoveAt(numbers.Count - 1);
        }
    }

    /// <summary>The segment that holds the position replay begins at: the last that starts at or before it.</summary>
    private int FindFirst(List<long> numbers)
    {
        for (var i = numbers.Count - 1; i > 0; i--)
        {
            using var reader = Open(numbers[i]);
            if (TryReadHeader(reader, numbers[i], out var header) && header.StartPosition <= _fromPosition)
            {
                return i;
            }
        }

        if (numbers.Count > 0 && !_allowsMissingHead)
        {
            using var reader = Open(numbers[0]);
            if (TryReadHeader(reader, numbers[0], out var header) && header.StartPosition > _fromPosition)
            {
                throw DmtException.Corruption(
                    LogFormat.SegmentPath(_folder, numbers[0] - 1),
                    0,
                    $"the segment is missing: position {_fromPosition} is wanted,"
                    + $" the log begins at {header.StartPosition}");
            }
        }

        return 0;
    }

    /// <returns>Where the log is torn; null where the segment reads to its end.</returns>
    private Torn? ReplaySegment(List<long> numbers, int index, bool isFirst)
    {
        var number = numbers[index];
        using var reader = Open(number);
        if (!TryReadHeader(reader, number, out var header))
        {
            return JudgeHeader(reader, numbers, index, isFirst);
        }

        if (isFirst)
        {
            _position = header.StartPosition;
        }
        else if (header.StartPosition != _position)
        {
            // Only a segment that read to its end gets here, so what is wrong is the header's claim.
            throw DmtException.Corruption(
                reader.Path, 0,
                    $"the segment starts at position {header.StartPosition}, the one before ended at {_position}");
        }

        var offset = (long)LogFormat.SegmentHeaderBytes;
        var seed = LogFormat.GroupSeed(_incarnation, number);
        while (reader.TryReadGroup(offset, seed, out var group, out var payload) && group.StartPosition == _position)
        {
            _cleanlyClosed = group.Kind == GroupKind.Close;
            Deliver(payload, reader.Path, offset + LogFormat.GroupHeaderBytes);
            offset = LogFormat.Align(offset + LogFormat.GroupHeaderBytes + payload.Length);
        }

        return JudgeEnd(reader, numbers, index, offset, seed);
    }

    private void Deliver(ReadOnlySpan<byte> payload, string file, long payloadOffset)
    {
        var start = _position;
        var at = 0;
        while (at < payload.Length)
        {
            var offset = payloadOffset + at;
            if (!LogFormat.TryReadRecord(payload, ref at, file, payloadOffset, start, out var record))
            {
                throw DmtException.Corruption(file, offset, "an intact group holds bytes that make no record");
            }

            _position = record.Position;
            if (record.Position > _fromPosition)
            {
                _records++;
                _handler(in record);
            }
        }
    }

    /// <summary>No group reads at <paramref name="offset"/>: the end of the segment, a torn tail, or damage.</summary>
    private Torn? JudgeEnd(LogSegmentReader reader, List<long> numbers, int index, long offset, uint seed)
    {
        if (index + 1 < numbers.Count)
        {
            if (numbers[index + 1] != numbers[index] + 1)
            {
                throw DmtException.Corruption(
                    LogFormat.SegmentPath(_folder, numbers[index] + 1), 0, "the segment is missing");
            }

            using var next = Open(numbers[index + 1]);
            if (TryReadHeader(next, numbers[index + 1], out var header))
            {
                return header.StartPosition == _position
                    ? null
                    : throw DmtException.Corruption(
                        reader.Path, offset,
                            $"a group of position {_position} expected; the next segment shows that it was there");
            }

            // The next one has begun, so this one was complete; that its end looks complete is all that can be checked
            // here.
            return reader.FirstNonZero(offset) == reader.Length
                ? null
                : throw DmtException.Corruption(reader.Path, offset,
                    "a group or zeros expected, in a segment that was complete");
        }

        var rest = reader.FirstNonZero(offset);
        if (rest == reader.Length)
        {
            return null;
        }

        return FindProof(reader, offset, seed, _position) is { } proof
            ? throw DmtException.Corruption(
                reader.Path, offset,
                    $"a group of position {_position} expected; the group at {proof} shows that it was durable")
            : new Torn(reader.Path, offset);
    }

    private Torn? JudgeHeader(LogSegmentReader reader, List<long> numbers, int index, bool isFirst)
    {
        var number = numbers[index];
        var isLast = index + 1 == numbers.Count;
        if (isLast && reader.FirstNonZero(0) == reader.Length)
        {
            return null;
        }

        var seed = LogFormat.GroupSeed(_incarnation, number);
        var isDamaged = !isLast
            || (isFirst && reader.Length >= LogFormat.SegmentHeaderBytes)
            || FindProof(reader, 0, seed, isFirst ? -1 : _position) is not null;
        return isDamaged
            ? throw DmtException.Corruption(reader.Path, 0, "no segment header of this log")
            : new Torn(reader.Path, 0);
    }

    /// <summary>
    /// The offset of an intact group that was written when more than <paramref name="position"/> was durable; null
    /// where there is none.
    /// </summary>
    private static long? FindProof(LogSegmentReader reader, long offset, uint seed, long position)
    {
        while (offset < reader.Length)
        {
            // Groups begin with a checksum, which may be zero, so the step back to the alignment before the first byte
            // that is not.
            var found = reader.FirstNonZero(offset) & -LogFormat.GroupAlignment;
            offset = Math.Max(offset, found - LogFormat.GroupAlignment);
            if (reader.TryReadGroupHeader(offset, out var header) && header.SyncedTo > position
                && reader.TryReadGroup(offset, seed, out _, out _))
            {
                return offset;
            }

            offset += LogFormat.GroupAlignment;
        }

        return null;
    }

    private LogSegmentReader Open(long number) => new(LogFormat.SegmentPath(_folder, number));

    private bool TryReadHeader(LogSegmentReader reader, long number, out SegmentHeader header) =>
        reader.TryReadHeader(out header) && header.Number == number && header.Incarnation == _incarnation;

    private readonly record struct Torn(string File, long Offset);
}
