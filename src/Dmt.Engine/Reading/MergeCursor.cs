// Merges sources into one walk with a binary heap of those that stand on an entry. Order: by key in the cursor's
// direction; among versions of a key newest first upwards, oldest first downwards. No two entries are equal: a sequence
// number is used once.
using Dmt.Engine.Tables;

namespace Dmt.Engine.Reading;

internal sealed class MergeCursor(EntryCursor[] sources, bool reverse) : EntryCursor
{
    private readonly EntryCursor[] _heap = new EntryCursor[sources.Length];
    private readonly List<EntryCursor> _pending = [];
    private int _count;

    public override ReadOnlySpan<byte> Key => _heap[0].Key;

    public override ReadOnlySpan<byte> Value => _heap[0].Value;

    public override ReadOnlySpan<byte> Metadata => _heap[0].Metadata;

    public override ulong Sequence => _heap[0].Sequence;

    public override EntryKind Kind => _heap[0].Kind;

    public override long ExpiresAtMs => _heap[0].ExpiresAtMs;

    public override ulong SequenceMax => sources.Max(static s => s.SequenceMax);

    public override bool Seek(ReadOnlySpan<byte> bound, bool unbounded = false)
    {
        foreach (var source in sources)
        {
            if (!source.Seek(bound, unbounded))
            {
                _pending.Add(source);
            }
        }

        return FinishSeek();
    }

    /// <summary>
    /// Moves every source that has nothing newer than <paramref name="sequence"/>, and stands before <paramref
    /// name="end"/>, to it: what it has until there is known to be deleted. Upwards only; null is the end of all keys.
    /// </summary>
    public bool SkipDeleted(byte[]? end, ulong sequence)
    {
        foreach (var source in sources)
        {
            if (!source.Valid || source.SequenceMax >= sequence
                || (end is not null && source.Key.SequenceCompareTo(end) >= 0))
            {
                continue;
            }

            // Past all keys: no key has more than Key.BytesMax bytes of 0xFF.
            if (!source.Seek(end ?? PastAllKeys))
            {
                _pending.Add(source);
            }
        }

        return FinishSeek();
    }

    public override bool Advance()
    {
        var top = _heap[0];
        if (!top.Advance())
        {
            _pending.Add(top);
            Valid = false;
            return false;
        }

        Settle();
        return true;
    }

    public override async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        if (_pending.Count == 1)
        {
            await _pending[0].LoadAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            // Cold sources load side by side: one round trip for all of them.
            await Task.WhenAll(_pending.Select(source => source.LoadAsync(cancellationToken).AsTask()))
                .ConfigureAwait(false);
        }

        _pending.Clear();
        Heapify();
    }

    public override void Dispose()
    {
        foreach (var source in sources)
        {
            source.Dispose();
        }

        base.Dispose();
    }

    private static readonly byte[] PastAllKeys = [.. Enumerable.Repeat((byte)0xFF, Core.Keys.Key.BytesMax)];

    private bool FinishSeek()
    {
        if (_pending.Count > 0)
        {
            Valid = false;
            return false;
        }

        Heapify();
        return true;
    }

    private void Heapify()
    {
        _count = 0;
        foreach (var source in sources)
        {
            if (source.Valid)
            {
                _heap[_count++] = source;
            }
        }

        for (var i = (_count / 2) - 1; i >= 0; i--)
        {
            SiftDown(i);
        }

        Valid = _count > 0;
    }

    /// <summary>Restores the heap after its top has moved.</summary>
    private void Settle()
    {
        if (!_heap[0].Valid)
        {
            _heap[0] = _heap[--_count];
        }

        if (_count > 1)
        {
            SiftDown(0);
        }

        Valid = _count > 0;
    }

    private void SiftDown(int at)
    {
        var moving = _heap[at];
        while (true)
        {
            var child = (2 * at) + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && Before(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!Before(_heap[child], moving))
            {
                break;
            }

            _heap[at] = _heap[child];
            at = child;
        }

        _heap[at] = moving;
    }

    private bool Before(EntryCursor a, EntryCursor b)
    {
        var order = a.Key.SequenceCompareTo(b.Key);
        if (order == 0)
        {
            order = b.Sequence.CompareTo(a.Sequence);
        }

        return reverse ? order > 0 : order < 0;
    }
}
