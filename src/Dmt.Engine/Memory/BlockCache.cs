// Which blocks stay in memory. The blocks sit in their tables' slots; the cache only decides when a slot is emptied: by
// the clock algorithm (second chance), an approximation of least recent use that costs a hit one flag. A hit takes no
// lock; only loading a block does.
//
// Invariants: _bytes is the sum of MemoryBytes over occupied slots (checked by tests); each ring entry names one
// occupied slot or one that its table has been told to forget; the hand empties slots until the sum is within the
// capacity.
using Dmt.Engine.Tables;

namespace Dmt.Engine.Memory;

internal sealed class BlockCache(MemoryBudget budget)
{
    private readonly Lock _lock = new(); // guards the ring, the hand and changes of slots
    private readonly List<(TableReader Table, int Index, Block Block)> _ring = [];
    private int _hand;
    private long _bytes;
    private long _loads;
    private long _evictions;

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Blocks loaded so far: cache misses.</summary>
    public long Loads => Volatile.Read(ref _loads);

    public long Evictions => Volatile.Read(ref _evictions);

    public void Add(TableReader table, int index, Block block)
    {
        lock (_lock)
        {
            _loads++;
            if (table.PeekSlot(index) is not null)
            {
                return; // two readers missed the same block: the first one's copy stays
            }

            _ = table.ExchangeSlot(index, block);
            block.Touched = true;
            _ring.Add((table, index, block));
            Volatile.Write(ref _bytes, _bytes + block.MemoryBytes);
            Evict(budget.BlockCacheBytesMax);
        }
    }

    /// <summary>Makes room after the budget has shrunk.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            Evict(budget.BlockCacheBytesMax);
        }
    }

    /// <summary>
    /// Drops all blocks of a table that nobody uses any more. Its ring entries go when the hand comes by.
    /// </summary>
    public void Forget(TableReader table, int slots)
    {
        lock (_lock)
        {
            for (var i = 0; i < slots; i++)
            {
                if (table.ExchangeSlot(i, null) is { } block)
                {
                    Volatile.Write(ref _bytes, _bytes - block.MemoryBytes);
                }
            }
        }

        Sweep();
    }

    /// <summary>
    /// Takes ring entries of forgotten slots out once they are many, so that they do not keep blocks alive.
    /// </summary>
    private void Sweep()
    {
        lock (_lock)
        {
            _ring.RemoveAll(static entry => !ReferenceEquals(entry.Table.PeekSlot(entry.Index), entry.Block));
            _hand = 0;
        }
    }

    private void Evict(long capacity)
    {
        while (_bytes > capacity && _ring.Count > 0)
        {
            _hand = _hand >= _ring.Count ? 0 : _hand;
            var (table, index, block) = _ring[_hand];
            if (ReferenceEquals(table.PeekSlot(index), block))
            {
                if (block.Touched)
                {
                    block.Touched = false;
                    _hand++;
                    continue;
                }

                _ = table.ExchangeSlot(index, null);
                Volatile.Write(ref _bytes, _bytes - block.MemoryBytes);
                Volatile.Write(ref _evictions, _evictions + 1);
            }

            _ring[_hand] = _ring[^1];
            _ring.RemoveAt(_ring.Count - 1);
        }
    }
}
