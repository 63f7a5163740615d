using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Reading;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <summary>
/// Walks the visible entries of a range of one shard, in one snapshot, without copying them. Dispose it: it keeps
/// memory and tables alive. Not safe for concurrent use.
/// </summary>
internal sealed class ShardScan : IDisposable
{
    private readonly Shard _shard;
    private readonly VisibleCursor _cursor;
    private readonly KeyRange _range;
    private readonly bool _reverse;
    private readonly byte _endByte; // no key that begins with less is past the end
    private ReadView? _view;
    private bool _started;
    private bool _ended;
    private bool _loading;

    public ShardScan(Shard shard, ReadView view, VisibleCursor cursor, KeyRange range, bool reverse)
    {
        (_shard, _view, _cursor, _range, _reverse) = (shard, view, cursor, range, reverse);
        _ended = range.IsEmpty;
        _endByte = range.End is { IsEmpty: false } end ? end.Span[0] : byte.MinValue;
    }

    /// <summary>Moves to the next entry. Completes synchronously unless a block must be read.</summary>
    /// <returns>False at the end of the range.</returns>
    public ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        if (_ended)
        {
            return ValueTask.FromResult(false);
        }

        ObjectDisposedException.ThrowIf(_view is null, this);
        return !_loading && Step() ? ValueTask.FromResult(CheckEnd()) : LoadAsync(cancellationToken);
    }

    public void Dispose()
    {
        if (_view is { } view)
        {
            _view = null;
            _cursor.Dispose();
            view.RemoveReference();
        }
    }

    public EntryData Current => _cursor.Current;

    public static Entry ToEntry(in EntryData entry) => new(
        entry.Value.ToArray(),
        entry.Sequence,
        entry.Metadata.IsEmpty ? default(ReadOnlyMemory<byte>) : entry.Metadata.ToArray(),
        entry.ExpiresAtMs > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(entry.ExpiresAtMs) : null);

    private bool Step()
    {
        if (_started)
        {
            return _cursor.Advance();
        }

        _started = true;
        return _reverse ? _cursor.Seek(_range.End.GetValueOrDefault().Span, _range.End is null)
            : _cursor.Seek(_range.Start.Span);
    }

    private async ValueTask<bool> LoadAsync(CancellationToken cancellationToken)
    {
        // Stays set where loading fails: the next move tries again, rather than taking the gap for the end.
        _loading = true;
        try
        {
            await _cursor.LoadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
        {
            throw await _shard.ExplainReadAsync(e).ConfigureAwait(false);
        }

        _loading = false;
        return CheckEnd();
    }

    private bool CheckEnd()
    {
        if (!_cursor.Valid || PastEnd(_cursor.Current.Key))
        {
            _ended = true;
        }

        return !_ended;
    }

    private bool PastEnd(ReadOnlySpan<byte> key) => _reverse
        ? key.SequenceCompareTo(_range.Start.Span) < 0
        : key[0] >= _endByte && _range.End is { } end && key.SequenceCompareTo(end.Span) >= 0;
}
