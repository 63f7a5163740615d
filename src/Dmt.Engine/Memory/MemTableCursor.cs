using Dmt.Core.Trie;
using Dmt.Engine.Reading;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Memory;

/// <summary>
/// Walks a memtable. For readers it shows of each key only the newest version as of a sequence number; for a flush,
/// upwards, all of them, newest first. Never needs to load. The caller keeps the memtable referenced.
/// </summary>
internal sealed unsafe class MemTableCursor : EntryCursor
{
    private readonly MemTable _table;
    private readonly RadixCursor _cursor;
    private readonly ulong _asOf;
    private readonly bool _reverse;
    private readonly bool _allVersions;
    private byte* _record;

    private MemTableCursor(MemTable table, ulong asOf, bool reverse, bool allVersions)
    {
        (_table, _asOf, _reverse, _allVersions) = (table, asOf, reverse, allVersions);
        _cursor = table.Tree.CreateCursor();
    }

    public override ReadOnlySpan<byte> Key => _cursor.Key;

    public override ReadOnlySpan<byte> Value => Current.Value;

    public override ReadOnlySpan<byte> Metadata => Current.Metadata;

    public override ulong Sequence => *(ulong*)(_record + 8);

    public override EntryKind Kind => Current.Kind;

    public override long ExpiresAtMs => Current.ExpiresAtMs;

    public override ulong SequenceMax => _table.SequenceMax;

    private new EntryData Current
    {
        get
        {
            var entry = default(EntryData);
            MemTable.Read(_record, ref entry);
            return entry;
        }
    }

    public static MemTableCursor ForReader(MemTable table, ulong asOf, bool reverse) =>
        new(table, asOf, reverse, false);

    /// <summary>The memtable must be frozen.</summary>
    public static MemTableCursor ForFlush(MemTable table) => new(table, ulong.MaxValue, false, true);

    public override bool Seek(ReadOnlySpan<byte> bound, bool unbounded = false)
    {
        if (!_reverse)
        {
            _cursor.Seek(bound);
        }
        else if (unbounded)
        {
            _cursor.SeekLast();
        }
        else
        {
            _cursor.SeekForPrev(bound);
            if (_cursor.IsValid && _cursor.Key.SequenceEqual(bound))
            {
                _cursor.MovePrev();
            }
        }

        FindVisible();
        return true;
    }

    public override bool Advance()
    {
        if (_allVersions && _table.Previous(_record) is var older && older != null)
        {
            _record = older;
            return true;
        }

        Step();
        FindVisible();
        return true;
    }

    public override ValueTask LoadAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public override void Dispose()
    {
        _cursor.Dispose();
        base.Dispose();
    }

    private void Step()
    {
        if (_reverse)
        {
            _cursor.MovePrev();
        }
        else
        {
            _cursor.MoveNext();
        }
    }

    private void FindVisible()
    {
        while (_cursor.IsValid)
        {
            _record = _table.FindVersion((uint)_cursor.Value, _asOf);
            if (_record != null)
            {
                Valid = true;
                return;
            }

            Step();
        }

        Valid = false;
    }
}
