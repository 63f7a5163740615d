// The copies of a key that make every set of its segments a prefix: one in each order of MinimalOrders.
//
// The first order is the identity, and its copy is what follows the keyspace's prefix, as it is. So a list of these
// copies lies in the order of the keys themselves, and can be compared with them in one walk.
//
// In the other orders, segments with widths stand one after the other. Where there is a separator, each segment is
// closed by a byte 00, the last one too; within, 00 is written as 01 01 and 01 as 01 02. That keeps the bytewise order
// of segments (the end comes before whatever goes on), is undone in one way only, and adds one byte to a key of
// ordinary text. (The separator itself would not do: a segment that may end before "::" may not stand before "::x".)

namespace Dmt.Core.Keys;

/// <summary>
/// Writes and reads the permuted copies of a keyspace's keys. Immutable, safe for concurrent use.
/// </summary>
public sealed class PermutedKeys
{
    private const byte End = 0;
    private const byte Escape = 1;

    private readonly MinimalOrders _orders;
    private readonly int[] _places; // of the segments with widths: place of segment s in order o at o * n + s

    public PermutedKeys(Keyspace keyspace)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        Keyspace = keyspace;
        _orders = PrefixPermutation.MinimalOrders(keyspace.Segments);
        _places = new int[_orders.Count * keyspace.Segments];
        for (var order = 0; keyspace.Widths.Count > 0 && order < _orders.Count; order++)
        {
            var place = 0;
            foreach (var segment in _orders[order])
            {
                _places[(order * keyspace.Segments) + segment] = place;
                place += keyspace.Widths[segment];
            }
        }
    }

    public Keyspace Keyspace { get; }

    /// <summary>How many copies there are of each key: C(n, n/2) for n segments, the identity among them.</summary>
    public int Count => _orders.Count;

    /// <summary>The order at <paramref name="position"/>, 0 (the identity) to <see cref="Count"/> - 1.</summary>
    public ReadOnlySpan<int> OrderAt(int position) => _orders[position];

    /// <summary>Where the segments of a key lie in it, where it is one of the keyspace.</summary>
    /// <param name="key">Any key.</param>
    /// <param name="segments">As many as the keyspace has.</param>
    public bool TryCut(ReadOnlySpan<byte> key, Span<Range> segments)
    {
        var prefix = Keyspace.Prefix.Span;
        if (!key.StartsWith(prefix) || !Keyspace.Schema.TryCutExactly(key[prefix.Length..], segments))
        {
            return false;
        }

        foreach (ref var segment in segments)
        {
            segment = (segment.Start.Value + prefix.Length)..(segment.End.Value + prefix.Length);
        }

        return true;
    }

    /// <summary>Bytes of the longest copy of a key.</summary>
    /// <param name="key">A key of the keyspace.</param>
    /// <param name="segments">Where its segments lie.</param>
    public int Length(ReadOnlySpan<byte> key, ReadOnlySpan<Range> segments)
    {
        var identity = key.Length - Keyspace.Prefix.Length;
        if (Keyspace.Widths.Count > 0)
        {
            return identity;
        }

        var length = segments.Length;
        foreach (var segment in segments)
        {
            length += EscapedLength(key[segment]);
        }

        return Math.Max(identity, length);
    }

    /// <summary>Writes the copy of a key in one order.</summary>
    /// <param name="order">0 to <see cref="Count"/> - 1.</param>
    /// <param name="key">A key of the keyspace.</param>
    /// <param name="segments">Where its segments lie.</param>
    /// <param name="to">Room for <see cref="Length"/> bytes.</param>
    /// <returns>Its length.</returns>
    public int Encode(int order, ReadOnlySpan<byte> key, ReadOnlySpan<Range> segments, Span<byte> to)
    {
        if (order == 0)
        {
            key[Keyspace.Prefix.Length..].CopyTo(to);
            return key.Length - Keyspace.Prefix.Length;
        }

        var at = 0;
        foreach (var segment in _orders[order])
        {
            at += Append(key[segments[segment]], to[at..]);
        }

        return at;
    }

    /// <summary>The key whose copy this is.</summary>
    /// <param name="order">0 to <see cref="Count"/> - 1.</param>
    /// <param name="copy">What <see cref="Encode"/> wrote.</param>
    /// <returns>Null for bytes that are no copy of a key of the keyspace.</returns>
    public byte[]? TryDecode(int order, ReadOnlySpan<byte> copy)
    {
        if (order == 0)
        {
            return [.. Keyspace.Prefix.Span, .. copy];
        }

        return Keyspace.Widths.Count > 0 ? DecodeWidths(order, copy) : DecodeSeparated(order, copy);
    }

    /// <summary>The order whose copies have the fixed segments of a pattern at their front, and that front.</summary>
    /// <param name="pattern">A pattern of the keyspace.</param>
    /// <param name="prefix">What the copies of the keys that match begin with, and no others.</param>
    /// <param name="isWhole">True where a match has nothing behind it: all segments are fixed.</param>
    /// <returns>0 to <see cref="Count"/> - 1.</returns>
    public int OrderFor(SegmentPattern pattern, out byte[] prefix, out bool isWhole)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        var order = _orders.OrderFor(pattern.Fixed);
        isWhole = pattern.Fixed == (1 << Keyspace.Segments) - 1;
        var written = new List<byte>();
        foreach (var segment in _orders[order])
        {
            if (pattern[segment] is not { } bytes)
            {
                break;
            }

            if (order > 0)
            {
                var room = new byte[EscapedLength(bytes.Span) + 1];
                written.AddRange(room.AsSpan(0, Append(bytes.Span, room)));
                continue;
            }

            written.AddRange(bytes.Span);
            if (segment < Keyspace.Segments - 1)
            {
                written.AddRange(Keyspace.Separator.Span);
            }
        }

        prefix = [.. written];
        return order;
    }

    private int Append(ReadOnlySpan<byte> segment, Span<byte> to)
    {
        if (Keyspace.Widths.Count > 0)
        {
            segment.CopyTo(to);
            return segment.Length;
        }

        var at = segment.Length;
        if (segment.IndexOfAnyInRange(End, Escape) < 0)
        {
            segment.CopyTo(to);
        }
        else
        {
            at = 0;
            foreach (var value in segment)
            {
                if (value <= Escape)
                {
                    to[at++] = Escape;
                }

                to[at++] = value <= Escape ? (byte)(value + 1) : value;
            }
        }

        to[at] = End;
        return at + 1;
    }

    private byte[]? DecodeWidths(int order, ReadOnlySpan<byte> copy)
    {
        var key = new byte[Keyspace.Prefix.Length + copy.Length];
        Keyspace.Prefix.Span.CopyTo(key);
        var at = Keyspace.Prefix.Length;
        for (var segment = 0; segment < Keyspace.Segments; segment++)
        {
            var (place, width) = (_places[(order * Keyspace.Segments) + segment], Keyspace.Widths[segment]);
            if (place + width > copy.Length)
            {
                return null;
            }

            copy.Slice(place, width).CopyTo(key.AsSpan(at));
            at += width;
        }

        return at == key.Length ? key : null;
    }

    private byte[]? DecodeSeparated(int order, ReadOnlySpan<byte> copy)
    {
        Span<Range> parts = stackalloc Range[Keyspace.SegmentsMax];
        var start = 0;
        foreach (var segment in _orders[order])
        {
            var length = copy[start..].IndexOf(End);
            if (length < 0)
            {
                return null;
            }

            parts[segment] = start..(start + length);
            start += length + 1;
        }

        if (start != copy.Length)
        {
            return null;
        }

        // What is escaped gets shorter; the separators may be longer than the bytes that closed segments.
        var separators = Keyspace.Separator.Length * (Keyspace.Segments - 1);
        Span<byte> key = stackalloc byte[Keyspace.Prefix.Length + copy.Length + separators];
        Keyspace.Prefix.Span.CopyTo(key);
        var at = Keyspace.Prefix.Length;
        for (var segment = 0; segment < Keyspace.Segments; segment++)
        {
            if (segment > 0)
            {
                Keyspace.Separator.Span.CopyTo(key[at..]);
                at += Keyspace.Separator.Length;
            }

            if (!TryUnescape(copy[parts[segment]], key[at..], out var written))
            {
                return null;
            }

            at += written;
        }

        return key[..at].ToArray();
    }

    private static bool TryUnescape(ReadOnlySpan<byte> part, Span<byte> to, out int written)
    {
        written = part.Length;
        if (!part.Contains(Escape))
        {
            part.CopyTo(to);
            return true;
        }

        written = 0;
        for (var i = 0; i < part.Length; i++)
        {
            var value = part[i];
            if (value == Escape)
            {
                if (++i == part.Length || part[i] is not 1 and not 2)
                {
                    return false;
                }

                value = (byte)(part[i] - 1);
            }

            to[written++] = value;
        }

        return true;
    }

    private static int EscapedLength(ReadOnlySpan<byte> segment) =>
        segment.Length + segment.Count(End) + segment.Count(Escape);
}
