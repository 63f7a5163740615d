// Carving by load: a shard that had more than ShardLoadMax operations a second during a whole window (ShardLoad) is cut
// where the keys that were sampled of late balance best. Where that is one key, it is left alone: a key cannot be cut,
// and what lies beside it would be carved away without making it cooler.
//
// Hysteresis: it goes back when it and its parent have been cool for QuietTime without a break, which is less than an
// eighth of the limit each, and a quarter together; so what was merged must grow fourfold to be carved again. Nothing
// else merges what is not cool: neither shards that are small, nor what was carved just now. Which shards were carved
// by load is not stored: after the next opening they stay, as those do that were carved by command.
using Dmt.Core;

namespace Dmt.Engine.Shards;

internal sealed partial class ShardBalancer
{
    private readonly long? _loadMax;
    private readonly HashSet<uint> _carvedByLoad = []; // guarded by _lock

    private async ValueTask CarveByLoadAsync(Shard shard)
    {
        var prefixes = CarvePicker.Pick(shard.Prefix, shard.OwnedRanges, shard.Load.Keys());
        foreach (var some in prefixes.Chunk(CarvedAtOnce))
        {
            var made = await _shards.CarveAsync(
                [.. some.Select(static prefix => (ReadOnlyMemory<byte>)prefix)], _stop.Token).ConfigureAwait(false);
            Counts = Counts with { Carves = Counts.Carves + 1, Carved = Counts.Carved + made.Count };
            lock (_lock)
            {
                _carvedByLoad.UnionWith(made);
            }

            foreach (var id in made)
            {
                TryLater(id, QuietTime);
            }
        }

        if (prefixes.Count > 0)
        {
            shard.Load.Restart();
        }
    }

    /// <summary>Merges a shard that was carved by load, once it is cool, or looks again later.</summary>
    private async ValueTask MergeCooledAsync(Shard child)
    {
        if (!_shards.Map.TryGet(child.Id, out _) || _shards.Map.Parent(child.Id) is not { } above)
        {
            return;
        }

        var parent = await _shards.GetAsync(above.Shard, _stop.Token).ConfigureAwait(false);
        if (CoolingLeft(child, parent) is var left && left > TimeSpan.Zero)
        {
            TryLater(child.Id, left);
            return;
        }

        if (_bytesMax < long.MaxValue && SizeOf(child) + SizeOf(parent) >= _bytesMax / 2)
        {
            TryLater(child.Id, QuietTime); // Size would part them again.
            return;
        }

        await _shards.MergeAsync(child.Id, _stop.Token).ConfigureAwait(false);
        lock (_lock)
        {
            _carvedByLoad.Remove(child.Id);
        }

        Counts = Counts with { Merges = Counts.Merges + 1 };
        Changed(parent);
    }

    /// <summary>How long the two must stay cool until they may be one.</summary>
    private TimeSpan CoolingLeft(Shard child, Shard parent)
    {
        if (_loadMax is null)
        {
            return TimeSpan.Zero;
        }

        var (first, second) = (child.Load.CoolFor, parent.Load.CoolFor);
        return QuietTime - (first < second ? first : second);
    }

    private bool WasCarvedByLoad(uint id)
    {
        lock (_lock)
        {
            return _carvedByLoad.Contains(id);
        }
    }

    /// <summary>
    /// A shard that is open, or was carved by load: that one may have been closed because it cooled down. Null for one
    /// that is gone, or cannot be opened now.
    /// </summary>
    private async ValueTask<Shard?> FindAsync(uint id)
    {
        if (_shards.TryGetOpen(id, out var open) || !WasCarvedByLoad(id) || !_shards.Map.TryGet(id, out _))
        {
            return open;
        }

        try
        {
            return await _shards.GetAsync(id, _stop.Token).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Unavailable or DmtErrorKind.NotOwner)
        {
            TryLater(id, RetryDelay);
            return null;
        }
        catch (DmtException)
        {
            // Fenced, closed or damaged: whoever asks for the shard is told.
            return null;
        }
    }
}
