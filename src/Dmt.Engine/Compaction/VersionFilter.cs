// Which versions a flush or a compaction keeps. Open snapshots cut the sequence numbers into stripes: stripe i holds
// those above snapshot i-1 and up to snapshot i; the last stripe is above all of them. Two versions of a key in one
// stripe are never told apart by any reader, so:
//
//   - of each key, the newest version in each stripe is kept;
//   - a version that a range tombstone of the same stripe covers is dropped;
//   - at the bottom (no older version can lie below) a tombstone in stripe 0 hides nothing, and is dropped;
//   - an expired put is a tombstone.
//
// Entries come in order: keys up, versions of a key newest first.
using Dmt.Core.Keys;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Compaction;

internal sealed class VersionFilter(ulong[] snapshots, RangeTombstoneSet deletions, bool isBottom, long nowMs)
{
    private readonly byte[] _key = new byte[Key.BytesMax];
    private int _keyLength = -1;
    private int _stripe;

    /// <summary>True when the entry is to be written; it may have been turned into a tombstone.</summary>
    public bool Keep(ref EntryData entry)
    {
        var stripe = StripeOf(entry.Sequence);
        if (_keyLength >= 0 && entry.Key.SequenceEqual(_key.AsSpan(0, _keyLength)))
        {
            if (stripe == _stripe)
            {
                return false;
            }
        }
        else
        {
            entry.Key.CopyTo(_key);
            _keyLength = entry.Key.Length;
        }

        _stripe = stripe;
        if (!deletions.IsEmpty)
        {
            var limit = stripe < snapshots.Length ? snapshots[stripe] : ulong.MaxValue;
            if (deletions.CoveringSequence(entry.Key, limit) > entry.Sequence)
            {
                return false;
            }
        }

        if (entry.Kind == EntryKind.Put && entry.ExpiresAtMs > 0 && entry.ExpiresAtMs <= nowMs)
        {
            entry.Kind = EntryKind.Tombstone;
            entry.Value = entry.Metadata = default;
            entry.ExpiresAtMs = 0;
        }

        return entry.Kind != EntryKind.Tombstone || !isBottom || stripe != 0;
    }

    /// <summary>
    /// The range tombstones that must be written: one for each fragment and stripe, less those that hide nothing.
    /// </summary>
    public IEnumerable<RangeTombstone> KeptRangeTombstones()
    {
        var last = (Start: Array.Empty<byte>(), Stripe: -1);
        foreach (var tombstone in deletions.Tombstones())
        {
            var stripe = StripeOf(tombstone.Sequence);
            var repeats = ReferenceEquals(tombstone.Start, last.Start) && stripe == last.Stripe;
            last = (tombstone.Start, stripe);
            if (!repeats && !(isBottom && stripe == 0))
            {
                yield return tombstone;
            }
        }
    }

    /// <summary>
    /// The index of the first snapshot that sees the sequence number; the number of snapshots when none does.
    /// </summary>
    private int StripeOf(ulong sequence)
    {
        if (snapshots.Length == 0)
        {
            return 0;
        }

        var at = Array.BinarySearch(snapshots, sequence);
        return at < 0 ? ~at : at;
    }
}
