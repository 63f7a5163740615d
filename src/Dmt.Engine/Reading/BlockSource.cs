using Dmt.Engine.Tables;

namespace Dmt.Engine.Reading;

/// <summary>Where a run cursor gets its blocks from.</summary>
internal abstract class BlockSource
{
    /// <summary>The block if it is at hand.</summary>
    public abstract Block? TryGet(TableReader table, int index);

    public abstract ValueTask<Block> LoadAsync(TableReader table, int index, CancellationToken cancellationToken);
}

/// <summary>Through the block cache; for readers.</summary>
internal sealed class CachedBlocks : BlockSource
{
    public static readonly CachedBlocks Instance = new();

    public override Block? TryGet(TableReader table, int index) => table.TryGetBlock(index);

    public override ValueTask<Block> LoadAsync(TableReader table, int index, CancellationToken cancellationToken) =>
        table.LoadAsync(index, cancellationToken);
}

/// <summary>
/// Through the cache, several neighbouring blocks with one read, more each time as long as they are read in order; for
/// readers of tables that are far away, where a request costs more than the bytes that it brings. One for each cursor.
/// </summary>
internal sealed class ReadAheadBlocks(bool reverse) : BlockSource
{
    /// <summary>Some hundred small entries: a short scan takes one round trip.</summary>
    private const int ReadBytesFirst = 32 << 10;
    private const int ReadBytesMax = 1 << 20;

    private TableReader? _table;
    private Block[] _blocks = []; // kept here as well: a small cache drops some before they are asked for
    private int _first;
    private int _readBytes = ReadBytesFirst;

    public static BlockSource For(TableReader[] tables, bool reverse) =>
        Array.Exists(tables, static table => table.IsRemote) ? new ReadAheadBlocks(reverse) : CachedBlocks.Instance;

    public override Block? TryGet(TableReader table, int index) => table.TryGetBlock(index)
        ?? (ReferenceEquals(table, _table) && (uint)(index - _first) < (uint)_blocks.Length
            ? _blocks[index - _first]
            : null);

    public override async ValueTask<Block> LoadAsync(TableReader table, int index, CancellationToken cancellationToken)
    {
        if (_blocks.Length > 0)
        {
            var isNext = ReferenceEquals(table, _table) && index == (reverse ? _first - 1 : _first + _blocks.Length);
            _readBytes = isNext ? Math.Min(_readBytes * 2, ReadBytesMax) : ReadBytesFirst;
        }

        var last = index;
        var length = table.Index.BlockLength(index);
        for (var next = Next(last); (uint)next < (uint)table.Index.Count; next = Next(last))
        {
            length += table.Index.BlockLength(next);
            if (length > _readBytes || table.TryGetBlock(next) is not null)
            {
                break;
            }

            last = next;
        }

        var first = Math.Min(index, last);
        var blocks =
            await table.LoadManyAsync(first, Math.Abs(last - index) + 1, cancellationToken).ConfigureAwait(false);
        (_table, _first, _blocks) = (table, first, blocks);
        return blocks[index - first];
    }

    private int Next(int index) => reverse ? index - 1 : index + 1;
}

/// <summary>
/// Past the cache, many neighbouring blocks with one read; for compaction, which sees each block once. One for each
/// cursor.
/// </summary>
internal sealed class SequentialBlocks : BlockSource
{
    private const int ReadBytes = 1 << 20;

    private TableReader? _table;
    private byte[] _buffer = [];
    private int _first;
    private int _count;

    public override Block? TryGet(TableReader table, int index) =>
        ReferenceEquals(table, _table) && index >= _first && index < _first + _count ? Cut(table, index) : null;

    public override async ValueTask<Block> LoadAsync(TableReader table, int index, CancellationToken cancellationToken)
    {
        var length = 0;
        var count = 0;
        while (index + count < table.Index.Count
            && (count == 0 || length + table.Index.BlockLength(index + count) <= ReadBytes))
        {
            length += table.Index.BlockLength(index + count++);
        }

        if (_buffer.Length < length)
        {
            var likely = (int)Math.Min(ReadBytes, table.Info.TailOffset);
            _buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, likely));
        }

        (_table, _first, _count) = (null, index, count);
        await table.ReadStoredAsync(index, _buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        _table = table;
        return Cut(table, index);
    }

    private Block Cut(TableReader table, int index)
    {
        var start = table.Index.BlockOffset(_first);
        var length = (int)(table.Index.BlockOffset(_first + _count) - start);
        var stored =
            _buffer.AsSpan((int)(table.Index.BlockOffset(index) - start), table.Index.BlockLength(index)).ToArray();
        return table.Verify(stored, index, start, length);
    }
}
