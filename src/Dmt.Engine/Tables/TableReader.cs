// Answers for one table. Filter, index and range tombstones are in memory; data blocks come and go, each in a slot of
// its own, so that finding a cached block is one array access. All questions are answered synchronously from what is in
// memory; where a block is missing the answer is "load this one and ask again", and only LoadAsync does I/O. So the
// search code exists once, and never blocks.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Core.Diagnostics;
using Dmt.Core.Hashing;
using Dmt.Core.Keys;
using Dmt.Engine.Checksums;
using Dmt.Engine.Memory;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tables;

internal sealed class TableReader
{
    private readonly IObjectReader _reader;
    private readonly BlockCache _cache;
    private readonly byte[] _filter;
    private readonly Block?[] _slots;
    private int _references = 1;

    private TableReader(
        TableInfo info,
        IObjectReader reader,
        BlockCache cache,
        byte[] filter,
        TableIndex index,
        RangeTombstoneSet ranges,
        TableProperties properties)
    {
        (Info, _reader, _cache, _filter, Index, Properties) = (info, reader, cache, filter, index, properties);
        RangeTombstones = info.IsCut ? ranges.Within(info.Bounds) : ranges;
        _slots = new Block?[index.Count];
    }

    public TableInfo Info { get; }

    public TableIndex Index { get; }

    public RangeTombstoneSet RangeTombstones { get; }

    public TableProperties Properties { get; }

    /// <summary>No manifest names it any more: it is deleted once nothing refers to it.</summary>
    public bool IsObsolete { get; set; }

    /// <summary>Called once nothing refers to the table any more.</summary>
    public Action<TableReader>? Released { get; set; }

    /// <summary>
    /// Reading it may take a while: its store says so, or did not complete synchronously, as local ones do.
    /// </summary>
    public bool IsRemote { get; private init; }

    /// <summary>Memory that the table takes while open, cached blocks apart.</summary>
    public long MemoryBytes => _filter.Length + Index.MemoryBytes + (_slots.Length * 8L);

    public static async ValueTask<TableReader> OpenAsync(
        IObjectStore objects, TableInfo info, BlockCache cache, CancellationToken cancellationToken)
    {
        var name = info.Id.ObjectName;
        var tailLength = info.Length - info.TailOffset;
        if (tailLength is < TableFormat.FooterBytes + (4 * TableFormat.SectionTrailerBytes) or > int.MaxValue / 2)
        {
            throw DmtException.Corruption(name, info.TailOffset, $"a tail of {tailLength} bytes cannot be");
        }

        var reader = objects.OpenRead(name, info.Length);
        try
        {
            var tail = GC.AllocateUninitializedArray<byte>((int)tailLength);
            var reading = reader.ReadAsync(info.TailOffset, tail, cancellationToken);
            var isRemote = reader.MayBeRemote || !reading.IsCompleted;
            await reading.ConfigureAwait(false);
            return Parse(info, reader, cache, tail, isRemote);
        }
        catch (Exception e)
        {
            if (e is DmtException { Kind: DmtErrorKind.Corruption })
            {
                reader.Forget(info.TailOffset, tailLength);
            }

            await reader.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// A reader of another part of the same object: filter and index are shared, cached blocks are not. The caller has
    /// its first reference.
    /// </summary>
    public TableReader Cut(IObjectStore objects, TableInfo part) =>
        new(part, objects.OpenRead(
            part.Id.ObjectName, part.Length), _cache, _filter, Index, RangeTombstones, Properties)
        {
            IsRemote = IsRemote,
        };

    /// <summary>About how many bytes of blocks hold keys of the range.</summary>
    public long BytesIn(KeyRange range)
    {
        if (Index.Count == 0)
        {
            return 0;
        }

        var first = Math.Min(Index.Find(range.Start.Span), Index.Count - 1);
        var last = range.End is { } end ? Math.Min(Index.Find(end.Span), Index.Count - 1) : Index.Count - 1;
        return Index.BlockOffset(last) + Index.BlockLength(last) - Index.BlockOffset(first);
    }

    /// <summary>False when the table certainly has no version of the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MayContain(ulong keyHash) => _filter.Length == 0 || SplitBlockBloomFilter.MayContain(_filter, keyHash);

    /// <summary>False when the table certainly has no key with the prefix. Range tombstones are not asked.</summary>
    public bool MayContainPrefix(ReadOnlySpan<byte> prefix) =>
        Properties.FilterPrefixLength == 0 || prefix.Length < Properties.FilterPrefixLength || _filter.Length == 0
        || SplitBlockBloomFilter.MayContain(_filter, XxHash64.Compute(prefix[..Properties.FilterPrefixLength]));

    /// <summary>The block if it is in memory; null means: <see cref="LoadAsync"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Block? TryGetBlock(int index)
    {
        var block = Volatile.Read(ref _slots[index]);
        if (block is { Touched: false })
        {
            block.Touched = true;
        }

        return block;
    }

    /// <summary>Reads a block, verifies it and puts it into the cache.</summary>
    public async ValueTask<Block> LoadAsync(int index, CancellationToken cancellationToken)
    {
        using var span = StartLoad(1);
        try
        {
            var stored = GC.AllocateUninitializedArray<byte>(Index.BlockLength(index));
            var offset = Index.BlockOffset(index);
            await _reader.ReadAsync(offset, stored, cancellationToken).ConfigureAwait(false);
            var block = Verify(stored, index, offset, stored.Length);
            _cache.Add(this, index, block);
            return block;
        }
        catch (Exception e) when (span.Failed(e))
        {
            throw;
        }
    }

    /// <summary>Reads neighbouring blocks at once, verifies them and puts them into the cache.</summary>
    public async ValueTask<Block[]> LoadManyAsync(int first, int count, CancellationToken cancellationToken)
    {
        using var span = StartLoad(count);
        var start = Index.BlockOffset(first);
        var stored = GC.AllocateUninitializedArray<byte>((int)(Index.BlockOffset(first + count) - start));
        await _reader.ReadAsync(start, stored, cancellationToken).ConfigureAwait(false);
        var blocks = new Block[count];
        for (var i = 0; i < count; i++)
        {
            var offset = Index.BlockOffset(first + i);
            var own = stored.AsSpan((int)(offset - start), Index.BlockLength(first + i)).ToArray();
            blocks[i] = Verify(own, first + i, start, stored.Length);
            _cache.Add(this, first + i, blocks[i]);
        }

        return blocks;
    }

    private Activity? StartLoad(int blocks) => EngineSpans.Start("dmt.blocks.load")
        ?.SetTag("dmt.table", Info.Name).SetTag("dmt.blocks", blocks);

    /// <summary>Reads stored bytes of neighbouring blocks at once, past the cache; for compaction.</summary>
    public ValueTask ReadStoredAsync(int firstBlock, Memory<byte> buffer, CancellationToken cancellationToken) =>
        _reader.ReadOnceAsync(Index.BlockOffset(firstBlock), buffer, cancellationToken);

    /// <summary>Makes a block of its stored bytes.</summary>
    /// <param name="stored">The bytes.</param>
    /// <param name="index">The block's number.</param>
    /// <param name="readOffset">Where the read began that brought them.</param>
    /// <param name="readLength">How much it brought.</param>
    /// <exception cref="DmtException">
    /// Corruption. A cache on disk does not give again what the read brought: it may all be damaged.
    /// </exception>
    public Block Verify(byte[] stored, int index, long readOffset, int readLength)
    {
        try
        {
            return BlockCodec.Load(stored, Info.Name, Index.BlockOffset(index));
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
        {
            _reader.Forget(readOffset, readLength);
            throw;
        }
    }

    /// <summary>For the cache only: fills or empties a slot; returns what was in it.</summary>
    internal Block? ExchangeSlot(int index, Block? block) => Interlocked.Exchange(ref _slots[index], block);

    /// <summary>For the cache only.</summary>
    internal Block? PeekSlot(int index) => Volatile.Read(ref _slots[index]);

    /// <summary>Keeps the table open; fails only by a bug.</summary>
    public void AddReference() => Interlocked.Increment(ref _references);

    public void RemoveReference()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            _cache.Forget(this, _slots.Length);
            Released?.Invoke(this);
        }
    }

    /// <summary>Nothing will read the table any more: a cache on disk has better use for the place.</summary>
    public void ForgetStored() => _reader.Forget(0, Info.Length);

    /// <summary>Closes the object. For whoever handles <see cref="Released"/>.</summary>
    public ValueTask CloseAsync() => _reader.DisposeAsync();

    private static TableReader Parse(
        TableInfo info, IObjectReader reader, BlockCache cache, byte[] tail, bool isRemote)
    {
        var name = info.Name;
        var footerOffset = info.Length - TableFormat.FooterBytes;
        var footer = TableFormat.Footer.Read(tail.AsSpan(^TableFormat.FooterBytes..), name, footerOffset);
        if (footer.Filter != info.TailOffset)
        {
            throw DmtException.Corruption(
                name, footerOffset, $"the tail begins at {footer.Filter}, the manifest says {info.TailOffset}");
        }

        var filter = Section(footer.Filter, footer.Index).ToArray();
        var index = TableIndex.Parse(Section(footer.Index, footer.RangeTombstones), footer.Filter, name, footer.Index);
        var ranges =
            ReadRangeTombstones(Section(footer.RangeTombstones, footer.Properties), name, footer.RangeTombstones);
        var properties = TableProperties.Parse(Section(footer.Properties, footerOffset), name, footer.Properties);
        if (filter.Length % SplitBlockBloomFilter.BlockBytes != 0)
        {
            throw DmtException.Corruption(name, footer.Filter, $"a filter of {filter.Length} bytes cannot be");
        }

        return new TableReader(info, reader, cache, filter, index, RangeTombstoneSet.Build(ranges), properties)
        {
            IsRemote = isRemote,
        };

        ReadOnlySpan<byte> Section(long from, long to)
        {
            var bytes = tail.AsSpan((int)(from - info.TailOffset), (int)(to - from));
            if (bytes.Length < TableFormat.SectionTrailerBytes
                || Crc32C.Compute(bytes[..^TableFormat.SectionTrailerBytes])
                    != BinaryPrimitives.ReadUInt32LittleEndian(bytes[^TableFormat.SectionTrailerBytes..]))
            {
                throw DmtException.Corruption(name, from, "the checksum of a section is wrong");
            }

            return bytes[..^TableFormat.SectionTrailerBytes];
        }
    }

    /// <summary>Reads the section of range tombstones.</summary>
    /// <exception cref="DmtException">Corruption.</exception>
    internal static List<RangeTombstone> ReadRangeTombstones(ReadOnlySpan<byte> section, string name, long offset)
    {
        var at = 0;
        var tombstones = new List<RangeTombstone>();
        for (var left = ReadNumber(section); left > 0; left--)
        {
            var start = ReadBytes(section, ReadNumber(section));
            var endLength = ReadNumber(section);
            var end = endLength == 0 ? null : ReadBytes(section, endLength - 1);
            tombstones.Add(new RangeTombstone(start, end, ReadNumber(section)));
        }

        return tombstones;

        ulong ReadNumber(ReadOnlySpan<byte> from) =>
            Varint.TryRead(from, ref at, out var number) ? number : throw Damaged();

        byte[] ReadBytes(ReadOnlySpan<byte> from, ulong length)
        {
            if (length > (ulong)(from.Length - at))
            {
                throw Damaged();
            }

            at += (int)length;
            return from[(at - (int)length)..at].ToArray();
        }

        DmtException Damaged() => DmtException.Corruption(name, offset, "the range tombstones end early");
    }
}
