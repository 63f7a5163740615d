using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dmt.Cli.Bench;

/// <summary>
/// The keys of a run: index to identity to hex digits. The identity is a one-to-one mix of the index (xor-shifts and
/// odd multiplications modulo a power of two can both be undone), so keys are distinct, look random, and are known
/// without being stored. Indices from half of the key space on are never written: they are the keys that are missing.
/// </summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
internal sealed class BenchKeys
{
    /// <summary>Shortest key, in bytes.</summary>
    public const int BytesMin = 4;

    private const int DigitsMax = 16;

    private static readonly ushort[] HexPairs = CreateHexPairs();

    private readonly int _bits;
    private readonly ulong _mask;
    private readonly ulong _offset;

    /// <param name="keyBytes">Length of a key, <see cref="BytesMin"/> to 1,024.</param>
    /// <param name="seed">Another seed, other keys.</param>
    public BenchKeys(int keyBytes, ulong seed)
    {
        KeyBytes = keyBytes;
        _bits = 4 * Math.Min(keyBytes, DigitsMax);
        _mask = ulong.MaxValue >> (64 - _bits);
        _offset = SplitMix64.Scramble(seed) & _mask;
    }

    public int KeyBytes { get; }

    /// <summary>
    /// How many keys of this length a run can hold: a quarter of the key space, the rest is for inserts and misses.
    /// </summary>
    public static long CountMax(int keyBytes) => 1L << Math.Min(62, (4 * Math.Min(keyBytes, DigitsMax)) - 2);

    /// <summary>
    /// The identity of the key with this index, 0 to <see cref="CountMax"/>; its order is the order of the keys.
    /// </summary>
    public ulong Identity(long index) => Mix(((ulong)index + _offset) & _mask);

    /// <summary>The identity of a key that is never written.</summary>
    public ulong MissingIdentity(long index) => Mix(((ulong)index + _offset + (1UL << (_bits - 1))) & _mask);

    /// <summary>The share of the key space that lies at or above this identity, 0 to 1.</summary>
    public double ShareAbove(ulong identity) => 1 - (identity / (_mask + 1.0));

    /// <summary>
    /// Writes the key: the identity's digits, most significant first; longer keys go on with digits that follow from
    /// it.
    /// </summary>
    public void Format(ulong identity, Span<byte> key)
    {
        if (key.Length == DigitsMax)
        {
            Write16(identity, ref MemoryMarshal.GetReference(key));
            return;
        }

        FormatOther(identity, key);
    }

    private void FormatOther(ulong identity, Span<byte> key)
    {
        Span<byte> digits = stackalloc byte[DigitsMax];
        for (var part = identity << (64 - _bits); key.Length > 0; part = SplitMix64.Scramble(part + identity + 1))
        {
            Write16(part, ref MemoryMarshal.GetReference(digits));
            var length = Math.Min(key.Length, DigitsMax);
            digits[..length].CopyTo(key);
            key = key[length..];
        }
    }

    private ulong Mix(ulong z)
    {
        var shift = _bits / 2;
        z = ((z ^ (z >> shift)) * 0xBF58476D1CE4E5B9) & _mask;
        z = ((z ^ (z >> shift)) * 0x94D049BB133111EB) & _mask;
        return z ^ (z >> shift);
    }

    private static void Write16(ulong value, ref byte digits)
    {
        var pairs = HexPairs;
        for (var i = 0; i < 8; i++)
        {
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref digits, 2 * i), pairs[(byte)(value >> (56 - (8 * i)))]);
        }
    }

    private static ushort[] CreateHexPairs()
    {
        var pairs = new ushort[256];
        Span<byte> two = stackalloc byte[2];
        for (var b = 0; b < pairs.Length; b++)
        {
            two[0] = (byte)"0123456789abcdef"[b >> 4];
            two[1] = (byte)"0123456789abcdef"[b & 15];
            pairs[b] = MemoryMarshal.Read<ushort>(two);
        }

        return pairs;
    }
}
