// Walks one run: tables in key order that do not overlap. Its place is (table, block, entry in the block); whenever
// that leads to another block it is asked from the block source, and a step that finds it missing stops there,
// remembering in _goal what it wanted to do in it.
using Dmt.Engine.Tables;

namespace Dmt.Engine.Reading;

internal sealed class RunCursor : EntryCursor
{
    private readonly TableReader[] _tables;
    private readonly bool _reverse;
    private readonly BlockSource _source;
    // One byte longer than a key: the bound just above a key is that key and a zero byte.
    private readonly byte[] _bound = new byte[Core.Keys.Key.BytesMax + 1];
    private int _boundLength;
    private int _table;
    private int _blockIndex;
    private Goal _goal;
    private bool _isCut; // of the present table only a part counts
    private BlockCursor _block = new();
    private ulong _sequenceBase;

    /// <param name="tables">In key order, not overlapping; the caller keeps them open.</param>
    /// <param name="reverse">Keys down.</param>
    /// <param name="source">Where blocks come from.</param>
    public RunCursor(TableReader[] tables, bool reverse, BlockSource source)
    {
        (_tables, _reverse, _source) = (tables, reverse, source);
        foreach (var table in tables)
        {
            SequenceMax = Math.Max(SequenceMax, table.Info.SequenceMax);
        }
    }

    private enum Goal
    {
        First,
        Last,
        NotLowerThanBound,
        LowerThanBound,
    }

    public override ReadOnlySpan<byte> Key => _block.Key;

    public override ReadOnlySpan<byte> Value => _block.Value;

    public override ReadOnlySpan<byte> Metadata => _block.Metadata;

    public override ulong Sequence => _sequenceBase + _block.SequenceDelta;

    public override EntryKind Kind => _block.Kind;

    public override long ExpiresAtMs => _block.ExpiresAtMs;

    public override ulong SequenceMax { get; }

    public override bool Seek(ReadOnlySpan<byte> bound, bool unbounded = false)
    {
        bound.CopyTo(_bound);
        _boundLength = bound.Length;
        if (_reverse)
        {
            _table = unbounded ? _tables.Length - 1 : LastTableStartingBelow(bound);
            _goal = unbounded ? Goal.Last : Goal.LowerThanBound;
        }
        else
        {
            _table = FirstTableReaching(bound);
            _goal = Goal.NotLowerThanBound;
        }

        EnterTable();
        return Position(null);
    }

    public override bool Advance()
    {
        if (_reverse ? _block.MovePrevious() : _block.MoveNext())
        {
            return !_isCut || IsInside() || LeaveTable();
        }

        StepBlock();
        return Position(null);
    }

    public override async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        bool done;
        do
        {
            var block = await _source.LoadAsync(_tables[_table], _blockIndex, cancellationToken).ConfigureAwait(false);
            done = Position(block);
        }
        while (!done);
    }

    /// <summary>Carries out the goal from the present block on; false when a block is missing.</summary>
    /// <param name="loaded">The present block, when the caller has just loaded it (the cache may have dropped it
    /// already).</param>
    private bool Position(Block? loaded)
    {
        while (true)
        {
            if ((uint)_table >= (uint)_tables.Length)
            {
                _block.Clear();
                Valid = false;
                return true;
            }

            var table = _tables[_table];
            if ((uint)_blockIndex >= (uint)table.Index.Count)
            {
                _table += _reverse ? -1 : 1;
                EnterTable();
                continue;
            }

            var block = loaded ?? _source.TryGet(table, _blockIndex);
            loaded = null;
            if (block is null)
            {
                Valid = false;
                return false;
            }

            _block.Open(block);
            _sequenceBase = table.Properties.SequenceBase;
            var bound = _bound.AsSpan(0, _boundLength);
            var found = _goal switch
            {
                Goal.First => _block.MoveNext(),
                Goal.Last => _block.MoveLast(),
                Goal.NotLowerThanBound => _block.Seek(bound),
                _ => _block.SeekBefore(bound),
            };
            if (found && _isCut && !IsInside())
            {
                EnterNextTable();
                continue;
            }

            if (found)
            {
                Valid = true;
                return true;
            }

            StepBlock();
        }
    }

    private void StepBlock()
    {
        _blockIndex += _reverse ? -1 : 1;
        _goal = _reverse ? Goal.Last : Goal.First;
    }

    /// <summary>Chooses the block of the present table at which the goal may be met.</summary>
    private void EnterTable()
    {
        if ((uint)_table >= (uint)_tables.Length)
        {
            return;
        }

        var index = _tables[_table].Index;
        _isCut = _tables[_table].Info.IsCut;
        if (_isCut)
        {
            Narrow(_tables[_table].Info);
        }

        var bound = _bound.AsSpan(0, _boundLength);
        _blockIndex = _goal switch
        {
            Goal.First => 0,
            Goal.Last => index.Count - 1,
            Goal.NotLowerThanBound => index.Find(bound),
            _ => Math.Min(index.Find(bound), index.Count - 1),
        };
    }

    /// <summary>Aims at the edge of a cut table where the goal lies beyond it.</summary>
    private void Narrow(TableInfo info)
    {
        var bound = _bound.AsSpan(0, _boundLength);
        if (!_reverse && (_goal == Goal.First || bound.SequenceCompareTo(info.Smallest) < 0))
        {
            Aim(Goal.NotLowerThanBound, info.Smallest);
        }
        else if (_reverse && info.LargestExclusive
            && (_goal == Goal.Last || bound.SequenceCompareTo(info.Largest) > 0))
        {
            Aim(Goal.LowerThanBound, info.Largest);
        }

        void Aim(Goal goal, byte[] edge)
        {
            edge.CopyTo(_bound, 0);
            (_goal, _boundLength) = (goal, edge.Length);
        }
    }

    /// <summary>The entry has not gone past the far edge of a cut table.</summary>
    private bool IsInside()
    {
        var info = _tables[_table].Info;
        return _reverse
            ? _block.Key.SequenceCompareTo(info.Smallest) >= 0
            : !info.LargestExclusive || _block.Key.SequenceCompareTo(info.Largest) < 0;
    }

    private bool LeaveTable()
    {
        EnterNextTable();
        return Position(null);
    }

    private void EnterNextTable()
    {
        _goal = _reverse ? Goal.Last : Goal.First;
        _table += _reverse ? -1 : 1;
        EnterTable();
    }

    private int FirstTableReaching(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _tables.Length;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            var info = _tables[middle].Info;
            if (!info.LargestUnbounded && info.Largest.AsSpan().SequenceCompareTo(key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private int LastTableStartingBelow(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _tables.Length;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (_tables[middle].Info.Smallest.AsSpan().SequenceCompareTo(key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }
}
