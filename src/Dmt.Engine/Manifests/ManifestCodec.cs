// The byte layout is docs/formats/manifest.md:
//
//   magic u64 | format version u32 | payload length u32 | payload | CRC-32C of all before, u32
//
// The payload is varints and length-prefixed bytes, in the order of Encode below. Behind the levels there may be
// sections, each a tag and bytes; a manifest without any is written in format 1, which every DMT reads.
using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Checksums;
using Dmt.Engine.Requests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Manifests;

internal static class ManifestCodec
{
    /// <summary>"DMTMANIF", read as a little-endian number.</summary>
    public const ulong Magic = 0x4649_4E41_4D54_4D44;

    public const uint Version = 2;

    /// <summary>The section of <see cref="Manifest.Origins"/> and the tables that are borrowed.</summary>
    private const ulong OriginsTag = 1;

    /// <summary>
    /// The section of shards: what was carved out, into whom it was merged, and the tables that others may share.
    /// </summary>
    private const ulong ShardsTag = 2;

    /// <summary>The section of <see cref="Manifest.Requests"/>.</summary>
    private const ulong RequestsTag = 3;

    private const ulong Exclusive = 1;
    private const ulong Cut = 2;
    private const ulong Shared = 4;

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

        var levelsEnd = to.WrittenCount;
        if (manifest.Origins.Count > 0)
        {
            Number(OriginsTag);
            Bytes(EncodeOrigins(manifest));
        }

        if (manifest.Carved.Count > 0 || manifest.MergedInto != 0
            || manifest.Levels.Any(static level => level.Any(static table => FlagsOf(table) != 0)))
        {
            Number(ShardsTag);
            Bytes(EncodeShards(manifest));
        }

        if (manifest.Requests.Count > 0)
        {
            Number(RequestsTag);
            Bytes(RequestCodec.Encode(manifest.Requests));
        }

        var length = to.WrittenCount;
        var whole = new byte[length + sizeof(uint)];
        to.WrittenSpan.CopyTo(whole);
        BinaryPrimitives.WriteUInt64LittleEndian(whole, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), length == levelsEnd ? 1 : Version);
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
            Number(table.LargestUnbounded ? 1u : 0);
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

    private static ulong FlagsOf(TableInfo table) => (table.LargestExclusive ? Exclusive : 0)
        | (table.IsCut ? Cut : 0) | (table.IsShared ? Shared : 0);

    /// <summary>
    /// What was carved out, the shard that this one was merged into, then each table with a flag: its place among all
    /// tables of the manifest, its flags, and of a cut one the bytes that are left.
    /// </summary>
    private static ReadOnlySpan<byte> EncodeShards(Manifest manifest)
    {
        var to = new ArrayBufferWriter<byte>(256);
        Number((ulong)manifest.Carved.Count);
        foreach (var carved in manifest.Carved)
        {
            Number(carved.Shard);
            Number((ulong)carved.Prefix.Length);
            to.Write(carved.Prefix);
        }

        Number(manifest.MergedInto);
        var tables = manifest.Levels.SelectMany(static level => level).ToList();
        Number((ulong)tables.Count(static table => FlagsOf(table) != 0));
        for (var i = 0; i < tables.Count; i++)
        {
            if (FlagsOf(tables[i]) is > 0 and var flags)
            {
                Number((ulong)i);
                Number(flags);
                if (tables[i].IsCut)
                {
                    Number((ulong)tables[i].CutBytes);
                }
            }
        }

        return to.WrittenSpan;

        void Number(ulong value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));
    }

    /// <summary>
    /// The origins, then each borrowed table: its place among all tables of the manifest, and that of its origin.
    /// </summary>
    private static ReadOnlySpan<byte> EncodeOrigins(Manifest manifest)
    {
        var to = new ArrayBufferWriter<byte>(256);
        var origins = manifest.Origins.ToList();
        Number(origins.Count);
        foreach (var origin in origins)
        {
            Text(origin.Root);
            Text(origin.Pin);
        }

        var tables = manifest.Levels.SelectMany(static level => level).ToList();
        Number(tables.Count(static table => table.Origin is not null));
        for (var i = 0; i < tables.Count; i++)
        {
            if (tables[i].Origin is { } origin)
            {
                Number(i);
                Number(origins.IndexOf(origin) is >= 0 and var at ? at : throw new InvalidOperationException(
                    $"{tables[i].Name} is borrowed and {manifest.ObjectName} does not have its origin"));
            }
        }

        return to.WrittenSpan;

        void Number(int value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), (ulong)value));

        void Text(string text)
        {
            Number(text.Length);
            to.Write(Encoding.ASCII.GetBytes(text));
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

        return new Payload(whole.Slice(HeaderBytes, length), objectName).Read();
    }

    private ref struct Payload(ReadOnlySpan<byte> bytes, string objectName)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _at;

        public Manifest Read()
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

            var levels = new TableInfo[Count()][];
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

            manifest = manifest with { LogRanges = ranges, Levels = levels };
            while (_at < _bytes.Length)
            {
                var tag = Number();
                var bytes = Bytes();
                var section = new Payload(bytes, objectName);
                manifest = tag == OriginsTag ? manifest with { Origins = section.Origins(levels) }
                    : tag == ShardsTag ? section.Shards(manifest, levels)
                    : tag == RequestsTag ? manifest with { Requests = RequestCodec.Decode(bytes, objectName) }
                    : throw DmtException.Unavailable(
                        $"{objectName} was written by a newer DMT (it has a section {tag}, which this one does not "
                            + "know)");
            }

            return manifest;
        }

        /// <summary>The section of shards; marks the tables that are cut or shared.</summary>
        private Manifest Shards(Manifest manifest, TableInfo[][] levels)
        {
            var carved = new CarvedShard[Count()];
            for (var i = 0; i < carved.Length; i++)
            {
                carved[i] = new CarvedShard((uint)Number(), Bytes());
            }

            var mergedInto = (uint)Number();
            for (var left = Count(); left > 0; left--)
            {
                var (level, index) = Place(levels, Number());
                var flags = Number();
                levels[level][index] = levels[level][index] with
                {
                    LargestExclusive = (flags & Exclusive) != 0,
                    IsCut = (flags & Cut) != 0,
                    IsShared = (flags & Shared) != 0,
                    CutBytes = (flags & Cut) != 0 ? (long)Number() : 0,
                };
            }

            return manifest with { Carved = carved, MergedInto = mergedInto };
        }

        /// <summary>Where a table lies, given its place among all.</summary>
        private (int Level, int Index) Place(TableInfo[][] levels, ulong table)
        {
            for (var level = 0; level < levels.Length; level++)
            {
                if (table < (ulong)levels[level].Length)
                {
                    return (level, (int)table);
                }

                table -= (ulong)levels[level].Length;
            }

            throw Damaged("a section names a table that is not there");
        }

        /// <summary>The section of origins; marks the tables that are borrowed.</summary>
        private Origin[] Origins(TableInfo[][] levels)
        {
            var origins = new Origin[Count()];
            for (var i = 0; i < origins.Length; i++)
            {
                origins[i] = new Origin(Encoding.ASCII.GetString(Bytes()), Encoding.ASCII.GetString(Bytes()));
            }

            for (var left = Count(); left > 0; left--)
            {
                var (level, index) = Place(levels, Number());
                var origin = Number();
                levels[level][index] = origin < (ulong)origins.Length
                    ? levels[level][index] with { Origin = origins[origin] }
                    : throw Damaged("the origin of a borrowed table is not there");
            }

            return origins;
        }

        private TableInfo Table() => new()
        {
            Id = new TableId((uint)Number(), Number(), Number()),
            Length = (long)Number(),
            TailOffset = (long)Number(),
            Smallest = Bytes(),
            Largest = Bytes(),
            LargestUnbounded = Number() != 0,
            SequenceMin = Number(),
            SequenceMax = Number(),
            Entries = (long)Number(),
            Tombstones = (long)Number(),
            RangeTombstones = (long)Number(),
        };

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
