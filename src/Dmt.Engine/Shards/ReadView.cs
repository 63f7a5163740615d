// What reads look at: the live memtable, the frozen ones, the tables. Immutable; a change makes a new view. A view
// holds a reference on each of its parts and lets go of them when it has been superseded and its last reader has left.
//
// Short reads (gets that find everything in memory) run under an epoch guard, which costs no shared write; everything
// that may await takes a reference. The shard retires its own reference through the epochs, so whoever saw the view
// under a guard can still take one.
using Dmt.Engine.Memory;
using Dmt.Engine.Reading;

namespace Dmt.Engine.Shards;

internal sealed class ReadView
{
    private int _references = 1;

    /// <param name="active">The live memtable.</param>
    /// <param name="frozen">Newest first.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="ownership">Which keys may be asked for: changes together with the tables.</param>
    public ReadView(MemTable active, MemTable[] frozen, TableSet tables, Ownership ownership)
    {
        (Active, Frozen, Tables, Ownership) = (active, frozen, tables, ownership);
        active.AddReference();
        tables.AddReference();
        foreach (var table in frozen)
        {
            table.AddReference();
        }
    }

    public MemTable Active { get; }

    public MemTable[] Frozen { get; }

    public TableSet Tables { get; }

    public Ownership Ownership { get; }

    public RangeDeletions RangeDeletions() => new(
    [
        .. Frozen.Prepend(Active).Select(static m => m.RangeTombstones).Where(static r => !r.IsEmpty),
        .. Tables.RangeTombstones,
    ]);

    public void AddReference() => Interlocked.Increment(ref _references);

    public void RemoveReference()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            Active.RemoveReference();
            Tables.RemoveReference();
            foreach (var table in Frozen)
            {
                table.RemoveReference();
            }
        }
    }
}
