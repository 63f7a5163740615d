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
        var offset = table.Index.BlockOffset(index);
        var stored =
            _buffer.AsSpan((int)(offset - table.Index.BlockOffset(_first)), table.Index.BlockLength(index)).ToArray();
        return BlockCodec.Load(stored, table.Info.Id.ObjectName, offset);
    }
}
