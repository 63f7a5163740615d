using System.Buffers.Binary;

namespace Dmt.Cli.Bench;

/// <summary>
/// The values of a run. A value is a piece of a pool of random hex digits (so it shrinks to about half when compressed,
/// as db_bench's values do), found by the key's identity and a generation. From <see cref="HeaderBytes"/> on it begins
/// with the identity and the place in the pool, so that a reader who does not know the generation can still check every
/// byte; shorter values are the same in every generation.
/// </summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
internal sealed class BenchValues
{
    private const int HeaderBytes = 12;

    // Small enough for a core's second-level cache: checking must not cost what it checks.
    private const int PoolBytes = 64 << 10;

    private readonly byte[] _pool;

    public BenchValues(int valueBytes, ulong seed)
    {
        ValueBytes = valueBytes;
        _pool = new byte[PoolBytes + valueBytes];
        var random = new SplitMix64(~seed);
        for (var i = 0; i < _pool.Length; i++)
        {
            _pool[i] = (byte)"0123456789abcdef"[(int)(random.Next() >> 60)];
        }
    }

    public int ValueBytes { get; }

    /// <param name="identity">The key's identity.</param>
    /// <param name="generation">Counts the writes of a key; any number.</param>
    /// <param name="value">Room for <see cref="ValueBytes"/>.</param>
    public void Fill(ulong identity, ulong generation, Span<byte> value)
    {
        if (value.Length < HeaderBytes)
        {
            _pool.AsSpan(Place(identity, 0), value.Length).CopyTo(value);
            return;
        }

        var place = Place(identity, generation);
        BinaryPrimitives.WriteUInt64LittleEndian(value, identity);
        BinaryPrimitives.WriteInt32LittleEndian(value[8..], place);
        _pool.AsSpan(place, value.Length - HeaderBytes).CopyTo(value[HeaderBytes..]);
    }

    /// <summary>True when this is, byte for byte, a value that some generation of the key had.</summary>
    public bool IsValue(ulong identity, ReadOnlySpan<byte> value)
    {
        if (value.Length != ValueBytes)
        {
            return false;
        }

        if (value.Length < HeaderBytes)
        {
            return value.SequenceEqual(_pool.AsSpan(Place(identity, 0), value.Length));
        }

        var place = BinaryPrimitives.ReadInt32LittleEndian(value[8..]);
        return BinaryPrimitives.ReadUInt64LittleEndian(value) == identity
            && place is >= 0 and < PoolBytes
            && value[HeaderBytes..].SequenceEqual(_pool.AsSpan(place, value.Length - HeaderBytes));
    }

    private static int Place(ulong identity, ulong generation) =>
        (int)(SplitMix64.Scramble(identity + (generation * 0x9E3779B97F4A7C15)) % PoolBytes);
}
