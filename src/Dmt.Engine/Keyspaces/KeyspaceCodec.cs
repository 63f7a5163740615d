using System.Buffers;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Keyspaces;

/// <summary>
/// The bytes of a keyspace's record: state u8, then format version, name, prefix, separator, and the number of segments
/// with a width for each, 0 where there is a separator. Lengths and numbers are varints.
/// </summary>
internal static class KeyspaceCodec
{
    private const int FormatVersion = 1;

    public static byte[] Encode(Keyspace keyspace, bool isBuilt)
    {
        var to = new ArrayBufferWriter<byte>(128);
        to.Write([isBuilt ? (byte)1 : (byte)0]);
        Number(FormatVersion);
        Bytes(Encoding.ASCII.GetBytes(keyspace.Name));
        Bytes(keyspace.Prefix.Span);
        Bytes(keyspace.Separator.Span);
        Number(keyspace.Segments);
        for (var i = 0; i < keyspace.Segments; i++)
        {
            Number(keyspace.Widths.Count > 0 ? keyspace.Widths[i] : 0);
        }

        return to.WrittenSpan.ToArray();

        void Number(int value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), (ulong)value));

        void Bytes(ReadOnlySpan<byte> bytes)
        {
            Number(bytes.Length);
            to.Write(bytes);
        }
    }

    /// <summary>Null for a record that this version did not write: its copies are made anew.</summary>
    public static (Keyspace Keyspace, bool IsBuilt)? TryDecode(ReadOnlySpan<byte> bytes)
    {
        var at = 1;
        if (bytes.Length < 1 || bytes[0] > 1 || !Number(bytes, ref at, out var version) || version != FormatVersion
            || !Bytes(bytes, ref at, out var name) || !Bytes(bytes, ref at, out var prefix)
            || !Bytes(bytes, ref at, out var separator)
            || !Number(bytes, ref at, out var segments) || segments > Keyspace.SegmentsMax)
        {
            return null;
        }

        var widths = new int[segments];
        foreach (ref var width in widths.AsSpan())
        {
            if (!Number(bytes, ref at, out width))
            {
                return null;
            }
        }

        try
        {
            var text = Encoding.ASCII.GetString(name);
            var keyspace = separator.IsEmpty ? Keyspace.FixedWidths(text, prefix, widths)
                : Keyspace.Separated(text, prefix, separator, segments);
            return at == bytes.Length ? (keyspace, bytes[0] == 1) : null;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.InvalidArgument)
        {
            return null;
        }
    }

    private static bool Number(ReadOnlySpan<byte> bytes, ref int at, out int value)
    {
        var read = Varint.TryRead(bytes, ref at, out var wide) && wide <= int.MaxValue;
        value = read ? (int)wide : 0;
        return read;
    }

    private static bool Bytes(ReadOnlySpan<byte> bytes, ref int at, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!Number(bytes, ref at, out var length) || length > bytes.Length - at)
        {
            return false;
        }

        value = bytes.Slice(at, length);
        at += length;
        return true;
    }
}
