using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Torture;

/// <summary>A version of a key in the model.</summary>
internal sealed record ModelRow(byte[] Key, byte[] Value, byte[] Metadata, ulong Version, long ExpiresAtMs)
{
    public bool IsAlive(long nowMs) => ExpiresAtMs == 0 || ExpiresAtMs > nowMs;
}

/// <summary>
/// What the store must hold: rows in key order. A sorted list, because copies (snapshots) are frequent and rows are
/// immutable.
/// </summary>
internal sealed class Model
{
    private readonly List<ModelRow> _rows;

    public Model() => _rows = [];

    private Model(Model other) => (_rows, Version) = ([.. other._rows], other.Version);

    /// <summary>Sequence number of the last operation.</summary>
    public ulong Version { get; private set; }

    public Model Copy() => new(this);

    public ModelRow? Get(ReadOnlySpan<byte> key, long nowMs)
    {
        var at = Find(key);
        return at >= 0 && _rows[at].IsAlive(nowMs) ? _rows[at] : null;
    }

    public void Put(byte[] key, byte[] value, byte[] metadata, long expiresAtMs)
    {
        var row = new ModelRow(key, value, metadata, ++Version, expiresAtMs);
        var at = Find(key);
        if (at >= 0)
        {
            _rows[at] = row;
        }
        else
        {
            _rows.Insert(~at, row);
        }
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        Version++;
        var at = Find(key);
        if (at >= 0)
        {
            _rows.RemoveAt(at);
        }
    }

    public void DeleteRange(KeyRange range)
    {
        Version++;
        var (from, to) = Bounds(range);
        _rows.RemoveRange(from, Math.Max(0, to - from));
    }

    /// <summary>The living rows of a range, in the direction asked for.</summary>
    public IEnumerable<ModelRow> Walk(KeyRange range, bool reverse, long nowMs)
    {
        var (from, to) = Bounds(range);
        for (var i = 0; i < to - from; i++)
        {
            var row = _rows[reverse ? to - 1 - i : from + i];
            if (row.IsAlive(nowMs))
            {
                yield return row;
            }
        }
    }

    public bool Holds(ReadOnlySpan<byte> key, WriteCondition condition, long nowMs)
    {
        var current = Get(key, nowMs)?.Version ?? 0;
        return condition.Kind switch
        {
            WriteCondition.Kinds.None => true,
            WriteCondition.Kinds.Absent => current == 0,
            WriteCondition.Kinds.Present => current != 0,
            _ => current == condition.Version && current != 0,
        };
    }

    private (int From, int To) Bounds(KeyRange range)
    {
        var from = Find(range.Start.Span);
        var to = range.End is { } end ? Find(end.Span) : _rows.Count;
        return (from < 0 ? ~from : from, to < 0 ? ~to : to);
    }

    private int Find(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _rows.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = _rows[middle].Key.AsSpan().SequenceCompareTo(key);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}
