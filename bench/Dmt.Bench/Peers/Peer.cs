using System.Buffers.Binary;

namespace Dmt.Bench.Peers;

/// <summary>
/// An ordered store that is open on a folder, driven by one thread. All are opened alike: values uncompressed, 256 MiB
/// of cache and 10 bits of bloom filter for each key where they have such a thing, the log on and not synced.
/// </summary>
internal abstract class Peer : IDisposable
{
    public const long CacheBytes = 256 << 20;
    public const int FilterBitsPerKey = 10;

    public abstract void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Returns when the write is durable.</summary>
    public abstract void PutSync(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Gets a value and hands it to the check while it is where the store has it.</summary>
    /// <returns>False when the key is not there.</returns>
    /// <exception cref="InvalidDataException">The check did not pass.</exception>
    public abstract bool Get(ReadOnlySpan<byte> key, in ValueCheck check);

    /// <summary>Walks forward.</summary>
    /// <param name="start">The first key; empty for the very first.</param>
    /// <param name="limit">Most entries to take.</param>
    /// <returns>How many there were.</returns>
    public abstract long Scan(ReadOnlySpan<byte> start, long limit);

    /// <summary>Merges everything; nothing where the store has nothing to merge.</summary>
    public abstract void Compact();

    /// <summary>False where the store has nothing to merge.</summary>
    public virtual bool Compacts => true;

    public abstract void Dispose();

    /// <summary>
    /// Looks at an entry: the beginning of its key, and both ends of its value. The sum is kept so that nothing is
    /// optimised away.
    /// </summary>
    protected void Look(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _sum += BinaryPrimitives.ReadUInt64BigEndian(key);
        _sum += (ulong)(value[0] + value[^1]);
    }

    protected static InvalidDataException BadValue() => new("a wrong value");

    private ulong _sum;
}
