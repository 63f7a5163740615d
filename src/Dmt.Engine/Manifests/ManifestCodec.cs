// The byte layout is docs/formats/manifest.md:
//
//   magic u64 | format version u32 | payload length u32 | payload | CRC-32C of all before, u32
//
// The payload is varints and length-prefixed bytes, in the order of Encode below.
using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Checksums;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Manifests;

internal static class ManifestCodec
{
    /// <summary>"DMTMANIF", read as a little-endian number.</summary>
    public const ulong Magic = 0x4649_4E41_4D54_4D44;

    /// <summary>The newest format, for shards that were cut out of others, or had others cut out.</summary>
    public const uint Version = 2;

    private const ulong Unbounded = 1;
    private const ulong Exclusive = 2;
    private const ulong Cut = 4;
    private const ulong Shared = 8;

    private const int HeaderBytes = 16;

    public static byte[] Encode(Manifest manifest)
    {
        var to = new ArrayBufferWriter<byte>(4096);
        to.GetSpan(HeaderBytes)[..HeaderBytes].Clear();
        to.Advance(HeaderBytes);
        Number(manifest.Shard);
        Number((ulong)manifest.Number);
        Number(manifest.Epoch);
        Bytes(Encoding.UTF8.GetBytes(manifest.Incarnation));
        Number(manifest.ClosedCleanly ? 1u : 0);
        Number(manifest.FlushedSequence);
        Bytes(manifest.Prefix);
        Number((ulong)manifest.LogRanges.Count);
        foreach (var range in manifest.LogRanges)
        {
            Bytes(Encoding.UTF8.GetBytes(range.Incarnation));
            Number((ulong)range.From);
        }

        Number((ulong)manifest.Levels.Count);
        foreach (var level in manifest.Levels)
        {
            Number((ulong)level.Count);
            foreach (var table in level)
            {
                EncodeTable(table);
            }
        }

        // What nothing new is used in stays readable for an older DMT.
        var isNew = manifest.Carved.Count > 0 || manifest.MergedInto != 0
            || manifest.Levels.Any(static level => level.Any(static table => table.IsCut || table.IsShared));
        if (isNew)
        {
            Number((ulong)manifest.Carved.Count);
            foreach (var carved in manifest.Carved)
            {
                Number(carved.Shard);
                Bytes(carved.Prefix);
            }

            Number(manifest.MergedInto);
        }

        var length = to.WrittenCount;
        var whole = new byte[length + sizeof(uint)];
        to.WrittenSpan.CopyTo(whole);
        BinaryPrimitives.WriteUInt64LittleEndian(whole, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), isNew ? Version : 1);
        BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(12), length - HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(length), Crc32C.Compute(whole.AsSpan(0, length)));
        return whole;

        void EncodeTable(TableInfo table)
        {
            Number(table.Id.Shard);
            Number(table.Id.Epoch);
            Number(table.Id.Number);
            Number((ulong)table.Length);
            Number((ulong)table.TailOffset);
            Bytes(table.Smallest);
            Bytes(table.Largest);
            Number((table.LargestUnbounded ? Unbounded : 0) | (table.LargestExclusive ? Exclusive : 0)
                | (table.IsCut ? Cut : 0) | (table.IsShared ? Shared : 0));
            if (table.IsCut)
            {
                Number((ulong)table.CutBytes);
            }

            Number(table.SequenceMin);
            Number(table.SequenceMax);
            Number((ulong)table.Entries);
            Number((ulong)table.Tombstones);
            Number((ulong)table.RangeTombstones);
        }

        void Number(ulong value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));

        void Bytes(ReadOnlySpan<byte> bytes)
        {
            Number((ulong)bytes.Length);
            to.Write(bytes);
        }
    }

    /// <exception cref="DmtException">Corruption, or Unavailable where a newer DMT wrote it.</exception>
    public static Manifest Decode(ReadOnlySpan<byte> whole, string objectName)
    {
        if (whole.Length < HeaderBytes + sizeof(uint) || BinaryPrimitives.ReadUInt64LittleEndian(whole) != Magic)
        {
            throw DmtException.Corruption(objectName, 0, "it does not begin as a manifest");
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(whole[12..]);
        if (length != whole.Length - HeaderBytes - sizeof(uint))
        {
            throw DmtException.Corruption(objectName, 12, $"{whole.Length} bytes cannot hold a payload of {length}");
        }

        if (Crc32C.Compute(whole[..^sizeof(uint)]) != BinaryPrimitives.ReadUInt32LittleEndian(whole[^sizeof(uint)..]))
        {
            throw DmtException.Corruption(
                objectName, whole.Length - sizeof(uint), "the checksum of the manifest is wrong");
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(whole[8..]);
        if (version > Version)
        {
            throw DmtException.Unavailable(
                $"{objectName} was written by a newer DMT (manifest format {version}; this one reads up to {Version})");
        }

        return new Payload(whole.Slice(HeaderBytes, length), objectName).Read(version);
    }

    private ref struct Payload(ReadOnlySpan<byte> bytes, string objectName)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _at;

        public Manifest Read(uint version)
        {
            var manifest = new Manifest
            {
                Shard = (uint)Number(),
                Number = (long)Number(),
                Epoch = Number(),
                Incarnation = Encoding.UTF8.GetString(Bytes()),
                ClosedCleanly = Number() != 0,
                FlushedSequence = Number(),
                Prefix = Bytes(),
            };
            var ranges = new LogRange[Count()];
            for (var i = 0; i < ranges.Length; i++)
            {
                ranges[i] = new LogRange(Encoding.UTF8.GetString(Bytes()), (long)Number());
            }

            var levels = new IReadOnlyList<TableInfo>[Count()];
            if (levels.Length != Manifest.LevelCount)
            {
                throw Damaged($"it has {levels.Length} levels");
            }

            for (var level = 0; level < levels.Length; level++)
            {
                var tables = new TableInfo[Count()];
                for (var i = 0; i < tables.Length; i++)
                {
                    tables[i] = Table();
                }

                levels[level] = tables;
            }

            var carved = new CarvedShard[version > 1 ? Count() : 0];
            for (var i = 0; i < carved.Length; i++)
            {
                carved[i] = new CarvedShard((uint)Number(), Bytes());
            }

            return manifest with
            {
                LogRanges = ranges,
                Levels = levels,
                Carved = carved,
                MergedInto = version > 1 ? (uint)Number() : 0,
            };
        }

        private TableInfo Table()
        {
            var id = new TableId((uint)Number(), Number(), Number());
            var (length, tailOffset) = ((long)Number(), (long)Number());
            var (smallest, largest, flags) = (Bytes(), Bytes(), Number());
            return new TableInfo
            {
                Id = id,
                Length = length,
                TailOffset = tailOffset,
                Smallest = smallest,
                Largest = largest,
                LargestUnbounded = (flags & Unbounded) != 0,
                LargestExclusive = (flags & Exclusive) != 0,
                IsCut = (flags & Cut) != 0,
                IsShared = (flags & Shared) != 0,
                CutBytes = (flags & Cut) != 0 ? (long)Number() : 0,
                SequenceMin = Number(),
                SequenceMax = Number(),
                Entries = (long)Number(),
                Tombstones = (long)Number(),
                RangeTombstones = (long)Number(),
            };
        }

        private ulong Number() =>
            Varint.TryRead(_bytes, ref _at, out var value) ? value : throw Damaged("it ends early");

        /// <summary>A number of things that follow: never more than there are bytes left.</summary>
        private int Count()
        {
            var count = Number();
            return count <= (ulong)(_bytes.Length - _at) ? (int)count : throw Damaged("it ends early");
        }

        private byte[] Bytes()
        {
            var length = Count();
            _at += length;
            return _bytes[(_at - length).._at].ToArray();
        }

        private readonly DmtException Damaged(string what) =>
            DmtException.Corruption(objectName, HeaderBytes + _at, what);
    }
}
