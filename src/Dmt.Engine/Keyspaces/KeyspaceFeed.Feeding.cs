using System.Buffers;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Keyspaces;

/// <content>Makes copies what their keys are.</content>
internal sealed partial class KeyspaceFeed
{
    /// <summary>Keys and copies that one step of a comparison looks at, at most.</summary>
    private const int ComparedMax = 8192;

    /// <summary>A write of copies ends at this many bytes.</summary>
    private const int WrittenMax = 256 << 10;

    private List<byte[]> _inDoubt = []; // keys whose copies may be there in part
    private bool _hasIntent; // it is written down

    /// <summary>Makes the copies of some keys what the keys are now.</summary>
    /// <param name="keys">Distinct keys.</param>
    /// <param name="from">The first to look at.</param>
    /// <param name="force">Copies may be there in part: all are written.</param>
    /// <returns>The first that was not looked at.</returns>
    private async ValueTask<int> FeedAsync(List<byte[]> keys, int from, bool force = false)
    {
        var batch = new WriteBatch(4096);
        var written = new List<byte[]>();
        var at = from;
        for (; at < keys.Count && batch.Encoded.Length < WrittenMax; at++)
        {
            var key = keys[at];
            if (CopiesOf(key) is not { } copies)
            {
                continue;
            }

            var present = await _store.GetUncheckedAsync(key, _stop.Token).ConfigureAwait(false);
            var first = force ? null
                : await _store.GetUncheckedAsync(copies.First(key), _stop.Token).ConfigureAwait(false);
            if (present is null)
            {
                if (force || first is not null)
                {
                    copies.Delete(batch, key);
                    written.Add(key);
                }
            }
            else if (force || first is null || first.Value.ExpiresAt != present.Value.ExpiresAt)
            {
                copies.Put(batch, key, present.Value.ExpiresAt);
                written.Add(key);
            }
        }

        if (batch.Count > 0)
        {
            await WriteAsync(batch, written).ConfigureAwait(false);
        }

        return at;
    }

    /// <summary>Feeds what a write that failed, or a crash, may have left half done.</summary>
    private async ValueTask RedoAsync()
    {
        if (_inDoubt.Count > 0)
        {
            var keys = _inDoubt;
            for (var at = 0; at < keys.Count;)
            {
                at = await FeedAsync(keys, at, force: true).ConfigureAwait(false);
            }

            _inDoubt = [];
        }

        if (_hasIntent)
        {
            await _store.WriteUncheckedAsync(
                new WriteBatch().Delete(CopyKeys.Intent), Durability.Default, _stop.Token).ConfigureAwait(false);
            _hasIntent = false;
        }
    }

    /// <summary>Writes copies: in one shard at once; in several, after their keys have been written down.</summary>
    private async ValueTask WriteAsync(WriteBatch batch, List<byte[]> keys)
    {
        var before = _inDoubt;
        _inDoubt = [.. before.Except(keys, KeyEquality.Instance), .. keys];
        while (true)
        {
            var parts = BatchParts.Of(batch, _store.Shards.Map);
            if (parts.Count > 1)
            {
                await _store.WriteUncheckedAsync(
                    new WriteBatch().Put(CopyKeys.Intent, EncodeIntent(_inDoubt)), Durability.Default, _stop.Token)
                    .ConfigureAwait(false);
                _hasIntent = true;
                await _store.WriteUncheckedAsync(batch, Durability.Default, _stop.Token).ConfigureAwait(false);
                break;
            }

            if (await TryWriteAsync(parts[0].Shard, batch).ConfigureAwait(false))
            {
                break;
            }
        }

        _inDoubt = before;
    }

    /// <returns>False where the shard does not have all of it any more: nothing is written.</returns>
    private async ValueTask<bool> TryWriteAsync(uint id, WriteBatch batch)
    {
        Shard shard;
        try
        {
            shard = await _store.Shards.GetAsync(id, _stop.Token).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner)
        {
            return false;
        }

        try
        {
            await shard.WriteAsync(batch, Durability.Default, _stop.Token).ConfigureAwait(false);
            return true;
        }
        catch (DmtException e) when (shard.HasMoved(e))
        {
            return false;
        }
    }

    /// <summary>
    /// Walks keys and the list of their copies in the keys' own order side by side, for some steps.
    /// </summary>
    /// <returns>The keys that are in one only, or expire at another time; where to go on, null at the end.</returns>
    private async ValueTask<(List<byte[]> Differing, byte[]? Next)> CompareAsync(
        KeyspaceCopies copies, KeyRange range)
    {
        var differing = new List<byte[]>();
        using var originals = new Scan(_store.Shards, ReservedKeys.Clip(range), reverse: false, null);
        using var firsts = new Scan(_store.Shards, copies.First(range), reverse: false, null);
        var hasOriginal = await originals.MoveNextAsync(_stop.Token).ConfigureAwait(false);
        var hasFirst = await firsts.MoveNextAsync(_stop.Token).ConfigureAwait(false);
        for (var steps = 0; hasOriginal || hasFirst; steps++)
        {
            var order = Compare();
            if (steps >= ComparedMax)
            {
                return (differing, order <= 0 ? originals.Key.ToArray() : OriginalOfFirst());
            }

            if (order < 0 ? copies.Has(originals.Key, out _)
                : order > 0 || originals.Current.ExpiresAtMs != firsts.Current.ExpiresAtMs)
            {
                differing.Add(order <= 0 ? originals.Key.ToArray() : OriginalOfFirst());
            }

            hasOriginal = order <= 0 ? await originals.MoveNextAsync(_stop.Token).ConfigureAwait(false) : hasOriginal;
            hasFirst = order >= 0 ? await firsts.MoveNextAsync(_stop.Token).ConfigureAwait(false) : hasFirst;
        }

        return (differing, null);

        int Compare() => !hasFirst ? -1 : !hasOriginal ? 1 : originals.Key[copies.Keyspace.Prefix.Length..]
            .SequenceCompareTo(KeyspaceCopies.RestOf(firsts.Key));

        byte[] OriginalOfFirst() => [.. copies.Keyspace.Prefix.Span, .. KeyspaceCopies.RestOf(firsts.Key)];
    }

    /// <summary>The copies that a key has; null where it has none.</summary>
    private KeyspaceCopies? CopiesOf(byte[] key)
    {
        foreach (var copies in _copies)
        {
            if (!copies!.Has(key, out var excess))
            {
                continue;
            }

            if (excess <= 0)
            {
                return copies;
            }

            Interlocked.Increment(ref _keysTooLong);
        }

        return null;
    }

    private static byte[] EncodeIntent(List<byte[]> keys)
    {
        var to = new ArrayBufferWriter<byte>(keys.Sum(static key => key.Length + 2));
        foreach (var key in keys)
        {
            to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), (ulong)key.Length));
            to.Write(key);
        }

        return to.WrittenSpan.ToArray();
    }

    private static List<byte[]> DecodeIntent(ReadOnlySpan<byte> bytes)
    {
        var keys = new List<byte[]>();
        for (var at = 0; at < bytes.Length;)
        {
            if (!Varint.TryRead(bytes, ref at, out var length) || length > (ulong)(bytes.Length - at))
            {
                throw DmtException.Corruption("the record of a write of copies", at, "it ends within a key");
            }

            keys.Add(bytes.Slice(at, (int)length).ToArray());
            at += (int)length;
        }

        return keys;
    }

    private sealed class KeyEquality : IEqualityComparer<byte[]>
    {
        public static readonly KeyEquality Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj)
        {
            var hash = default(HashCode);
            hash.AddBytes(obj);
            return hash.ToHashCode();
        }
    }
}
