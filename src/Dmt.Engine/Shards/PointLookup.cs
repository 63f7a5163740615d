// One get: sources from newest to oldest, the first version that is old enough decides. A source's range tombstone is
// newer than anything in older sources, so a covering one ends the search. Runs synchronously on what is in memory; a
// missing block is named, and the caller loads it and asks again.
using Dmt.Core.Hashing;
using Dmt.Engine.Memory;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal ref struct PointLookup
{
    private readonly ReadOnlySpan<byte> _key;
    private readonly ulong _asOf;
    private readonly List<LoadedBlock>? _loaded;
    private ulong _hash;
    private bool _hashed;

    /// <param name="key">The key.</param>
    /// <param name="asOf">Versions above this sequence number are not seen.</param>
    /// <param name="loaded">Blocks that the caller has loaded for this lookup: the cache may have dropped them
    /// already.</param>
    public PointLookup(ReadOnlySpan<byte> key, ulong asOf, List<LoadedBlock>? loaded)
    {
        _key = key;
        _asOf = asOf;
        _loaded = loaded;
        Entry.Key = key;
    }

    /// <summary>A block in the caller's hands.</summary>
    internal readonly record struct LoadedBlock(TableReader Table, int Index, Block Block);

    internal enum Result
    {
        Absent,

        /// <summary>There is a version: a put, expired perhaps, or a tombstone.</summary>
        Found,

        /// <summary><see cref="MissingTable"/>'s block <see cref="MissingBlock"/> must be loaded.</summary>
        NeedsBlock,
    }

    public EntryData Entry;

    public TableReader? MissingTable { get; private set; }

    public int MissingBlock { get; private set; }

    public Result Find(ReadView view)
    {
        if (FindIn(view.Active, out var result))
        {
            return result;
        }

        foreach (var frozen in view.Frozen)
        {
            if (FindIn(frozen, out result))
            {
                return result;
            }
        }

        foreach (var table in view.Tables.Levels[0])
        {
            if (table.Info.Covers(_key) && FindIn(table, out result))
            {
                return result;
            }
        }

        for (var level = 1; level < view.Tables.Levels.Length; level++)
        {
            var run = view.Tables.Levels[level];
            if (run.Length > 0 && FindInRun(run, out result))
            {
                return result;
            }
        }

        return Result.Absent;
    }

    private bool FindIn(MemTable table, out Result result)
    {
        var covering = table.RangeTombstoneCount == 0 ? 0 : table.RangeTombstones.CoveringSequence(_key, _asOf);
        var found = table.TryGet(_key, _asOf, ref Entry);
        return Decide(found, covering, out result);
    }

    private bool FindInRun(TableReader[] run, out Result result)
    {
        // The last table that begins at or before the key.
        int low = 0, high = run.Length;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (run[middle].Info.Smallest.AsSpan().SequenceCompareTo(_key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        result = Result.Absent;
        return low > 0 && run[low - 1].Info.Covers(_key) && FindIn(run[low - 1], out result);
    }

    private bool FindIn(TableReader table, out Result result)
    {
        var covering = table.RangeTombstones.IsEmpty ? 0 : table.RangeTombstones.CoveringSequence(_key, _asOf);
        var found = false;
        if (!_hashed)
        {
            (_hash, _hashed) = (XxHash64.Compute(_key), true);
        }

        if (_asOf >= table.Properties.SequenceBase && table.MayContain(_hash))
        {
            for (var index = table.Index.Find(_key); index < table.Index.Count; index++)
            {
                var block = table.TryGetBlock(index) ?? FindLoaded(table, index);
                if (block is null)
                {
                    (MissingTable, MissingBlock, result) = (table, index, Result.NeedsBlock);
                    return true;
                }

                var outcome = BlockSearch.Find(block, _key, _asOf - table.Properties.SequenceBase, ref Entry);
                if (outcome != BlockSearch.Outcome.PastEnd)
                {
                    found = outcome == BlockSearch.Outcome.Found;
                    Entry.Sequence += table.Properties.SequenceBase;
                    break;
                }
            }
        }

        return Decide(found, covering, out result);
    }

    /// <summary>True when the search is over.</summary>
    private readonly bool Decide(bool found, ulong covering, out Result result)
    {
        var deleted = covering > 0 && (!found || Entry.Sequence < covering);
        result = found && !deleted ? Result.Found : Result.Absent;
        return found || deleted;
    }

    private readonly Block? FindLoaded(TableReader table, int index)
    {
        if (_loaded is not null)
        {
            foreach (var loaded in _loaded)
            {
                if (ReferenceEquals(loaded.Table, table) && loaded.Index == index)
                {
                    return loaded.Block;
                }
            }
        }

        return null;
    }
}
