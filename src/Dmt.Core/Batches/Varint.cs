using System.Runtime.CompilerServices;

namespace Dmt.Core;

/// <summary>Unsigned LEB128: 7 bits a byte, low bits first, the high bit set on all bytes but the last.</summary>
public static class Varint
{
    /// <summary>Longest encoding of 32 bits.</summary>
    public const int BytesMax32 = 5;

    /// <summary>Longest encoding of 64 bits.</summary>
    public const int BytesMax64 = 10;

    /// <summary>Writes <paramref name="value"/> at the start of <paramref name="to"/>.</summary>
    /// <returns>How many bytes it took.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Write(Span<byte> to, ulong value)
    {
        var i = 0;
        while (value >= 0x80)
        {
            to[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        to[i++] = (byte)value;
        return i;
    }

    /// <summary>Reads the number that starts at <paramref name="position"/> and moves past it.</summary>
    /// <returns>False, and the position unchanged, where the bytes end early or encode more than 64 bits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(ReadOnlySpan<byte> from, scoped ref int position, out ulong value)
    {
        if ((uint)position < (uint)from.Length && from[position] < 0x80)
        {
            value = from[position++];
            return true;
        }

        return TryReadLong(from, ref position, out value);
    }

    /// <summary>Bytes that <see cref="Write"/> takes for <paramref name="value"/>.</summary>
    public static int Length(ulong value) => ((63 - System.Numerics.BitOperations.LeadingZeroCount(value | 1)) / 7) + 1;

    private static bool TryReadLong(ReadOnlySpan<byte> from, scoped ref int position, out ulong value)
    {
        value = 0;
        var at = position;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if ((uint)at >= (uint)from.Length || (shift == 63 && from[at] > 1))
            {
                break;
            }

            var b = from[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                position = at;
                return true;
            }
        }

        value = 0;
        return false;
    }
}
