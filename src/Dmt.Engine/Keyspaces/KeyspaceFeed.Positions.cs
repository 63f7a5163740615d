// Up to where the copies have the changes of a shard. Only needed where the shard puts changes into tables, which no
// replay brings back: so a position is written after a flush, and when the feed ends.
//
// A position says that all keys that the shard took up to this sequence number have been fed. It is what the shard had
// given out when it was asked, under its lock, before the keys that waited were taken; or, where none has been noted
// since, what it has given out now, the copies in the shard itself included. The shard that the positions lie in counts
// the write of its own position in, if nobody else writes in between: so after a clean close it is all that there is.
//
// Sequence numbers mean something within one shard only. A carve gives new shards numbers without a position, and a
// merge raises those of the parent (Shard.Carving.cs): positions from before are too low, and keys are compared.
using System.Buffers.Binary;
using System.Collections.Concurrent;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Keyspaces;

/// <content>Positions of shards.</content>
internal sealed partial class KeyspaceFeed
{
    private readonly ConcurrentDictionary<uint, byte> _flushed = []; // shards that have been flushed since
    private readonly Dictionary<uint, ulong> _positions = []; // as they are written

    private bool HasStalePositions => _isStarted && !_flushed.IsEmpty && !_queue.HasRanges;

    /// <summary>A shard has put changes into tables.</summary>
    public void Flushed(uint shard)
    {
        if (!_hasEnded && _flushed.TryAdd(shard, 0))
        {
            _queue.Wake();
        }
    }

    private async ValueTask LoadPositionsAsync()
    {
        _positions.Clear();
        using var scan = new Scan(_store.Shards, CopyKeys.Positions, reverse: false, null);
        while (await scan.MoveNextAsync(_stop.Token).ConfigureAwait(false))
        {
            _positions.Add(
                CopyKeys.GenerationOf(scan.Key),
                scan.Value.Length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(scan.Value) : 0);
        }
    }

    private ulong PositionOf(uint shard) => _positions.GetValueOrDefault(shard);

    /// <summary>What the shards whose positions are to be written have given out.</summary>
    private Dictionary<uint, ulong> CapturePositions(bool all)
    {
        var captured = new Dictionary<uint, ulong>();
        foreach (var shard in _store.Shards.Open)
        {
            if ((all || _flushed.ContainsKey(shard.Id)) && HasOriginals(shard))
            {
                captured.Add(shard.Id, shard.LastTaken());
            }
        }

        return captured;
    }

    private bool HasOriginals(Shard shard) => shard.OwnedRanges.Any(range =>
        _keys.Any(keys => Intersection(range, KeyRange.Prefix(keys.Keyspace.Prefix)) is not null));

    /// <summary>Every range, and every key that was noted before the positions were captured, has been fed.</summary>
    private async ValueTask WritePositionsAsync(Dictionary<uint, ulong> captured, bool isLast)
    {
        var now = CapturePositions(isLast);
        captured = _queue.IsEmpty ? now : captured;
        foreach (var id in _flushed.Keys)
        {
            // Those that are gone, and those without keys of keyspaces.
            if (!now.ContainsKey(id))
            {
                _flushed.TryRemove(id, out _);
            }
        }

        var changed = captured.Where(one => one.Value != PositionOf(one.Key)).ToDictionary();
        if (changed.Count > 0)
        {
            await WriteAsync(changed).ConfigureAwait(false);
        }

        foreach (var id in captured.Keys)
        {
            _flushed.TryRemove(id, out _);
        }
    }

    private async ValueTask WriteAsync(Dictionary<uint, ulong> positions)
    {
        var home = await _store.Shards.FindAsync(CopyKeys.Positions.Start.Span, _stop.Token).ConfigureAwait(false);
        if (positions.TryGetValue(home.Id, out var last))
        {
            positions[home.Id] = last + (ulong)positions.Count;
            if (home.TryWriteNext(Encode(positions), last))
            {
                Keep(positions);
                return;
            }

            positions[home.Id] = last;
        }

        await _store.WriteUncheckedAsync(Encode(positions), Durability.Default, _stop.Token).ConfigureAwait(false);
        Keep(positions);
    }

    private void Keep(Dictionary<uint, ulong> positions)
    {
        foreach (var (shard, position) in positions)
        {
            _positions[shard] = position;
        }
    }

    private static WriteBatch Encode(Dictionary<uint, ulong> positions)
    {
        var batch = new WriteBatch();
        var value = new byte[sizeof(ulong)];
        foreach (var (shard, position) in positions)
        {
            BinaryPrimitives.WriteUInt64BigEndian(value, position);
            batch.Put(CopyKeys.Position(shard), value);
        }

        return batch;
    }
}
