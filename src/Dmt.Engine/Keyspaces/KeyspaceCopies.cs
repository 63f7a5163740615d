using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Keyspaces;

/// <summary>
/// One generation of a keyspace's copies: which keys they have. A rebuild begins another one. Immutable but for
/// <see cref="IsBuilt"/>; safe for concurrent use.
/// </summary>
internal sealed class KeyspaceCopies(PermutedKeys keys, uint generation)
{
    private volatile bool _isBuilt;

    public PermutedKeys Keys => keys;

    public Keyspace Keyspace => keys.Keyspace;

    public uint Generation => generation;

    /// <summary>False while the copies are being made from the keys.</summary>
    public bool IsBuilt
    {
        get => _isBuilt;
        set => _isBuilt = value;
    }

    /// <summary>Whether a key has copies that are not longer than a key may be.</summary>
    /// <param name="key">Any key.</param>
    /// <param name="excess">By how many bytes it is too long for the keyspace; 0 or less where it is not.</param>
    /// <returns>False for a key that is none of the keyspace.</returns>
    public bool Has(ReadOnlySpan<byte> key, out int excess) => Has(keys, key, out excess);

    /// <inheritdoc cref="Has(ReadOnlySpan{byte}, out int)"/>
    public static bool Has(PermutedKeys keys, ReadOnlySpan<byte> key, out int excess)
    {
        Span<Range> segments = stackalloc Range[keys.Keyspace.Segments];
        var has = !ReservedKeys.Contains(key) && keys.TryCut(key, segments);
        excess = has ? CopyKeys.HeaderBytes + keys.Length(key, segments) - Key.BytesMax : 0;
        return has;
    }

    /// <summary>The copy in the key's own order: where it is, all are.</summary>
    public byte[] First(ReadOnlySpan<byte> key) => CopyKeys.Prefix(generation, 0, key[Keyspace.Prefix.Length..]);

    /// <summary>The copies in the keys' own order of a range of keys of the keyspace.</summary>
    public KeyRange First(KeyRange originals)
    {
        var end = originals.End is { } last && last.Span.StartsWith(Keyspace.Prefix.Span)
            ? First(last.Span)
            : KeyRange.PrefixEnd(CopyKeys.Prefix(generation, 0, []));
        return new KeyRange(First(originals.Start.Span), end);
    }

    /// <summary>What follows the keyspace's prefix in the key of such a copy.</summary>
    public static ReadOnlySpan<byte> RestOf(ReadOnlySpan<byte> first) => first[CopyKeys.HeaderBytes..];

    public void Put(WriteBatch batch, ReadOnlySpan<byte> key, DateTimeOffset? expiresAt)
    {
        Span<byte> room = stackalloc byte[Key.BytesMax];
        Span<Range> segments = stackalloc Range[Keyspace.Segments];
        keys.TryCut(key, segments);
        for (var order = 0; order < keys.Count; order++)
        {
            batch.Put(Write(order, key, segments, room), default, expiresAt);
        }
    }

    public void Delete(WriteBatch batch, ReadOnlySpan<byte> key)
    {
        Span<byte> room = stackalloc byte[Key.BytesMax];
        Span<Range> segments = stackalloc Range[Keyspace.Segments];
        keys.TryCut(key, segments);
        for (var order = 0; order < keys.Count; order++)
        {
            batch.Delete(Write(order, key, segments, room));
        }
    }

    private ReadOnlySpan<byte> Write(
        int order, ReadOnlySpan<byte> key, ReadOnlySpan<Range> segments, Span<byte> room)
    {
        CopyKeys.Prefix(generation, order, []).CopyTo(room);
        return room[..(CopyKeys.HeaderBytes + keys.Encode(order, key, segments, room[CopyKeys.HeaderBytes..]))];
    }
}
