using System.Buffers.Binary;
using System.Text;
using Dmt.Core;

namespace Dmt.Api;

/// <summary>
/// What the HTTP API keeps beside a value: its content type and its weight, in as few bytes as they need.
/// <code>
/// (nothing)       application/octet-stream, weight 0
/// tag     byte    bits 4-7 format version, 1; bit 0 has a weight; bit 1 the weight is a double; bit 2 has a content
///                 type; bit 3 zero
/// weight  varint  when bit 0 is set and bit 1 is not: a whole number up to 2^53
///         8 bytes when bits 0 and 1 are set: IEEE 754 double, little endian
/// type    byte    when bit 2 is set: 1 text/plain; charset=utf-8, 2 application/json, 3 text/plain,
///                 4 text/html; charset=utf-8, 0 the rest of the bytes are the type itself, in ASCII
/// </code>
/// Bytes that are not of this form (an embedded program may keep its own) read as "nothing".
/// </summary>
public readonly record struct EntryMetadata(string? ContentType, double Weight)
{
    public const string DefaultContentType = "application/octet-stream";
    public const string TextContentType = "text/plain; charset=utf-8";
    public const string JsonContentType = "application/json";

    /// <summary>Longest content type, in characters.</summary>
    public const int ContentTypeCharsMax = 256;

    private const byte Version1 = 1 << 4;
    private const byte WeightBit = 1 << 0;
    private const byte DoubleBit = 1 << 1;
    private const byte TypeBit = 1 << 2;
    private const double WholeMax = 1L << 53;

    private static readonly string?[] Known =
        [null, TextContentType, JsonContentType, "text/plain", "text/html; charset=utf-8"];

    /// <summary>What the bytes say; <c>default</c> where they say nothing.</summary>
    public static EntryMetadata Decode(ReadOnlySpan<byte> from)
    {
        if (from.IsEmpty || (from[0] & 0xF8) != Version1)
        {
            return default;
        }

        var tag = from[0];
        var at = 1;
        double weight = 0;
        if ((tag & WeightBit) != 0 && !TryReadWeight(from, (tag & DoubleBit) != 0, ref at, out weight))
        {
            return default;
        }

        if ((tag & TypeBit) == 0)
        {
            return at == from.Length ? new(null, weight) : default;
        }

        if (at >= from.Length || from[at] >= Known.Length)
        {
            return default;
        }

        return new(Known[from[at]] ?? Encoding.ASCII.GetString(from[(at + 1)..]), weight);
    }

    /// <summary>The bytes; empty for the defaults.</summary>
    public byte[] Encode()
    {
        var type = ContentType is null or DefaultContentType ? null : ContentType;
        if (type is null && Weight == 0)
        {
            return [];
        }

        Span<byte> to = stackalloc byte[1 + Varint.BytesMax64 + 1 + ContentTypeCharsMax];
        var tag = Version1;
        var at = 1;
        if (Weight != 0)
        {
            tag |= WeightBit;
            if (Weight <= WholeMax && Weight == Math.Floor(Weight))
            {
                at += Varint.Write(to[at..], (ulong)Weight);
            }
            else
            {
                tag |= DoubleBit;
                BinaryPrimitives.WriteDoubleLittleEndian(to[at..], Weight);
                at += sizeof(double);
            }
        }

        if (type is not null)
        {
            tag |= TypeBit;
            var known = Array.IndexOf(Known, type);
            to[at++] = (byte)Math.Max(known, 0);
            at += known > 0 ? 0 : Encoding.ASCII.GetBytes(type, to[at..]);
        }

        to[0] = tag;
        return to[..at].ToArray();
    }

    /// <exception cref="DmtException">InvalidArgument when it is negative, infinite or no number.</exception>
    public static double CheckWeight(double weight) =>
        double.IsFinite(weight) && weight >= 0
            ? weight
            : throw DmtException.InvalidArgument("the weight is out of range: expected a finite number of at least 0");

    /// <exception cref="DmtException">InvalidArgument when it is too long or no media type.</exception>
    public static string? CheckContentType(string? type)
    {
        if (string.IsNullOrEmpty(type) || type == DefaultContentType)
        {
            return null;
        }

        if (type.Length <= ContentTypeCharsMax && Array.IndexOf(Known, type) > 0)
        {
            return type;
        }

        if (type.Length > ContentTypeCharsMax || !Ascii.IsValid(type)
            || type.AsSpan().ContainsAnyInRange('\0', '\u001f')
            || !Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(type, out _))
        {
            var shown = type.Length > 80 ? type[..80] + "…" : type;
            throw DmtException.InvalidArgument(
                $"the content type \"{shown}\" is no media type of at most {ContentTypeCharsMax} ASCII characters");
        }

        return type;
    }

    private static bool TryReadWeight(ReadOnlySpan<byte> from, bool isDouble, ref int at, out double weight)
    {
        weight = 0;
        if (!isDouble)
        {
            var read = Varint.TryRead(from, ref at, out var whole);
            weight = whole;
            return read;
        }

        if (from.Length - at < sizeof(double))
        {
            return false;
        }

        weight = BinaryPrimitives.ReadDoubleLittleEndian(from[at..]);
        at += sizeof(double);
        return double.IsFinite(weight) && weight >= 0;
    }
}
