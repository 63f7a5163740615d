// The byte layout is docs/formats/shard-map.md:
//
//   magic u64 | format version u32 | map version | next shard | count | entries: shared, rest length, rest, shard
//
// Numbers after the format version are varints. An entry's prefix is the first `shared` bytes of the one before it and
// then the rest. There is one encoding of a map only: prefixes rise, share all that they can, and varints are as short
// as can be. Decode accepts no other, so what it accepts is what Encode makes of the map that it returns.
//
// The checksum belongs to the caller, who stores the bytes: it is to be verified before Decode sees them.
using System.Buffers;
using System.Buffers.Binary;
using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <summary>Bytes of a <see cref="ShardMap"/>, without a checksum.</summary>
public static class ShardMapCodec
{
    /// <summary>"DMTSHARD", read as a little-endian number.</summary>
    public const ulong Magic = 0x4452_4148_5354_4D44;

    /// <summary>The format version that is written, and the highest that is read.</summary>
    public const uint FormatVersion = 1;

    private const int HeaderBytes = 12;

    public static byte[] Encode(ShardMap map)
    {
        var to = new ArrayBufferWriter<byte>(64 + (16 * map.Count));
        var header = to.GetSpan(HeaderBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], FormatVersion);
        to.Advance(HeaderBytes);
        Number((ulong)map.Version);
        Number(map.NextShard);
        Number((ulong)map.Count);
        ReadOnlySpan<byte> before = [];
        foreach (var entry in map.Entries)
        {
            var prefix = entry.Prefix.Span;
            var shared = before.CommonPrefixLength(prefix);
            Number((ulong)shared);
            Number((ulong)(prefix.Length - shared));
            to.Write(prefix[shared..]);
            Number(entry.Shard);
            before = prefix;
        }

        return to.WrittenSpan.ToArray();

        void Number(ulong value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));
    }

    /// <summary>The map that <see cref="Encode"/> made <paramref name="bytes"/> of.</summary>
    /// <param name="bytes">Exactly the bytes, their checksum verified and taken off.</param>
    /// <param name="objectName">The object that holds them at its beginning, for messages.</param>
    /// <exception cref="DmtException">Corruption for bytes that are not those of a map; Unavailable where a newer DMT
    /// wrote them.</exception>
    public static ShardMap Decode(ReadOnlySpan<byte> bytes, string objectName)
    {
        if (bytes.Length < HeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
        {
            throw DmtException.Corruption(objectName, 0, "it does not begin as a shard map");
        }

        var format = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (format > FormatVersion)
        {
            throw DmtException.Unavailable(
                $"{objectName} was written by a newer DMT (shard map format {format}; this one reads up to "
                + $"{FormatVersion})");
        }

        if (format == 0)
        {
            throw DmtException.Corruption(objectName, 8, "there is no format version 0");
        }

        return new Payload(bytes, objectName).Read();
    }

    private ref struct Payload(ReadOnlySpan<byte> bytes, string objectName)
    {
        /// <summary>Fewest bytes of an entry after the root: two lengths, a byte, a number.</summary>
        private const int EntryBytesMin = 4;

        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _at = HeaderBytes;

        public ShardMap Read()
        {
            var version = (long)Number("version", 1, ShardMap.VersionMax);
            var nextShard = (uint)Number("next shard", ShardMap.Root + 1, uint.MaxValue);
            var most = Math.Min((ulong)((_bytes.Length - _at) / EntryBytesMin) + 1, nextShard - 1);
            var entries = new ShardEntry[Number("number of shards", 1, most)];
            var shards = new HashSet<uint>(entries.Length);
            for (var i = 0; i < entries.Length; i++)
            {
                var prefix = i == 0 ? RootPrefix() : Prefix(entries[i - 1].PrefixBytes);
                var shard = (uint)Number("shard", ShardMap.Root, i == 0 ? ShardMap.Root : nextShard - 1);
                entries[i] = shards.Add(shard) ? new(shard, prefix) : throw Damaged($"shard {shard} is there twice");
            }

            return _at == _bytes.Length ? new(version, nextShard, entries)
                : throw Damaged($"{_bytes.Length - _at} bytes follow the last shard");
        }

        private byte[] RootPrefix()
        {
            Number("shared length of the root's prefix", 0, 0);
            Number("length of the root's prefix", 0, 0);
            return [];
        }

        /// <summary>A prefix above the one before it, sharing with it exactly what it says.</summary>
        private byte[] Prefix(byte[] before)
        {
            var shared = (int)Number("shared length of a prefix", 0, (ulong)before.Length);
            var length = (int)Number("length of a prefix's rest", 1, (ulong)(Key.BytesMax - shared));
            if (length > _bytes.Length - _at)
            {
                throw Damaged($"it ends within a prefix of {shared + length} bytes");
            }

            var rest = _bytes.Slice(_at, length);
            if (shared < before.Length && rest[0] <= before[shared])
            {
                throw Damaged("a prefix is not above the one before it");
            }

            _at += length;
            return [.. before.AsSpan(0, shared), .. rest];
        }

        private ulong Number(string what, ulong least, ulong most)
        {
            var start = _at;
            if (!Varint.TryRead(_bytes, ref _at, out var value))
            {
                throw Damaged($"the {what} ends early");
            }

            if (value < least || value > most || Varint.Length(value) != _at - start)
            {
                var length = _at - start;
                _at = start;
                throw Damaged(
                    $"the {what} is {value} in {length} bytes: expected {least} to {most}, in as few as can be");
            }

            return value;
        }

        private readonly DmtException Damaged(string what) => DmtException.Corruption(objectName, _at, what);
    }
}
