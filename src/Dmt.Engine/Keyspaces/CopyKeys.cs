// Where the copies lie: among the reserved keys, which are eight bytes 0xFF and then
//
//   01 'k' generation u32   a keyspace: value = state (0 being built, 1 built), declaration (KeyspaceCodec)
//   01 'p' shard u32        value = u64: every change of the shard up to this sequence number is in the copies
//   01 'i'                  value = the keys of a write that lies in several shards and may be half done
//   02 generation u32 order u8 copy      a copy of a key in one order (PermutedKeys); no value; expires as the key does
//
// Numbers are big-endian. See docs/formats/keyspaces.md.
using System.Buffers.Binary;
using Dmt.Core.Keys;

namespace Dmt.Engine.Keyspaces;

/// <summary>The reserved keys that keyspaces use.</summary>
internal static class CopyKeys
{
    /// <summary>Bytes of a copy's key before the copy.</summary>
    public const int HeaderBytes = 14;

    private const int KindAt = 8;
    private const byte Records = 1;
    private const byte Copies = 2;

    /// <summary>The one of a write that may be half done.</summary>
    public static byte[] Intent => Record((byte)'i');

    /// <summary>Those of all keyspaces.</summary>
    public static KeyRange Keyspaces => KeyRange.Prefix(Record((byte)'k'));

    /// <summary>Those of all shards' positions.</summary>
    public static KeyRange Positions => KeyRange.Prefix(Record((byte)'p'));

    public static byte[] Keyspace(uint generation) => Record((byte)'k', generation);

    public static byte[] Position(uint shard) => Record((byte)'p', shard);

    /// <summary>The generation of a key of <see cref="Keyspaces"/>.</summary>
    public static uint GenerationOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt32BigEndian(key[^4..]);

    /// <summary>All copies of one generation.</summary>
    public static KeyRange OfGeneration(uint generation)
    {
        var prefix = new byte[HeaderBytes - 1];
        WriteHeader(prefix, generation);
        return KeyRange.Prefix(prefix);
    }

    /// <summary>What the keys of copies in one order begin with.</summary>
    public static byte[] Prefix(uint generation, int order, ReadOnlySpan<byte> copy)
    {
        var key = new byte[HeaderBytes + copy.Length];
        WriteHeader(key, generation);
        key[HeaderBytes - 1] = (byte)order;
        copy.CopyTo(key.AsSpan(HeaderBytes));
        return key;
    }

    private static void WriteHeader(Span<byte> key, uint generation)
    {
        ReservedKeys.Range.Start.Span.CopyTo(key);
        key[KindAt] = Copies;
        BinaryPrimitives.WriteUInt32BigEndian(key[(KindAt + 1)..], generation);
    }

    private static byte[] Record(byte kind) => [.. ReservedKeys.Range.Start.Span, Records, kind];

    private static byte[] Record(byte kind, uint number)
    {
        var key = new byte[KindAt + 2 + sizeof(uint)];
        Record(kind).CopyTo(key, 0);
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(KindAt + 2), number);
        return key;
    }
}
