// How a key is cut into segments, and put together again.
//
// Separated: segments end at the leftmost occurrence of the separator; there is one more segment than separators, and
// segments may be empty ("a//b" has three). Fixed: every segment has the same width; or one width each, in order. A key
// is whole segments only: a piece left over is an error, never a shorter last segment.
//
// Invariants: Join(Cut(key)) is key, and Cut(Join(segments)) is segments, for whatever either accepts. The second is
// why Join refuses a segment that holds the separator, or that makes one with the separator after it ("a:" + "::").

using System.Globalization;

namespace Dmt.Core.Keys;

/// <summary>
/// Cuts a key or a prefix into segments, by a separator or by fixed widths, and joins them again. Immutable, safe for
/// concurrent use.
/// </summary>
public sealed class KeySchema
{
    /// <summary>The most segments that a key can have: 1,024 separators of one byte make 1,025.</summary>
    public const int SegmentsCeiling = Key.BytesMax + 1;

    /// <summary>Empty for fixed widths.</summary>
    private readonly byte[] _separator = [];

    /// <summary>One width for each segment; empty where all segments are alike.</summary>
    private readonly int[] _widths = [];

    /// <summary>The width of all segments; 0 where each has its own or there is a separator.</summary>
    private readonly int _width;

    private KeySchema(byte[] separator, int segmentsMax) => (_separator, SegmentsMax) = (separator, segmentsMax);

    private KeySchema(int width, int segmentsMax) => (_width, SegmentsMax) = (width, segmentsMax);

    private KeySchema(int[] widths) => (_widths, SegmentsMax) = (widths, widths.Length);

    /// <summary>The most segments that this schema accepts, 1 to <see cref="SegmentsCeiling"/>.</summary>
    public int SegmentsMax { get; }

    /// <summary>Segments with <paramref name="separator"/> between them.</summary>
    /// <param name="separator">1 to 1,024 bytes.</param>
    /// <param name="segmentsMax">1 to <see cref="SegmentsCeiling"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static KeySchema Separated(ReadOnlySpan<byte> separator, int segmentsMax = SegmentsCeiling)
    {
        CheckRange("the separator's length in bytes", separator.Length, 1, Key.BytesMax);
        CheckRange("the limit of segments", segmentsMax, 1, SegmentsCeiling);
        return new(separator.ToArray(), segmentsMax);
    }

    /// <summary>Segments with the UTF-8 bytes of <paramref name="separator"/> between them.</summary>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range or a lone surrogate.</exception>
    public static KeySchema Separated(string separator, int segmentsMax = SegmentsCeiling) =>
        Separated(Key.PrefixFromText(separator), segmentsMax);

    /// <summary>Segments of one width.</summary>
    /// <param name="width">Bytes of each segment, 1 to 1,024.</param>
    /// <param name="segmentsMax">1 to <see cref="SegmentsCeiling"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static KeySchema FixedWidth(int width, int segmentsMax = SegmentsCeiling)
    {
        CheckRange("a segment's width", width, 1, Key.BytesMax);
        CheckRange("the limit of segments", segmentsMax, 1, SegmentsCeiling);
        return new(width, segmentsMax);
    }

    /// <summary>Segments with a width each. A prefix may stop after any whole segment.</summary>
    /// <param name="widths">Bytes of each segment, in order: 1 or more, 1,024 together at most.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static KeySchema FixedWidths(params ReadOnlySpan<int> widths)
    {
        CheckRange("the number of widths", widths.Length, 1, Key.BytesMax);
        var sum = 0L;
        foreach (var width in widths)
        {
            CheckRange("a segment's width", width, 1, Key.BytesMax);
            sum += width;
        }

        CheckRange("the sum of the widths", sum, 1, Key.BytesMax);
        return new(widths.ToArray());
    }

    /// <summary>The segments of <paramref name="key"/>, as slices of it.</summary>
    /// <param name="key">A key or a prefix, 0 to 1,024 bytes.</param>
    /// <exception cref="DmtException">As <see cref="Cut(ReadOnlySpan{byte}, Span{Range})"/>.</exception>
    public ReadOnlyMemory<byte>[] Cut(ReadOnlyMemory<byte> key)
    {
        Span<Range> ranges = stackalloc Range[RoomFor(key.Span)];
        var segments = new ReadOnlyMemory<byte>[Cut(key.Span, ranges)];
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = key[ranges[i]];
        }

        return segments;
    }

    /// <summary>Where the segments of <paramref name="key"/> lie.</summary>
    /// <param name="key">A key or a prefix, 0 to 1,024 bytes. An empty one has no segment of fixed width, and one
    /// (empty) segment where there is a separator.</param>
    /// <param name="segments">Room for the answer; <see cref="SegmentsMax"/> is always enough.</param>
    /// <returns>The number of segments.</returns>
    /// <exception cref="DmtException">TooLarge for an overlong key; InvalidArgument where it has too many segments, or
    /// is not made of whole ones.</exception>
    public int Cut(ReadOnlySpan<byte> key, Span<Range> segments)
    {
        Key.ValidatePrefix(key);
        return _separator.Length > 0 ? CutSeparated(key, segments) : CutFixed(key, segments);
    }

    /// <summary>
    /// Where the segments of <paramref name="key"/> lie, where it has exactly so many as there is room for and none is
    /// empty. Never throws.
    /// </summary>
    /// <param name="key">Any bytes.</param>
    /// <param name="segments">Gets one range for each segment.</param>
    public bool TryCutExactly(ReadOnlySpan<byte> key, Span<Range> segments)
    {
        var start = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            var rest = key[start..];
            var isLast = i == segments.Length - 1;
            var found = _separator.Length > 0 ? rest.IndexOf(_separator) : -1;
            var length = _separator.Length == 0 ? WidthOf(i) : found < 0 ? rest.Length : found;
            if (length == 0 || length > rest.Length || (_separator.Length > 0 && isLast != found < 0)
                || (isLast && length != rest.Length))
            {
                return false;
            }

            segments[i] = start..(start + length);
            start += length + _separator.Length;
        }

        return true;
    }

    /// <summary>The key of these segments.</summary>
    /// <param name="segments">The segments, in the order of <see cref="Cut(ReadOnlyMemory{byte})"/>.</param>
    /// <param name="order">Which segment comes first, second, and so on, each once; empty means in their own order.
    /// Where each segment has a width of its own, <see cref="Reordered"/> gives the schema that cuts the key.</param>
    /// <exception cref="DmtException">TooLarge where the key would be overlong; InvalidArgument where the key would not
    /// be cut into these segments again, or the order does not name each segment once.</exception>
    public byte[] Join(ReadOnlySpan<ReadOnlyMemory<byte>> segments, ReadOnlySpan<int> order = default)
    {
        if (segments.Length > SegmentsMax || (segments.Length == 0 && _separator.Length > 0))
        {
            var least = _separator.Length > 0 ? 1 : 0;
            throw DmtException.InvalidArgument($"{segments.Length} segments: expected {least} to {SegmentsMax}");
        }

        if (!order.IsEmpty)
        {
            CheckOrder(order, segments.Length);
        }

        var length = (long)_separator.Length * Math.Max(0, segments.Length - 1);
        foreach (var segment in segments)
        {
            length += segment.Length;
        }

        if (length > Key.BytesMax)
        {
            throw DmtException.TooLarge($"the segments make {length} bytes: a key has at most {Key.BytesMax}");
        }

        var key = new byte[length];
        var at = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            var index = order.IsEmpty ? i : order[i];
            segments[index].Span.CopyTo(key.AsSpan(at));
            at += segments[index].Length;
            if (i < segments.Length - 1)
            {
                _separator.CopyTo(key.AsSpan(at));
                at += _separator.Length;
            }
        }

        CheckJoined(key, segments, order);
        return key;
    }

    /// <summary>The schema that cuts the keys which <see cref="Join"/> makes in this order.</summary>
    /// <param name="order">Each of the first so many segments once.</param>
    /// <exception cref="DmtException">InvalidArgument where the order does not name each segment once.</exception>
    public KeySchema Reordered(ReadOnlySpan<int> order)
    {
        CheckRange("the number of segments", order.Length, 1, SegmentsMax);
        CheckOrder(order, order.Length);
        if (_widths.Length == 0)
        {
            return this;
        }

        var widths = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            widths[i] = _widths[order[i]];
        }

        return new(widths);
    }

    public override string ToString() =>
        _separator.Length > 0 ? $"separated by \"{Key.ToDisplay(_separator)}\""
        : _width > 0 ? string.Create(CultureInfo.InvariantCulture, $"segments of {_width} bytes")
        : $"segments of {string.Join(", ", _widths)} bytes";

    private int CutSeparated(ReadOnlySpan<byte> key, Span<Range> segments)
    {
        var (count, start) = (0, 0);
        while (true)
        {
            CheckRoom(key, segments, count);
            var length = key[start..].IndexOf(_separator);
            if (length < 0)
            {
                segments[count++] = start..key.Length;
                return count;
            }

            segments[count++] = start..(start + length);
            start += length + _separator.Length;
        }
    }

    private int CutFixed(ReadOnlySpan<byte> key, Span<Range> segments)
    {
        var (count, start) = (0, 0);
        while (start < key.Length)
        {
            CheckRoom(key, segments, count);
            var width = WidthOf(count);
            if (width > key.Length - start)
            {
                throw DmtException.InvalidArgument(
                    $"the key \"{Key.ToDisplay(key)}\" ends within segment {count}: "
                    + $"{key.Length - start} bytes of {width}");
            }

            segments[count++] = start..(start + width);
            start += width;
        }

        return count;
    }

    /// <summary>Room for the segments of a key: to clear the most there can be costs more than the cut.</summary>
    private int RoomFor(ReadOnlySpan<byte> key)
    {
        var segments = _separator.Length > 0 ? key.Count(_separator) + 1
            : _width > 0 ? (key.Length / _width) + 1
            : _widths.Length;
        return Math.Min(SegmentsMax, segments);
    }

    private int WidthOf(int segment) => _width > 0 ? _width : _widths[segment];

    private void CheckRoom(ReadOnlySpan<byte> key, Span<Range> segments, int count)
    {
        var most = Math.Min(SegmentsMax, segments.Length);
        if (count >= most)
        {
            throw DmtException.InvalidArgument(
                $"the key \"{Key.ToDisplay(key)}\" has more than {most} segments ({this}): at most {most} are allowed");
        }
    }

    private void CheckJoined(
        ReadOnlySpan<byte> key, ReadOnlySpan<ReadOnlyMemory<byte>> segments, ReadOnlySpan<int> order)
    {
        var start = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            var index = order.IsEmpty ? i : order[i];
            var segment = segments[index].Span;
            if (_separator.Length == 0 && segment.Length != WidthOf(index))
            {
                throw DmtException.InvalidArgument(
                    $"segment {index} \"{Key.ToDisplay(segment)}\" has {segment.Length} bytes: "
                    + $"expected {WidthOf(index)}");
            }

            if (_separator.Length > 0)
            {
                var found = key[start..].IndexOf(_separator);
                if (found != (i < segments.Length - 1 ? segment.Length : -1))
                {
                    throw DmtException.InvalidArgument(
                        $"segment {index} \"{Key.ToDisplay(segment)}\" holds the separator "
                        + $"\"{Key.ToDisplay(_separator)}\", or makes one with what follows it");
                }
            }

            start += segment.Length + _separator.Length;
        }
    }

    private static void CheckOrder(ReadOnlySpan<int> order, int count)
    {
        Span<bool> seen = stackalloc bool[count];
        var good = order.Length == count;
        for (var i = 0; good && i < count; i++)
        {
            good = (uint)order[i] < (uint)count && !seen[order[i]];
            if (good)
            {
                seen[order[i]] = true;
            }
        }

        if (!good)
        {
            throw DmtException.InvalidArgument(
                $"the order [{string.Join(", ", order.ToArray())}] does not name each of {count} segments once");
        }
    }

    private static void CheckRange(string what, long given, long least, long most)
    {
        if (given < least || given > most)
        {
            throw DmtException.InvalidArgument($"{what} is {given}: expected {least} to {most}");
        }
    }
}
