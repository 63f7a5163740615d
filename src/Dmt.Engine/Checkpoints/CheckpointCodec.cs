// The byte layout is docs/formats/checkpoint.md:
//
//   magic u64 | format version u32 | payload length u32 | payload | CRC-32C of all before, u32
//
// The payload is varints and length-prefixed bytes; manifests are in it whole, as docs/formats/manifest.md has them.
// What is no pin of a clone is written in format 1.
using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Checksums;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Checkpoints;

internal static class CheckpointCodec
{
    /// <summary>"DMTCHECK", read as a little-endian number.</summary>
    public const ulong Magic = 0x4B43_4548_4354_4D44;

    public const uint Version = 2;

    private const int HeaderBytes = 16;

    public static byte[] Encode(Checkpoint checkpoint)
    {
        var to = new ArrayBufferWriter<byte>(4096);
        to.GetSpan(HeaderBytes)[..HeaderBytes].Clear();
        to.Advance(HeaderBytes);
        Bytes(Encoding.ASCII.GetBytes(checkpoint.Name));
        Number((ulong)Math.Max(0, checkpoint.CreatedAt.ToUnixTimeMilliseconds()));
        Number((ulong)checkpoint.Manifests.Count);
        foreach (var manifest in checkpoint.Manifests)
        {
            Bytes(ManifestCodec.Encode(manifest));
        }

        if (checkpoint.ClonedTo is { } clone)
        {
            Bytes(Encoding.ASCII.GetBytes(clone));
        }

        var length = to.WrittenCount;
        var whole = new byte[length + sizeof(uint)];
        to.WrittenSpan.CopyTo(whole);
        BinaryPrimitives.WriteUInt64LittleEndian(whole, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), checkpoint.ClonedTo is null ? 1 : Version);
        BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(12), length - HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(length), Crc32C.Compute(whole.AsSpan(0, length)));
        return whole;

        void Number(ulong value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));

        void Bytes(ReadOnlySpan<byte> bytes)
        {
            Number((ulong)bytes.Length);
            to.Write(bytes);
        }
    }

    /// <exception cref="DmtException">Corruption, or Unavailable where a newer DMT wrote it.</exception>
    public static Checkpoint Decode(ReadOnlySpan<byte> whole, string objectName)
    {
        if (whole.Length < HeaderBytes + sizeof(uint) || BinaryPrimitives.ReadUInt64LittleEndian(whole) != Magic)
        {
            throw DmtException.Corruption(objectName, 0, "it does not begin as a checkpoint");
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(whole[12..]);
        if (length != whole.Length - HeaderBytes - sizeof(uint))
        {
            throw DmtException.Corruption(objectName, 12, $"{whole.Length} bytes cannot hold a payload of {length}");
        }

        if (Crc32C.Compute(whole[..^sizeof(uint)]) != BinaryPrimitives.ReadUInt32LittleEndian(whole[^sizeof(uint)..]))
        {
            throw DmtException.Corruption(
                objectName, whole.Length - sizeof(uint), "the checksum of the checkpoint is wrong");
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(whole[8..]);
        if (version > Version)
        {
            throw DmtException.Unavailable(
                $"{objectName} was written by a newer DMT (checkpoint format {version}; "
                + $"this one reads up to {Version})");
        }

        var payload = new Payload(whole.Slice(HeaderBytes, length), objectName);
        var name = Encoding.ASCII.GetString(payload.Bytes());
        var createdAt = DateTimeOffset.FromUnixTimeMilliseconds((long)payload.Number());
        var manifests = new Manifest[payload.Count()];
        for (var i = 0; i < manifests.Length; i++)
        {
            manifests[i] = ManifestCodec.Decode(payload.Bytes(), objectName);
        }

        var clonedTo = version > 1 ? Encoding.ASCII.GetString(payload.Bytes()) : null;
        return manifests.Length > 0 && Checkpoint.NameOf(name) == objectName
            ? new Checkpoint(name, createdAt, manifests, clonedTo)
            : throw DmtException.Corruption(
                objectName, HeaderBytes, $"it says that it is \"{name}\" with {manifests.Length} shards");
    }

    private ref struct Payload(ReadOnlySpan<byte> bytes, string objectName)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _at;

        public ulong Number() =>
            Varint.TryRead(_bytes, ref _at, out var value)
                ? value
                : throw DmtException.Corruption(objectName, HeaderBytes + _at, "it ends early");

        /// <summary>A number of things that follow: never more than there are bytes left.</summary>
        public int Count()
        {
            var count = Number();
            return count <= (ulong)(_bytes.Length - _at)
                ? (int)count
                : throw DmtException.Corruption(objectName, HeaderBytes + _at, "it ends early");
        }

        public ReadOnlySpan<byte> Bytes()
        {
            var length = Count();
            _at += length;
            return _bytes[(_at - length).._at];
        }
    }
}
