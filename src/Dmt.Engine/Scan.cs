// Shard by shard in order of keys: the map says which shard has the next piece of the range, and its scan walks it.
// Where a shard turns out not to have it any more, the map is asked again for what is left.
//
// A piece is a snapshot; a range over several shards is several, each as of when the walk reached it, or earlier: the
// next shards are opened and their first blocks read ahead, more of them the further the walk goes, so that a walk over
// many small shards that are far away does not wait for each.
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;
using Dmt.Engine.Tables;

namespace Dmt.Engine;

/// <summary>
/// Walks the visible entries of a range without copying them: one snapshot for each shard. Dispose it: it keeps memory
/// and tables alive. Not safe for concurrent use.
/// </summary>
public sealed class Scan : IDisposable
{
    private const int AheadMax = 8;

    private readonly IShardSource _shards;
    private readonly DirectorySnapshot? _asOf;
    private readonly bool _reverse;
    private readonly Queue<Piece> _ahead = [];
    private KeyRange _left; // what no piece in _ahead has, nor the current one
    private int _aheadCount; // pieces to open ahead
    private ShardScan? _current;
    private bool _disposed;

    internal Scan(IShardSource shards, KeyRange range, bool reverse, DirectorySnapshot? asOf)
    {
        (_shards, _left, _reverse, _asOf) = (shards, range, reverse, asOf);
        if (!shards.TryFindWhole(range, out var shard))
        {
            return;
        }

        try
        {
            _current = shard.OpenScanUnchecked(range, reverse, asOf?[shard]);
            _left = Nothing;
        }
        catch (DmtException e) when (shard.HasMoved(e))
        {
            // Carved or merged since it was found: the first move looks again.
        }
    }

    /// <summary>The key; good until the next move.</summary>
    public ReadOnlySpan<byte> Key => Current.Key;

    /// <summary>The value; good until the next move.</summary>
    public ReadOnlySpan<byte> Value => Current.Value;

    internal EntryData Current => _current!.Current;

    private static KeyRange Nothing => new(default, ReadOnlyMemory<byte>.Empty);

    /// <summary>Moves to the next entry. Completes synchronously unless a block must be read.</summary>
    /// <returns>False at the end of the range.</returns>
    public ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_current is null)
        {
            return MoveOnAsync(cancellationToken);
        }

        // The last piece, mostly the only one: there is nothing to go on to.
        var moved = _current.MoveNextAsync(cancellationToken);
        if (_left.IsEmpty && _ahead.Count == 0)
        {
            return moved;
        }

        if (!moved.IsCompletedSuccessfully)
        {
            return FinishMoveAsync(moved, cancellationToken);
        }

        return moved.Result ? ValueTask.FromResult(true) : MoveOnAsync(cancellationToken);
    }

    /// <summary>A copy of the entry, value included.</summary>
    public Entry CopyEntry() => ShardScan.ToEntry(Current);

    public void Dispose()
    {
        _disposed = true;
        _current?.Dispose();
        foreach (var piece in _ahead)
        {
            _ = DisposeAsync(piece.Opening);
        }

        _ahead.Clear();
    }

    private static async Task DisposeAsync(Task<(ShardScan Scan, bool Any)> opening)
    {
        try
        {
            (await opening.ConfigureAwait(false)).Scan.Dispose();
        }
        catch (Exception e) when (e is DmtException or OperationCanceledException)
        {
            // Nobody waits for it any more: there is nothing to dispose, and nobody to tell.
        }
    }

    private async ValueTask<bool> FinishMoveAsync(ValueTask<bool> moved, CancellationToken cancellationToken) =>
        await moved.ConfigureAwait(false) || await MoveOnAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>To the first entry of the next piece that has any.</summary>
    private async ValueTask<bool> MoveOnAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            OpenAhead(cancellationToken);
            if (!_ahead.TryDequeue(out var piece))
            {
                return false;
            }

            ShardScan scan;
            bool any;
            try
            {
                (scan, any) = await piece.Opening.ConfigureAwait(false);
            }
            catch (DmtException e) when (e.Kind is DmtErrorKind.NotOwner)
            {
                Reopen(piece.Range);
                continue;
            }
            catch
            {
                Reopen(piece.Range); // The next move tries again, rather than leaving it out.
                throw;
            }

            _current?.Dispose();
            _current = scan;
            if (any)
            {
                return true;
            }
        }
    }

    /// <summary>The shard has not got it any more: from there on, everything is looked up again.</summary>
    private void Reopen(KeyRange range)
    {
        while (_ahead.TryDequeue(out var later))
        {
            _ = DisposeAsync(later.Opening);
            range = _reverse ? new KeyRange(later.Range.Start, range.End) : new KeyRange(range.Start, later.Range.End);
        }

        _left = _left.IsEmpty ? range
            : _reverse ? new KeyRange(_left.Start, range.End)
            : new KeyRange(range.Start, _left.End);
    }

    private void OpenAhead(CancellationToken cancellationToken)
    {
        _aheadCount = Math.Min(AheadMax, (_aheadCount * 2) + 1);
        if (_left.IsEmpty || _ahead.Count >= _aheadCount)
        {
            return;
        }

        var map = _shards.Map;
        foreach (var segment in map.Segments(_left, _reverse).Take(_aheadCount - _ahead.Count))
        {
            _ahead.Enqueue(new Piece(segment.Range, OpenAsync(segment.Shard, segment.Range, cancellationToken)));
            _left = _reverse
                ? segment.Range.Start.IsEmpty ? Nothing : new KeyRange(_left.Start, segment.Range.Start)
                : segment.Range.End is { } end ? new KeyRange(end, _left.End) : Nothing;
        }

        if (_ahead.Count == 0)
        {
            _left = Nothing;
        }
    }

    private async Task<(ShardScan Scan, bool Any)> OpenAsync(
        uint id, KeyRange range, CancellationToken cancellationToken)
    {
        var shard = await _shards.GetAsync(id, cancellationToken).ConfigureAwait(false);
        ShardScan scan;
        try
        {
            scan = shard.OpenScanUnchecked(range, _reverse, _asOf?[shard]);
        }
        catch (DmtException e) when (shard.HasMoved(e))
        {
            throw new DmtException(DmtErrorKind.NotOwner, e.Message, e);
        }

        try
        {
            return (scan, await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            scan.Dispose();
            throw;
        }
    }

    private readonly record struct Piece(KeyRange Range, Task<(ShardScan Scan, bool Any)> Opening);
}
