using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Sharding;

/// <summary>Maps against brute force: every small world there is, and random larger ones.</summary>
public sealed class ShardMapWorldTests
{
    private static readonly byte[][] TwoBytes = Strings([0x00, 0xFF], 3);
    private static readonly byte[][] ThreeBytes = Strings([0x00, 0x61, 0xFF], 3);
    private static readonly byte[][] ThreeBytesShort = Strings([0x00, 0x61, 0xFF], 2);

    /// <summary>Every key over an alphabet, to one byte more than the prefixes, in order.</summary>
    private static readonly byte[][] TwoByteKeys = Strings([0x00, 0x01, 0xFF], 4);
    private static readonly byte[][] ThreeByteKeys = Strings([0x00, 0x61, 0xFF], 4);
    private static readonly byte[][] FewKeys = Strings([0x00, 0x61, 0x62, 0xFF], 3);

    /// <summary>A number chooses what is done and to what, so that FsCheck can shrink whole histories.</summary>
    private static readonly Gen<Step[]> Histories =
        from length in Gen.Choose(1, 30)
        from steps in (
            from what in Gen.Choose(0, 9)
            from prefix in Property.Bytes(1, 4)
            from other in Property.Bytes(1, 4)
            from which in Gen.Choose(0, 1000)
            select new Step(what, prefix, other, which)).ArrayOf(length)
        select steps;

    [Fact]
    public void Three_carves_of_a_world_of_two_bytes_agree_with_brute_force() =>
        CarveAll(ShardMap.Initial, [], TwoBytes, TwoByteKeys, 3);

    [Fact]
    public void Two_carves_of_a_world_of_three_bytes_agree_with_brute_force() =>
        CarveAll(ShardMap.Initial, [], ThreeBytes, ThreeByteKeys, 2);

    [Fact]
    public void Every_set_of_prefixes_of_a_small_world_agrees_with_brute_force()
    {
        for (var set = 0; set < 1 << ThreeBytesShort.Length; set++)
        {
            var chosen = ThreeBytesShort.Where((_, i) => (set >> i & 1) != 0).ToArray();
            var map = ShardMap.PreSplit([.. chosen.Select(p => (ReadOnlyMemory<byte>)p)]);
            var expected = chosen.Prepend([]).ToArray();
            var owners = new Dictionary<uint, byte[]>(
                map.Entries.Select(e => KeyValuePair.Create(e.Shard, e.Prefix.ToArray())));
            Assert.Equal(expected.Length, owners.Count);
            foreach (var key in FewKeys)
            {
                var best = expected.Where(p => key.AsSpan().StartsWith(p)).Max(p => p.Length);
                var found = map.Find(key);
                Assert.True(
                    found.Prefix.Length == best && key.AsSpan().StartsWith(found.Prefix.Span)
                    && map.SegmentAt(key) is var at && at.Shard == found.Shard && at.Range.Contains(key),
                    $"set {set}, key {Convert.ToHexString(key)}");
            }
        }
    }

    [Fact]
    public void Every_range_of_a_small_world_is_covered_exactly()
    {
        byte[][] ends = [[], .. Strings([0x00, 0x61, 0xFF], 2)];
        var keys = ThreeByteKeys;
        foreach (var map in new[]
        {
            ShardMap.Initial,
            ShardMap.PreSplit([new byte[] { 0 }, new byte[] { 0x61, 0 }, new byte[] { 0xFF }]),
            ShardMap.PreSplit([new byte[] { 0x61 }, new byte[] { 0x61, 0xFF }, new byte[] { 0x61, 0xFF, 0xFF }]),
            ShardMap.PreSplit([new byte[] { 0xFF }, new byte[] { 0xFF, 0xFF }, new byte[] { 0, 0 }]),
        })
        {
            var owners = keys.Select(k => map.Find(k).Shard).ToArray();
            foreach (var start in ends)
            {
                MapModel.CheckSegments(map, new(start, null), keys, owners);
                foreach (var end in ends)
                {
                    MapModel.CheckSegments(map, new(start, end), keys, owners);
                }
            }
        }
    }

    [Fact]
    public void Histories_of_carves_merges_and_additions_agree_with_brute_force() => Property.Holds(
        Histories,
        steps =>
        {
            var (map, model) = (ShardMap.Initial, new MapModel());
            foreach (var step in steps)
            {
                map = step.Do(map, model);
            }

            var keys = steps.SelectMany(s => new[] { s.Prefix, s.Other, [.. s.Prefix, 0], [.. s.Prefix, .. s.Other] })
                .Concat(steps.Where(s => s.Prefix.Length > 1).Select(s => s.Prefix[..^1]))
                .Order(Comparer<byte[]>.Create(MapModel.Compare)).ToArray();
            model.Check(map, keys);
            var owners = keys.Select(model.Find).ToArray();
            MapModel.CheckSegments(map, new(steps[0].Prefix, steps[^1].Other), keys, owners);
            MapModel.CheckSegments(map, KeyRange.Prefix(steps[0].Prefix), keys, owners);
            model.Check(ShardMapCodec.Decode(ShardMapCodec.Encode(map), "map"), keys);
            return true;
        },
        300);

    [Fact]
    public void What_was_carved_and_merged_again_owns_what_it_did_before() => Property.Holds(
        from steps in Histories
        from prefix in Property.Bytes(1, 4)
        select (steps, prefix),
        x =>
        {
            var (map, model) = (ShardMap.Initial, new MapModel());
            foreach (var step in x.steps)
            {
                map = step.Do(map, model);
            }

            if (model.Has(x.prefix))
            {
                return true;
            }

            var back = map.Carve(x.prefix, out var child).Merge(child);
            return back.Segments(KeyRange.All).SequenceEqual(map.Segments(KeyRange.All))
                && back.Entries.SequenceEqual(map.Entries)
                && (back.Version, back.NextShard) == (map.Version + 2, map.NextShard + 1);
        },
        300);

    private static void CarveAll(ShardMap map, byte[][] done, byte[][] prefixes, byte[][] keys, int depth)
    {
        var model = new MapModel();
        Array.ForEach(done, prefix => model.Carve(prefix));
        model.Check(map, keys);
        foreach (var prefix in prefixes.Where(p => depth > 0 && !model.Has(p)))
        {
            var child = map.Carve(prefix, out var number);
            Assert.Equal(map.NextShard, number);
            CarveAll(child, [.. done, prefix], prefixes, keys, depth - 1);
        }
    }

    /// <summary>All strings of 1 to <paramref name="length"/> letters, in bytewise order.</summary>
    private static byte[][] Strings(byte[] letters, int length)
    {
        IEnumerable<byte[]> longest = [[]];
        var all = new List<byte[]>();
        for (var i = 0; i < length; i++)
        {
            longest = [.. longest.SelectMany(_ => letters, (head, letter) => (byte[])[.. head, letter])];
            all.AddRange(longest);
        }

        return [.. all.Order(Comparer<byte[]>.Create(MapModel.Compare))];
    }

    /// <summary>One change of a map and of its model.</summary>
    private sealed record Step(int What, byte[] Prefix, byte[] Other, int Which)
    {
        public ShardMap Do(ShardMap map, MapModel model)
        {
            switch (What)
            {
                case <= 4 when !model.Has(Prefix):
                    model.Carve(Prefix);
                    return map.Carve(Prefix, out _);
                case 5 when !model.Has(Prefix) && !model.Has(Other) && !Prefix.AsSpan().SequenceEqual(Other):
                    model.Carve(Prefix, Other);
                    return map.Carve([Prefix, Other], out _);
                case 6 when !model.Has(Prefix):
                    var shard = model.NextShard + ((uint)Which % 3);
                    model.Add(shard, Prefix);
                    return map.Add(shard, Prefix);
                case > 6 when map.Count > 1:
                    var gone = map.Entries[1 + (Which % (map.Count - 1))].Shard;
                    model.Merge(gone);
                    return map.Merge(gone);
                default:
                    return map;
            }
        }

        public override string ToString() =>
            $"{What} {Convert.ToHexString(Prefix)} {Convert.ToHexString(Other)} {Which}";
    }
}
