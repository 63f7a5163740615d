// A pattern as text: one part for each segment, with the keyspace's separator between them ("/" where segments have
// widths). A part is a star alone, which any segment matches that is not empty, or the segment itself, in which
//
//   \*  is a star     \\  is a backslash     \xHH  is the byte HH     \ before the separator: the separator's text
//
// and a star that stands among other characters is an error: there are no patterns within a segment.

using System.Globalization;
using System.Text;

namespace Dmt.Core.Keys;

/// <summary>
/// Which segments of a keyspace's keys are fixed, and to what; the others are free. Immutable, safe for concurrent use.
/// </summary>
/// <example><c>*/books/*</c> has its second segment fixed to "books".</example>
public sealed class SegmentPattern
{
    private readonly ReadOnlyMemory<byte>?[] _segments;

    /// <param name="keyspace">Whose keys are searched.</param>
    /// <param name="segments">One for each segment of the keyspace: its bytes, or null where it is free.</param>
    /// <exception cref="DmtException">
    /// InvalidArgument for another number of segments, and for one that no key of the keyspace can have: empty, of
    /// another width, or with the separator in it.
    /// </exception>
    public SegmentPattern(Keyspace keyspace, params ReadOnlySpan<ReadOnlyMemory<byte>?> segments)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        (Keyspace, _segments) = (keyspace, segments.ToArray());
        if (segments.Length != keyspace.Segments)
        {
            throw DmtException.InvalidArgument(
                $"the pattern has {segments.Length} segments, the keys of keyspace {keyspace.Name} have "
                + $"{keyspace.Segments}: expected as many, with {keyspace.PatternSeparator} between them");
        }

        for (var i = 0; i < segments.Length; i++)
        {
            if (segments[i] is { } segment)
            {
                CheckSegment(i, segment.Span);
                Fixed |= 1 << i;
            }
        }
    }

    /// <summary>Whose keys are searched.</summary>
    public Keyspace Keyspace { get; }

    /// <summary>Bit i is set where segment i is fixed.</summary>
    public int Fixed { get; }

    /// <summary>The bytes of segment <paramref name="index"/>; null where it is free.</summary>
    public ReadOnlyMemory<byte>? this[int index] => _segments[index];

    /// <summary>The pattern that a text says; see the head of this file's class for its rules.</summary>
    /// <param name="keyspace">Whose keys are searched.</param>
    /// <param name="text">
    /// One part for each segment, with <see cref="Keyspace.PatternSeparator"/> between them: a star alone for a free
    /// segment, else its text, in which \* is a star, \\ a backslash and \xHH a byte.
    /// </param>
    /// <exception cref="DmtException">InvalidArgument for a text that is no pattern of the keyspace.</exception>
    public static SegmentPattern Parse(Keyspace keyspace, string text)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        ArgumentNullException.ThrowIfNull(text);
        var segments = new List<ReadOnlyMemory<byte>?>();
        var at = 0;
        while (true)
        {
            segments.Add(ParseSegment(text, ref at, keyspace.PatternSeparator, segments.Count));
            if (at >= text.Length)
            {
                return new SegmentPattern(keyspace, [.. segments]);
            }

            at += keyspace.PatternSeparator.Length;
            if (segments.Count > Keyspace.SegmentsMax)
            {
                throw DmtException.InvalidArgument(
                    $"the pattern \"{text}\" has more than {Keyspace.SegmentsMax} segments: the keys of keyspace "
                    + $"{keyspace.Name} have {keyspace.Segments}");
            }
        }
    }

    /// <summary>True where <paramref name="key"/> is one of the keyspace and has the fixed segments.</summary>
    public bool Matches(ReadOnlySpan<byte> key)
    {
        Span<Range> ranges = stackalloc Range[_segments.Length];
        var prefix = Keyspace.Prefix.Span;
        if (!key.StartsWith(prefix) || !Keyspace.Schema.TryCutExactly(key[prefix.Length..], ranges))
        {
            return false;
        }

        for (var i = 0; i < _segments.Length; i++)
        {
            if (_segments[i] is { } segment && !key[prefix.Length..][ranges[i]].SequenceEqual(segment.Span))
            {
                return false;
            }
        }

        return true;
    }

    private static ReadOnlyMemory<byte>? ParseSegment(string text, ref int at, string separator, int number)
    {
        var bytes = new List<byte>();
        var start = at;
        Span<byte> encoded = stackalloc byte[4];
        while (at < text.Length && string.CompareOrdinal(text, at, separator, 0, separator.Length) != 0)
        {
            if (text[at] == '*')
            {
                at++;
                if (at - start == 1
                    && (at == text.Length || string.CompareOrdinal(text, at, separator, 0, separator.Length) == 0))
                {
                    return null;
                }

                throw DmtException.InvalidArgument(
                    $"segment {number + 1} of the pattern \"{text}\" has a star among other characters: a star stands "
                    + "for a whole segment; write \\* for a star");
            }

            if (text[at] == '\\')
            {
                Unescape(text, ref at, separator, bytes);
                continue;
            }

            if (!Rune.TryGetRuneAt(text, at, out var rune))
            {
                throw DmtException.InvalidArgument(
                    $"the pattern is not valid Unicode: lone surrogate at {at}");
            }

            bytes.AddRange(encoded[..rune.EncodeToUtf8(encoded)]);
            at += rune.Utf16SequenceLength;
        }

        return bytes.ToArray();
    }

    private static void Unescape(string text, ref int at, string separator, List<byte> bytes)
    {
        var rest = text.AsSpan(at + 1);
        if (rest.StartsWith(separator, StringComparison.Ordinal))
        {
            bytes.AddRange(Encoding.UTF8.GetBytes(separator));
            at += 1 + separator.Length;
        }
        else if (rest is ['*' or '\\', ..])
        {
            bytes.Add((byte)rest[0]);
            at += 2;
        }
        else if (rest is ['x', _, _, ..] && byte.TryParse(
            rest[1..3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            bytes.Add(value);
            at += 4;
        }
        else
        {
            throw DmtException.InvalidArgument(
                $"the pattern \"{text}\" has a backslash at {at} before what it cannot stand before: expected \\*, "
                + $"\\\\, \\{separator} or \\xHH");
        }
    }

    private void CheckSegment(int index, ReadOnlySpan<byte> segment)
    {
        var separator = Keyspace.Separator.Span;
        if (segment.IsEmpty)
        {
            throw DmtException.InvalidArgument(
                $"segment {index + 1} of the pattern is empty: expected a star, or at least one byte");
        }

        if (segment.Length > Key.BytesMax)
        {
            throw DmtException.InvalidArgument(
                $"segment {index + 1} of the pattern has {segment.Length} bytes: at most {Key.BytesMax} are allowed");
        }

        if (Keyspace.Widths.Count > 0 && segment.Length != Keyspace.Widths[index])
        {
            throw DmtException.InvalidArgument(
                $"segment {index + 1} of the pattern, \"{Key.ToDisplay(segment)}\", has {segment.Length} bytes: "
                + $"expected {Keyspace.Widths[index]}");
        }

        // All but the last have the separator behind them, and must not make one with it earlier ("a:" and "::").
        byte[] followed = [.. segment, .. index < Keyspace.Segments - 1 ? separator : default];
        var found = separator.IsEmpty ? -1 : followed.AsSpan().IndexOf(separator);
        if (found >= 0 && found < segment.Length)
        {
            throw DmtException.InvalidArgument(
                $"segment {index + 1} of the pattern, \"{Key.ToDisplay(segment)}\", holds the separator "
                + $"\"{Key.ToDisplay(separator)}\", or makes one with what follows it: no key has it");
        }
    }
}
