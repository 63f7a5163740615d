// Finds one key in a block without rebuilding the keys on the way. While walking from a restart point, `matched` is how
// many bytes the target shares with the entry before, which is lower than the target. The next entry shares `shared`
// bytes with the entry before:
//   shared > matched: it differs from the target where the one before did, so it is lower too;
//   shared < matched: it left the target's bytes earlier, upwards, so it is higher, and the target is not there;
//   shared = matched: only the bytes behind decide.
// An entry at a restart point says shared = 0 whatever it shares, so nothing counts as matched there.
using System.Runtime.CompilerServices;
using Dmt.Core;

namespace Dmt.Engine.Tables;

internal static class BlockSearch
{
    internal enum Outcome
    {
        /// <summary>The key is not in the block, and a higher one is: it is nowhere behind either.</summary>
        Absent,

        /// <summary>The newest version not above the sequence number was found.</summary>
        Found,

        /// <summary>All keys of the block are lower, or versions of the key go on in the next block.</summary>
        PastEnd,
    }

    /// <param name="block">The block.</param>
    /// <param name="key">The key wanted.</param>
    /// <param name="deltaMax">The highest sequence number wanted, less the table's base.</param>
    /// <param name="entry">What was found; its key is left empty, its sequence is less the table's base.</param>
    public static Outcome Find(Block block, ReadOnlySpan<byte> key, ulong deltaMax, ref EntryData entry)
    {
        var bytes = block.Entries;
        var restart = block.RestartCount == 1 ? 0 : FindRestart(block, bytes, key);
        var at = restart == 0 ? 0 : block.Restart(restart);
        var nextRestart = at;
        var matched = 0;
        while (at < bytes.Length)
        {
            var start = at;
            if (start == nextRestart)
            {
                matched = 0;
                nextRestart = ++restart < block.RestartCount ? block.Restart(restart) : int.MaxValue;
            }

            var header = new Header(bytes, ref at);
            var body = at;
            if (header.UnsharedLength > bytes.Length - body)
            {
                ThrowDamaged(start);
            }

            at = body + header.UnsharedLength + header.ValueLength + header.MetadataLength;
            if (header.SharedLength > matched)
            {
                continue;
            }

            if (header.SharedLength < matched)
            {
                return Outcome.Absent;
            }

            var suffix = bytes.Slice(body, header.UnsharedLength);
            var rest = key[matched..];
            var more = suffix.CommonPrefixLength(rest);
            if (more == rest.Length)
            {
                if (more < suffix.Length)
                {
                    return Outcome.Absent;
                }

                if (header.SequenceDelta <= deltaMax)
                {
                    entry.Kind = header.Kind;
                    entry.Sequence = header.SequenceDelta;
                    entry.ExpiresAtMs = header.ExpiresAtMs;
                    entry.Value = bytes.Slice(body + header.UnsharedLength, header.ValueLength);
                    entry.Metadata =
                        bytes.Slice(body + header.UnsharedLength + header.ValueLength, header.MetadataLength);
                    return Outcome.Found;
                }
            }
            else if (more < suffix.Length && suffix[more] > rest[more])
            {
                return Outcome.Absent;
            }

            matched += more;
        }

        return Outcome.PastEnd;
    }

    /// <summary>The last restart point whose key is lower than the key; the first when there is none.</summary>
    private static int FindRestart(Block block, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key)
    {
        int low = 0, high = block.RestartCount - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >> 1;
            var at = block.Restart(middle);
            if ((uint)at >= (uint)bytes.Length)
            {
                ThrowDamaged(at);
            }

            var header = new Header(bytes, ref at);
            if (bytes.Slice(at, Math.Min(header.UnsharedLength, bytes.Length - at)).SequenceCompareTo(key) < 0)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private static void ThrowDamaged(int offset) =>
        throw DmtException.Corruption("a data block with a valid checksum", offset, "the bytes make no entry");

    /// <summary>
    /// What stands before an entry's bytes. Lengths are checked against the block where they are used.
    /// </summary>
    private readonly ref struct Header
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Header(ReadOnlySpan<byte> bytes, ref int at)
        {
            var start = at;
            ulong valueLength = 0, expiry = 0, metadataLength = 0;
            var good = Varint.TryRead(bytes, ref at, out var shared);
            good &= Varint.TryRead(bytes, ref at, out var unshared);
            var tag = good && (uint)at < (uint)bytes.Length ? bytes[at++] : (byte)0;
            good &= Varint.TryRead(bytes, ref at, out SequenceDelta);
            Kind = (EntryKind)(tag & BlockFormat.KindMask);
            if (Kind == EntryKind.Put)
            {
                good &= Varint.TryRead(bytes, ref at, out valueLength);
            }

            if ((tag & (BlockFormat.ExpiryBit | BlockFormat.MetadataBit)) != 0)
            {
                good &= (tag & BlockFormat.ExpiryBit) == 0 || Varint.TryRead(bytes, ref at, out expiry);
                good &= (tag & BlockFormat.MetadataBit) == 0 || Varint.TryRead(bytes, ref at, out metadataLength);
            }

            var left = (ulong)(bytes.Length - at);
            if (!good || tag == 0 || shared > Core.Keys.Key.BytesMax || unshared > left || valueLength > left - unshared
                || metadataLength > left - unshared - valueLength)
            {
                ThrowDamaged(start);
            }

            SharedLength = (int)shared;
            UnsharedLength = (int)unshared;
            ValueLength = (int)valueLength;
            MetadataLength = (int)metadataLength;
            ExpiresAtMs = (long)expiry;
        }

        public readonly int SharedLength;
        public readonly int UnsharedLength;
        public readonly int ValueLength;
        public readonly int MetadataLength;
        public readonly ulong SequenceDelta;
        public readonly long ExpiresAtMs;
        public readonly EntryKind Kind;
    }
}
