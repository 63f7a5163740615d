using System.Text;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;

namespace Dmt.Core.Tests.Sharding;

public sealed class ShardMapTests
{
    [Fact]
    public void The_first_map_gives_everything_to_the_root()
    {
        var map = ShardMap.Initial;

        Assert.Equal((1L, 2u, 1), (map.Version, map.NextShard, map.Count));
        Assert.Equal(ShardMap.Root, map.Find([0xFF, 0xFF]).Shard);
        Assert.Equal(ShardMap.Root, map.Find([]).Shard);
        Assert.Equal(new ShardSegment(1, KeyRange.All), Assert.Single(map.Segments(KeyRange.All)));
        Assert.Null(map.Parent(ShardMap.Root));
        Assert.Equal("map/0000000000000001", map.ObjectName);
    }

    [Fact]
    public void A_shard_owns_what_lies_before_between_and_after_its_children()
    {
        var map = Map("a", "ab", "ad");

        Assert.Equal(["[,a) 1", "[a,ab) 2", "[ab,ac) 3", "[ac,ad) 2", "[ad,ae) 4", "[ae,b) 2", "[b,) 1"], All(map));
        Assert.Equal(["a", "ac", "ae"], map.OwnedBy(2).Select(r => Text(r.Start)));
        Assert.Equal("[ac,ad) 2", Text(map.SegmentAt("acz"u8)));
        Assert.Equal([3u, 4u], map.Children(2).Select(c => c.Shard));
        Assert.Equal(["[abc,ac) 3", "[ac,ad) 2", "[ad,adq) 4"], Texts(map.Segments(Range("abc", "adq"))));
    }

    [Fact]
    public void A_shard_carved_between_two_takes_over_the_children_below_it()
    {
        var map = Map("abc", "abd").Carve("ab"u8.ToArray(), out var middle);

        Assert.Equal([middle, middle], [map.Parent(2)!.Shard, map.Parent(3)!.Shard]);
        Assert.Equal(ShardMap.Root, map.Parent(middle)!.Shard);
        map = map.Merge(middle);
        Assert.Equal([2u, 3u], map.Children(ShardMap.Root).Select(c => c.Shard));
        Assert.Equal((3L, middle + 1), (map.Version, map.NextShard));
    }

    [Fact]
    public void A_number_is_never_given_again()
    {
        var map =
            ShardMap.Initial.Carve("a"u8.ToArray(), out var first).Merge(first).Carve("a"u8.ToArray(), out var next);

        Assert.Equal((2u, 3u, 4u), (first, next, map.NextShard));
    }

    [Fact]
    public void A_change_leaves_the_map_before_it_as_it_was()
    {
        var map = Map("a", "ab");
        var before = ShardMapCodec.Encode(map);
        var prefix = "abc"u8.ToArray();
        var after = map.Carve(prefix, out _);
        map.Merge(2);
        map.Add(9, "x"u8.ToArray());
        prefix[0] = (byte)'z';

        Assert.Equal(before, ShardMapCodec.Encode(map));
        Assert.Equal("abc", Text(after.Find("abcd"u8).Prefix));
    }

    [Fact]
    public void Several_prefixes_are_carved_in_one_version_and_numbered_as_given()
    {
        var map = ShardMap.Initial.Carve([Bytes("b"), Bytes("a"), Bytes("ab")], out var first);

        Assert.Equal((2L, 2u, 5u), (map.Version, first, map.NextShard));
        Assert.Equal(["1 ", "3 a", "4 ab", "2 b"], map.Entries.Select(e => $"{e.Shard} {Text(e.Prefix)}"));
    }

    [Fact]
    public void Adding_brings_a_carve_to_its_end_once()
    {
        var map = ShardMap.Initial.Add(7, "a"u8.ToArray());

        Assert.Equal((2L, 8u, 7u), (map.Version, map.NextShard, map.Find("ab"u8).Shard));
        Assert.Same(map, map.Add(7, "a"u8.ToArray()));
        Assert.Same(map, map.Add(ShardMap.Root, default));
        Refused("shard 7 cannot have the prefix \"b\"", () => map.Add(7, "b"u8.ToArray()));
        Refused("the prefix \"a\" is that of shard 7", () => map.Add(8, "a"u8.ToArray()));
        Refused("expected 1 to 1024", () => map.Add(8, default));
        Refused("shard 0 cannot be added", () => map.Add(0, "b"u8.ToArray()));
        Refused("shard 4294967295 cannot be added", () => map.Add(uint.MaxValue, "b"u8.ToArray()));
    }

    [Fact]
    public void Reserved_numbers_are_given_to_nobody_else_and_may_be_added_in_any_order()
    {
        var map = Map("a").Reserve(2, out var first).Carve("c"u8.ToArray(), out var other);

        Assert.Equal((3u, 5u), (first, other));
        map = map.Add(4, "d"u8.ToArray()).Add(3, "b"u8.ToArray());
        Assert.Equal(
            ["1 ", "2 a", "3 b", "5 c", "4 d"], map.Entries.Select(e => $"{e.Shard} {Text(e.Prefix)}"));
        Assert.Equal((6u, 5L), (map.NextShard, map.Version));
        Assert.Throws<ArgumentOutOfRangeException>(() => map.Reserve(0, out _));
    }

    [Fact]
    public void Bad_changes_are_refused_by_name()
    {
        var map = Map("a");

        Refused("the prefix \"a\" is that of shard 2 in version 1", () => map.Carve("a"u8.ToArray(), out _));
        Refused("has 0 bytes: expected 1 to 1024", () => map.Carve(ReadOnlyMemory<byte>.Empty, out _));
        Refused("has 1025 bytes: expected 1 to 1024", () => map.Carve(new byte[1025], out _));
        Refused("\"b\" is given twice", () => map.Carve([Bytes("b"), Bytes("c"), Bytes("b")], out _));
        Refused("expected at least 1", () => map.Carve([], out _));
        Refused("shard 1 is the root", () => map.Merge(ShardMap.Root));
        Refused("shard 3 is not in version 1 of the shard map", () => map.Merge(3));
        Refused("shard 3 is not in version 1", () => map.OwnedBy(3));
        Refused("shard 3 is not in version 1", () => map.Children(3));
        Refused("shard 3 is not in version 1", () => map.Parent(3));
        Refused("shard 3 is not in version 1", () => map.Get(3));
        Refused("\"a\" is given twice", () => ShardMap.PreSplit(Bytes("a"), Bytes("a")));
        Refused("there are no numbers for 2 more", () => map
            .Add(uint.MaxValue - 2, "x"u8.ToArray()).Carve([Bytes("y"), Bytes("z")], out _));
        Assert.False(map.TryGet(3, out _));
    }

    [Fact]
    public void A_root_of_which_all_was_carved_out_owns_nothing()
    {
        var map = ShardMap.PreSplit(
            [.. Enumerable.Range(0, 256).Select(b => (ReadOnlyMemory<byte>)new[] { (byte)b })]);

        Assert.Empty(map.OwnedBy(ShardMap.Root));
        Assert.Equal(256, map.Segments(KeyRange.All).Count());
        Assert.Equal(map.Find([0]).Shard, map.SegmentAt([]).Shard);
        Assert.Single(map.Merge(map.Find([77]).Shard).OwnedBy(ShardMap.Root));
    }

    [Fact]
    public void The_longest_prefixes_own_one_key_and_nothing_lies_behind_it()
    {
        var longest = Enumerable.Repeat((byte)'x', Key.BytesMax).ToArray();
        var map = ShardMap.Initial.Carve(longest, out var shard);

        Assert.Equal(shard, map.Find(longest).Shard);
        Assert.Equal(shard, map.SegmentAt([.. longest, 0]).Shard);
        Assert.Equal([shard, 1u], map.Segments(new(longest, null)).Select(s => s.Shard));
        // A scan goes on behind the last key that it saw: no key of the shard is left.
        Assert.Equal([1u], map.Segments(new((byte[])[.. longest, 0], null)).Select(s => s.Shard));
        Assert.Empty(map.Segments(new((byte[])[.. longest, 0], KeyRange.PrefixEnd(longest))));
    }

    [Fact]
    public void Segments_are_made_as_they_are_asked_for()
    {
        var map = TenThousand();
        using var segments = map.Segments(KeyRange.All).GetEnumerator();
        segments.MoveNext();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            segments.MoveNext();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Finding_a_shard_allocates_nothing()
    {
        var map = TenThousand();
        var key = Bytes("https://host77.example/42/x").Span;
        map.Find(key);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var sum = 0L;
        for (var i = 0; i < 1000; i++)
        {
            sum += map.Find(key).Shard + (map.Owns(5, key) ? 1 : 0);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual(0, sum);
    }

    /// <summary>Long shared beginnings, and starts that are alike in the eight bytes behind them.</summary>
    [Fact]
    public void Ten_thousand_shards_of_alike_prefixes_are_told_apart()
    {
        var map = TenThousand();
        Assert.Equal(10_001, map.Count);
        foreach (var entry in map.Entries)
        {
            foreach (var key in new byte[][] { [.. entry.Prefix.Span], [.. entry.Prefix.Span, (byte)'/', (byte)'x'] })
            {
                Assert.True(key.Length == 0 || map.Find(key).Equals(entry), $"{entry}");
            }
        }

        Assert.Equal(ShardMap.Root, map.Find("http"u8).Shard);
        Assert.Equal(ShardMap.Root, map.Find("zebra"u8).Shard);
        Assert.Equal(ShardMap.Root, map.Find("aardvark"u8).Shard);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 146)]
    [InlineData(2, 1442)]
    public void A_store_is_pre_split_where_text_begins(int kFactor, int count)
    {
        var prefixes = PreSplitPrefixes.Of(kFactor);
        var map = ShardMap.PreSplit(prefixes);

        Assert.Equal((count, count + 1, 1L, (uint)count + 2), (prefixes.Length, map.Count, map.Version, map.NextShard));
        Assert.All(prefixes, p => Assert.InRange(p.Length, 1, kFactor));
        foreach (var text in new[] { "apple", "Zebra", "42", "/path", " ", "é", "中", "😀", "~" })
        {
            Assert.Equal(kFactor > 0, map.Find(Encoding.UTF8.GetBytes(text)).Shard != ShardMap.Root);
        }

        Assert.Equal(kFactor, map.Find("apple"u8).Prefix.Length);
        Assert.Equal(ShardMap.Root, map.Find([0x80, 0]).Shard);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void There_is_no_list_for_other_lengths(int kFactor) =>
        Refused($"kFactor is {kFactor}: expected 0 to 2", () => PreSplitPrefixes.Of(kFactor));

    private static ShardMap TenThousand() => ShardMap.PreSplit([.. Enumerable.Range(0, 10_000)
        .Select(i => Bytes($"https://host{i / 100}.example/{i % 100:D2}"))]);

    private static ShardMap Map(params string[] prefixes) => ShardMap.PreSplit([.. prefixes.Select(Bytes)]);

    private static KeyRange Range(string start, string end) => new(Bytes(start), Bytes(end));

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string[] All(ShardMap map) => Texts(map.Segments(KeyRange.All));

    private static string[] Texts(IEnumerable<ShardSegment> segments) => [.. segments.Select(Text)];

    private static string Text(ShardSegment segment) =>
        $"[{Text(segment.Range.Start)},{Text(segment.Range.End.GetValueOrDefault())}) {segment.Shard}";

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static void Refused(string message, Func<object?> change)
    {
        var error = Assert.Throws<DmtException>(change);
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
