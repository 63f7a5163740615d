using System.Buffers.Text;
using Dmt.Core.Keys;

namespace Dmt.Core;

/// <summary>
/// What a page's cursor says: where to go on. Base64url of a format version, the direction, and the last key handed
/// out. It names no table, log or process, so it survives restarts.
/// </summary>
public static class PageCursor
{
    private const byte Version = 1;

    /// <summary>The cursor of a page that ends with this key.</summary>
    public static string Encode(ReadOnlySpan<byte> lastKey, bool reverse) =>
        Base64Url.EncodeToString([Version, reverse ? (byte)1 : (byte)0, .. lastKey]);

    /// <summary>The part of the range that is left behind the cursor.</summary>
    /// <exception cref="DmtException">InvalidArgument where it is no cursor, or not one of this scan.</exception>
    public static KeyRange Rest(string cursor, KeyRange range, bool reverse)
    {
        byte[] bytes;
        try
        {
            bytes = Base64Url.DecodeFromChars(cursor);
        }
        catch (FormatException e)
        {
            throw new DmtException(
                DmtErrorKind.InvalidArgument, $"the cursor \"{cursor}\" is not one of this store", e);
        }

        if (bytes.Length is < 3 or > Key.BytesMax + 2 || bytes[0] != Version || bytes[1] > 1)
        {
            throw DmtException.InvalidArgument($"the cursor \"{cursor}\" is not one of this store");
        }

        var key = bytes.AsMemory(2);
        if (bytes[1] != (reverse ? 1 : 0) || !range.Contains(key.Span))
        {
            throw DmtException.InvalidArgument($"the cursor \"{cursor}\" belongs to another range or direction");
        }

        return reverse ? new KeyRange(range.Start, key) : new KeyRange((byte[])[.. key.Span, 0], range.End);
    }
}
