using Dmt.Core.Keys;
using Dmt.Core.Sharding;

namespace Dmt.Core.Tests.Sharding;

/// <summary>What a shard map must answer, by looking at every prefix: the brute force that maps are compared with.
/// </summary>
internal sealed class MapModel
{
    private readonly Dictionary<uint, byte[]> _prefixes = new() { [ShardMap.Root] = [] };

    public long Version { get; private set; } = 1;

    public uint NextShard { get; private set; } = 2;

    public IReadOnlyDictionary<uint, byte[]> Prefixes => _prefixes;

    public bool Has(byte[] prefix) => _prefixes.Values.Any(p => p.AsSpan().SequenceEqual(prefix));

    public void Carve(params IEnumerable<byte[]> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            _prefixes.Add(NextShard++, prefix);
        }

        Version++;
    }

    public void Add(uint shard, byte[] prefix)
    {
        _prefixes.Add(shard, prefix);
        (NextShard, Version) = (shard + 1, Version + 1);
    }

    public void Merge(uint shard)
    {
        Assert.True(_prefixes.Remove(shard));
        Version++;
    }

    public uint Find(byte[] key) =>
        _prefixes.Where(p => key.AsSpan().StartsWith(p.Value)).MaxBy(p => p.Value.Length).Key;

    public uint? Parent(uint shard)
    {
        var prefix = _prefixes[shard];
        return prefix.Length == 0 ? null : _prefixes
            .Where(p => p.Value.Length < prefix.Length && prefix.AsSpan().StartsWith(p.Value))
            .MaxBy(p => p.Value.Length).Key;
    }

    /// <summary>Asserts that the map answers as the model does, for these keys (sorted) and all shards.</summary>
    public void Check(ShardMap map, IReadOnlyList<byte[]> keys)
    {
        Assert.Equal((Version, NextShard, _prefixes.Count), (map.Version, map.NextShard, map.Count));
        var order = _prefixes.OrderBy(p => p.Value, ByByte).ToArray();
        Assert.Equal(order.Select(p => p.Key), map.Entries.Select(e => e.Shard));
        var owners = keys.Select(Find).ToArray();
        CheckTree(map, order);
        CheckKeys(map, keys, owners);
        CheckSegments(map, KeyRange.All, keys, owners);
        foreach (var (shard, prefix) in _prefixes)
        {
            Assert.Equal(prefix, map.Get(shard).Prefix.ToArray());
            var owned = map.OwnedBy(shard).ToArray();
            Assert.Equal(map.Segments(KeyRange.All).Where(s => s.Shard == shard).Select(s => s.Range), owned);
        }
    }

    /// <summary>Asserts that the segments cover the range exactly, in order, each of one owner, none without a
    /// possible key.</summary>
    public static void CheckSegments(ShardMap map, KeyRange range, IReadOnlyList<byte[]> keys, uint[] owners)
    {
        var segments = map.Segments(range).ToArray();
        Assert.Equal(segments.Reverse(), map.Segments(range, reverse: true));
        for (var i = 0; i < segments.Length; i++)
        {
            Assert.False(segments[i].Range.IsEmpty);
            if (i > 0)
            {
                Assert.Equal(segments[i - 1].Range.End!.Value.ToArray(), segments[i].Range.Start.ToArray());
                Assert.NotEqual(segments[i - 1].Shard, segments[i].Shard);
            }
        }

        if (segments.Length > 0)
        {
            var whole = new KeyRange(segments[0].Range.Start, segments[^1].Range.End);
            Assert.True(Same(whole, range), "the segments reach as far as the range");
        }
        else
        {
            Assert.True(range.IsEmpty);
        }

        var at = 0;
        for (var i = 0; i < keys.Count; i++)
        {
            if (!range.Contains(keys[i]))
            {
                continue;
            }

            while (!segments[at].Range.Contains(keys[i]))
            {
                at++;
            }

            Assert.Equal(owners[i], segments[at].Shard);
        }
    }

    public static int Compare(byte[] a, byte[] b) => a.AsSpan().SequenceCompareTo(b);

    private static Comparer<byte[]> ByByte { get; } = Comparer<byte[]>.Create(Compare);

    private static void CheckKeys(ShardMap map, IReadOnlyList<byte[]> keys, uint[] owners)
    {
        for (var i = 0; i < keys.Count; i++)
        {
            var segment = map.SegmentAt(keys[i]);
            if (map.Find(keys[i]).Shard != owners[i] || segment.Shard != owners[i]
                || !segment.Range.Contains(keys[i]) || !map.Owns(owners[i], keys[i]))
            {
                Assert.Fail($"{Convert.ToHexString(keys[i])} is {owners[i]}'s, not {map.Find(keys[i])}'s ({segment})");
            }
        }
    }

    private void CheckTree(ShardMap map, KeyValuePair<uint, byte[]>[] order)
    {
        foreach (var (shard, _) in order)
        {
            Assert.Equal(Parent(shard), map.Parent(shard)?.Shard);
            Assert.Equal(
                order.Where(p => Parent(p.Key) == shard).Select(p => p.Key), map.Children(shard).Select(c => c.Shard));
        }
    }

    /// <summary>The same keys, though the one may begin at nothing and the other at the least key.</summary>
    private static bool Same(KeyRange a, KeyRange b) =>
        (a.End, b.End) is (null, null) or (not null, not null)
        && a.End.GetValueOrDefault().Span.SequenceEqual(b.End.GetValueOrDefault().Span)
        && (a.Start.Span.SequenceEqual(b.Start.Span)
            || (new KeyRange(default, a.Start).IsEmpty && new KeyRange(default, b.Start).IsEmpty));
}
