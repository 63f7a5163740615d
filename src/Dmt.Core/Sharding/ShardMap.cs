// How the map finds a shard: as intervals, not as a tree.
//
// A shard owns the keys under its prefix less those under longer prefixes of the map. Written down from the first key
// to the last, that is a row of intervals, each of one owner: a shard begins one at its prefix, and its parent goes on
// at the end of that prefix. So n shards make 2n - 1 intervals at most, longest-prefix match is "the last interval that
// begins at or before the key", a range is a run of intervals, and neither climbs a tree.
//
// Invariants, once Build has run:
// - Entries are sorted by prefix, each prefix once. A shard's descendants follow it directly, up to _subtreeEnds.
// - Starts rise strictly; interval i reaches up to start i + 1; together they hold every key.
// - No interval is empty: of several that begin at one place only the last one is kept, and what would lie before the
//   least key (one zero byte) is not kept. So a root of which everything was carved out owns no interval.
// - Neighbours have different owners, for every shard but the root owns at least the key that is its prefix.
//
// The search compares eight bytes as one number, taken behind what all starts but the first have in common ("https://"
// says nothing about which of two intervals a URL belongs to), and bytes only where these are equal.
//
// A change makes a new map from the entries, which the maps share, in time proportional to their number.
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Dmt.Core.Sharding;

/// <summary>
/// Which shard a key belongs to: the one with the longest prefix that the key begins with. One version of it; every
/// change makes the next one. Immutable, safe for concurrent use.
/// </summary>
public sealed partial class ShardMap
{
    /// <summary>The number of the root shard, whose prefix is empty. It is in every map.</summary>
    public const uint Root = 1;

    /// <summary>Highest version: what 16 digits can name.</summary>
    public const long VersionMax = 9_999_999_999_999_999;

    /// <summary>Where the versions of the map lie in the object store.</summary>
    public const string Folder = "map/";

    private readonly ShardEntry[] _entries;

    /// <summary>For each entry the index of its parent; -1 for the root.</summary>
    private readonly int[] _parents;

    /// <summary>For each entry the index after its last descendant.</summary>
    private readonly int[] _subtreeEnds;

    private readonly Dictionary<uint, int> _indexOfShard;

    /// <param name="version">1 to <see cref="VersionMax"/>.</param>
    /// <param name="nextShard">Above the number of every entry.</param>
    /// <param name="sorted">By prefix, the root first; prefixes and numbers are unique.</param>
    internal ShardMap(long version, uint nextShard, ShardEntry[] sorted)
    {
        (Version, NextShard, _entries) = (version, nextShard, sorted);
        (_parents, _subtreeEnds) = (new int[sorted.Length], new int[sorted.Length]);
        _indexOfShard = new(sorted.Length);
        for (var i = 0; i < sorted.Length; i++)
        {
            _indexOfShard.Add(sorted[i].Shard, i);
        }

        Entries = Array.AsReadOnly(sorted);
        BuildIntervals(out _starts, out _owners);
        (_sharedLength, _heads) = CompressStarts(_starts);
        (_firstIntervals, _nextIntervals) = ChainIntervals(_owners, sorted.Length);
    }

    /// <summary>The first map of a store: everything belongs to the root.</summary>
    public static ShardMap Initial { get; } = new(1, Root + 1, [new ShardEntry(Root, [])]);

    /// <summary>Counts the changes, from 1.</summary>
    public long Version { get; }

    /// <summary>The number that the next new shard gets: above all that were ever given.</summary>
    public uint NextShard { get; }

    /// <summary>All shards, in bytewise order of their prefixes: the root first, each parent before its
    /// children.</summary>
    public IReadOnlyList<ShardEntry> Entries { get; }

    /// <summary>How many shards there are, the root included.</summary>
    public int Count => _entries.Length;

    /// <summary>The name of the object that holds this version.</summary>
    public string ObjectName => NameOf(Version);

    /// <summary>The name of the object that holds a version.</summary>
    public static string NameOf(long version) => string.Create(CultureInfo.InvariantCulture, $"{Folder}{version:D16}");

    /// <summary>The shard that <paramref name="key"/> belongs to. Allocates nothing.</summary>
    /// <param name="key">A key; empty and overlong bytes are answered too (the root has the empty prefix).</param>
    public ShardEntry Find(ReadOnlySpan<byte> key) =>
        key.IsEmpty ? _entries[0] : _entries[_owners[IntervalOf(key)]];

    /// <summary>True when <paramref name="key"/> belongs to <paramref name="shard"/>. Allocates nothing.</summary>
    public bool Owns(uint shard, ReadOnlySpan<byte> key) => Find(key).Shard == shard;

    public bool TryGet(uint shard, [MaybeNullWhen(false)] out ShardEntry entry)
    {
        var found = _indexOfShard.TryGetValue(shard, out var index);
        entry = found ? _entries[index] : null;
        return found;
    }

    /// <summary>The shard of this number.</summary>
    /// <exception cref="DmtException">InvalidArgument where it is not in the map.</exception>
    public ShardEntry Get(uint shard) => _entries[IndexOf(shard)];

    /// <summary>The shard that would own this one's keys if it were not there: the one with the longest shorter prefix
    /// of its prefix. Null for the root.</summary>
    /// <exception cref="DmtException">InvalidArgument where the shard is not in the map.</exception>
    public ShardEntry? Parent(uint shard) => _parents[IndexOf(shard)] is var parent and >= 0 ? _entries[parent] : null;

    /// <summary>The shards whose <see cref="Parent"/> this one is, in order of their prefixes.</summary>
    /// <exception cref="DmtException">InvalidArgument where the shard is not in the map.</exception>
    public IEnumerable<ShardEntry> Children(uint shard)
    {
        return Walk(IndexOf(shard));

        IEnumerable<ShardEntry> Walk(int parent)
        {
            for (var i = parent + 1; i < _subtreeEnds[parent]; i = _subtreeEnds[i])
            {
                yield return _entries[i];
            }
        }
    }

    public override string ToString() => $"version {Version} of the shard map, {Count} shards";

    private int IndexOf(uint shard) => _indexOfShard.TryGetValue(shard, out var index) ? index
        : throw DmtException.InvalidArgument(
            $"shard {shard} is not in version {Version} of the shard map, which has {Count} shards, "
            + $"with numbers from {Root} to {NextShard - 1}");

    /// <summary>The first eight bytes as a number that is ordered like them; zeros where there are fewer.</summary>
    private static ulong Head(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= sizeof(ulong))
        {
            return BinaryPrimitives.ReadUInt64BigEndian(bytes);
        }

        ulong head = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            head |= (ulong)bytes[i] << (56 - (8 * i));
        }

        return head;
    }
}
