using System.Buffers.Binary;

namespace Dmt.Engine.Shards;

/// <summary>
/// Identifiers that sort by the time they were made (the ULID specification): 48 bits of milliseconds, 80 bits of
/// chance, as 26 characters of Crockford's base 32.
/// </summary>
internal static class Ulid
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// <param name="time">Gives the milliseconds.</param>
    /// <param name="random">Gives the rest.</param>
    /// <param name="after">The outcome sorts after it even when the clock went backwards; null for the first.</param>
    public static string Create(TimeProvider time, Random random, string? after)
    {
        var milliseconds = Math.Max(0, time.GetUtcNow().ToUnixTimeMilliseconds());
        var text = Encode(milliseconds, random);
        while (after is not null && string.CompareOrdinal(text, after) <= 0)
        {
            milliseconds = Math.Max(milliseconds, DecodeTime(after)) + 1;
            text = Encode(milliseconds, random);
        }

        return text;
    }

    private static string Encode(long milliseconds, Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        var chance = BinaryPrimitives.ReadUInt128BigEndian(bytes) >> 48;
        var value = ((UInt128)(ulong)milliseconds << 80) | chance;
        return string.Create(26, value, static (to, value) =>
        {
            for (var i = to.Length - 1; i >= 0; i--)
            {
                to[i] = Alphabet[(int)(value & 31)];
                value >>= 5;
            }
        });
    }

    private static long DecodeTime(string ulid)
    {
        long milliseconds = 0;
        foreach (var c in ulid.AsSpan(0, 10))
        {
            milliseconds = (milliseconds << 5) | (long)Alphabet.IndexOf(c, StringComparison.Ordinal);
        }

        return milliseconds;
    }
}
