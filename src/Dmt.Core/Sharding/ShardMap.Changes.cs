using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <content>Changes: each makes a new map and leaves this one as it is.</content>
public sealed partial class ShardMap
{
    /// <summary>Version 1 of a map in which each of <paramref name="prefixes"/> is a shard below the root.</summary>
    /// <param name="prefixes">In any order, each once, 1 to 1,024 bytes; the shards get the numbers from 2 on in this
    /// order. <see cref="PreSplitPrefixes"/> makes sensible ones. The bytes are copied.</param>
    /// <exception cref="DmtException">InvalidArgument for a prefix out of its range or given twice.</exception>
    public static ShardMap PreSplit(params ReadOnlySpan<ReadOnlyMemory<byte>> prefixes) =>
        Initial.With(Initial.Number(prefixes), 1, Initial.NextShard + (uint)prefixes.Length);

    /// <summary>
    /// The next version, in which the keys under <paramref name="prefix"/> are a shard of their own: all that no longer
    /// prefix has already. Shards with prefixes below the new one become its children.
    /// </summary>
    /// <param name="prefix">1 to 1,024 bytes, not in the map yet. The bytes are copied.</param>
    /// <param name="child">The new shard's number.</param>
    /// <exception cref="DmtException">InvalidArgument for a prefix out of its range or in the map already, or where
    /// there are no more numbers.</exception>
    public ShardMap Carve(ReadOnlyMemory<byte> prefix, out uint child) => Carve([prefix], out child);

    /// <summary>The next version, one for all of <paramref name="prefixes"/> together.</summary>
    /// <param name="prefixes">At least one, as for <see cref="Carve(ReadOnlyMemory{byte}, out uint)"/>, each
    /// once.</param>
    /// <param name="firstChild">The number of the first one's shard; the others have the numbers after it, in the order
    /// of the prefixes.</param>
    /// <exception cref="DmtException">As for one prefix; InvalidArgument where there is none.</exception>
    public ShardMap Carve(ReadOnlySpan<ReadOnlyMemory<byte>> prefixes, out uint firstChild)
    {
        if (prefixes.IsEmpty)
        {
            throw DmtException.InvalidArgument("there is no prefix to carve: expected at least 1");
        }

        firstChild = NextShard;
        return With(Number(prefixes), NextVersion(), NextShard + (uint)prefixes.Length);
    }

    /// <summary>The next version, in which the shard is gone and its keys belong to its parent, as its children
    /// do.</summary>
    /// <exception cref="DmtException">InvalidArgument for the root, and where the shard is not in the map.</exception>
    public ShardMap Merge(uint shard)
    {
        if (shard == Root)
        {
            throw DmtException.InvalidArgument(
                $"shard {Root} is the root: it has no parent to be merged into; any other shard is allowed");
        }

        var index = IndexOf(shard);
        return new(NextVersion(), NextShard, [.. _entries.AsSpan(0, index), .. _entries.AsSpan(index + 1)]);
    }

    /// <summary>The same shards as the version that follows another one: changes that are made together are one.
    /// </summary>
    /// <param name="before">What the changes were made to.</param>
    public ShardMap AsNextOf(ShardMap before)
    {
        ArgumentNullException.ThrowIfNull(before);
        return Version == before.Version + 1 ? this : new(before.NextVersion(), NextShard, _entries);
    }

    /// <summary>
    /// The next version, in which <paramref name="count"/> numbers are given away: nobody else gets them. Whoever has
    /// them may <see cref="Add(uint, ReadOnlyMemory{byte})"/> shards that have them, in any order, or never.
    /// </summary>
    /// <exception cref="DmtException">InvalidArgument where there are not as many.</exception>
    public ShardMap Reserve(int count, out uint first)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        CheckNumbers(count);
        first = NextShard;
        return new(NextVersion(), NextShard + (uint)count, _entries);
    }

    /// <summary>
    /// A map in which a shard has a number that was reserved: it was carved, and its parent says so. (Whether
    /// it was merged since, its own last manifest says.)
    /// </summary>
    /// <returns>This map where it has exactly this shard already; or else the next version.</returns>
    /// <exception cref="DmtException">InvalidArgument where the prefix belongs to another shard or the number to
    /// another prefix, and for what is out of its range.</exception>
    public ShardMap Add(uint shard, ReadOnlyMemory<byte> prefix) => Add([(shard, prefix)]);

    /// <summary>As for one, and one version for all that are not in the map already.</summary>
    /// <param name="shards">Numbers and prefixes, each once.</param>
    public ShardMap Add(IEnumerable<(uint Shard, ReadOnlyMemory<byte> Prefix)> shards)
    {
        ArgumentNullException.ThrowIfNull(shards);
        ShardEntry[] added = [.. shards.Where(one => IsNew(one.Shard, one.Prefix))
            .Select(static one => new ShardEntry(one.Shard, one.Prefix.ToArray()))];
        if (added.Length == 0)
        {
            return this;
        }

        var seen = new HashSet<uint>();
        if (Array.Find(added, one => !seen.Add(one.Shard)) is { } twice)
        {
            throw DmtException.InvalidArgument($"shard {twice.Shard} is given twice: expected each once");
        }

        Sort(added);
        return With(added, NextVersion(), Math.Max(NextShard, seen.Max() + 1));
    }

    /// <exception cref="DmtException">InvalidArgument.</exception>
    private bool IsNew(uint shard, ReadOnlyMemory<byte> prefix)
    {
        if (TryGet(shard, out var there))
        {
            return there.Prefix.Span.SequenceEqual(prefix.Span) ? false : throw DmtException.InvalidArgument(
                $"shard {shard} cannot have the prefix \"{Key.ToDisplay(prefix.Span)}\": in version {Version} of the "
                + $"shard map it has \"{Key.ToDisplay(there.Prefix.Span)}\"");
        }

        if (shard is 0 or uint.MaxValue)
        {
            throw DmtException.InvalidArgument(
                $"shard {shard} cannot be added to version {Version} of the shard map: expected a number from 1 to "
                + $"{uint.MaxValue - 1}");
        }

        CheckNewPrefix(prefix.Span);
        return true;
    }

    /// <summary>New entries with the next numbers, sorted by prefix.</summary>
    private ShardEntry[] Number(ReadOnlySpan<ReadOnlyMemory<byte>> prefixes)
    {
        CheckNumbers(prefixes.Length);
        var added = new ShardEntry[prefixes.Length];
        for (var i = 0; i < added.Length; i++)
        {
            CheckNewPrefix(prefixes[i].Span);
            added[i] = new(NextShard + (uint)i, prefixes[i].ToArray());
        }

        Sort(added);
        return added;
    }

    /// <exception cref="DmtException">InvalidArgument for a prefix that is there twice.</exception>
    private static void Sort(ShardEntry[] added)
    {
        Array.Sort(added, static (a, b) => a.PrefixBytes.AsSpan().SequenceCompareTo(b.PrefixBytes));
        for (var i = 1; i < added.Length; i++)
        {
            if (added[i].PrefixBytes.AsSpan().SequenceEqual(added[i - 1].PrefixBytes))
            {
                throw DmtException.InvalidArgument(
                    $"the prefix \"{Key.ToDisplay(added[i].PrefixBytes)}\" is given twice: expected each once");
            }
        }
    }

    private void CheckNumbers(int count)
    {
        if ((uint)count > uint.MaxValue - NextShard)
        {
            throw DmtException.InvalidArgument(
                $"there are no numbers for {count} more shards: the next is {NextShard}, "
                + $"and the last is {uint.MaxValue - 1}");
        }
    }

    private void CheckNewPrefix(ReadOnlySpan<byte> prefix)
    {
        if (prefix.Length is < 1 or > Key.BytesMax)
        {
            throw DmtException.InvalidArgument(
                $"the prefix \"{Key.ToDisplay(prefix)}\" of a new shard has {prefix.Length} bytes: "
                + $"expected 1 to {Key.BytesMax}");
        }

        var found = Find(prefix);
        if (found.PrefixBytes.Length == prefix.Length)
        {
            throw DmtException.InvalidArgument(
                $"the prefix \"{Key.ToDisplay(prefix)}\" is that of shard {found.Shard} in version {Version} of the "
                + "shard map: expected one that no shard has");
        }
    }

    private ShardMap With(ShardEntry[] added, long version, uint nextShard)
    {
        var merged = new ShardEntry[Count + added.Length];
        var (mine, other) = (0, 0);
        for (var i = 0; i < merged.Length; i++)
        {
            var takeMine = other == added.Length || (mine < Count
                && _entries[mine].PrefixBytes.AsSpan().SequenceCompareTo(added[other].PrefixBytes) < 0);
            merged[i] = takeMine ? _entries[mine++] : added[other++];
        }

        return new(version, nextShard, merged);
    }

    private long NextVersion() => Version < VersionMax ? Version + 1
        : throw DmtException.InvalidArgument($"version {Version} of the shard map is the last that can be named");
}
