using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <summary>
/// The tables of a shard as of one manifest. Immutable; keeps its tables open until the last reference on it is gone.
/// </summary>
internal sealed class TableSet
{
    private int _references = 1;

    /// <param name="levels">Level 0 newest first, the others in key order.</param>
    public TableSet(TableReader[][] levels)
    {
        Levels = levels;
        RangeTombstones =
        [
            .. levels.SelectMany(static level => level)
                .Select(static table => table.RangeTombstones)
                .Where(static set => !set.IsEmpty),
        ];
        foreach (var table in levels.SelectMany(static level => level))
        {
            table.AddReference();
        }
    }

    public TableReader[][] Levels { get; }

    /// <summary>Those of all tables that have any.</summary>
    public RangeTombstoneSet[] RangeTombstones { get; }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void RemoveReference()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            foreach (var table in Levels.SelectMany(static level => level))
            {
                table.RemoveReference();
            }
        }
    }
}
