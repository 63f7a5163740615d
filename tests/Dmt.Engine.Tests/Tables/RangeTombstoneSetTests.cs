using Dmt.Engine.Tables;
using FsCheck.Fluent;
using Property = Dmt.Engine.Tests.Torture.Property;

namespace Dmt.Engine.Tests.Tables;

public sealed class RangeTombstoneSetTests
{
    private static readonly byte[] Letters = "abcdefgh"u8.ToArray();

    /// <summary>A range of letters, open at the end where To is 0; as numbers, so that it shrinks and prints.</summary>
    private sealed record Cover(int From, int To, int Sequence)
    {
        public RangeTombstone Tombstone => new(Bound(From), To == 0 ? null : Bound(To), (ulong)Sequence);
    }

    [Fact]
    public void Cutting_tombstones_changes_nothing_about_what_they_cover() => Property.Holds(
        from count in Gen.Choose(0, 12)
        from covers in Gen.ListOf(
            from start in Gen.Choose(0, 16)
            from end in Gen.Choose(0, 16)
            from sequence in Gen.Choose(1, 9)
            select new Cover(start, end, sequence), count)
        select covers.ToArray(),
        static covers => covers.Select((_, i) => covers.Where((_, other) => other != i).ToArray()),
        static covers => Check([.. covers.Select(static cover => cover.Tombstone)]),
        tests: 3000);

    [Fact]
    public void Fragments_of_nested_ranges_carry_the_sequences_of_all_around_them()
    {
        var set = RangeTombstoneSet.Build(
        [
            new RangeTombstone("c"u8.ToArray(), "e"u8.ToArray(), 5),
            new RangeTombstone([], null, 1),
            new RangeTombstone("a"u8.ToArray(), "e"u8.ToArray(), 9),
        ]);
        Assert.Equal(
            ["-a:1", "a-c:9,1", "c-e:9,5,1", "e-:1"],
            set.Fragments.ToArray().Select(static f =>
                $"{Text(f.Start)}-{Text(f.End)}:{string.Join(',', f.Sequences)}"));
    }

    private static void Check(RangeTombstone[] tombstones)
    {
        var set = RangeTombstoneSet.Build(tombstones);
        foreach (var key in Enumerable.Range(1, 17).Select(Bound).Append([0]).Append([0xFF, 0xFF]))
        {
            for (var asOf = 0UL; asOf <= 10; asOf++)
            {
                var expected = tombstones.Where(t => t.Covers(key) && t.Sequence <= asOf)
                    .Select(static t => t.Sequence).DefaultIfEmpty().Max();
                Assert.Equal(expected, set.CoveringSequence(key, asOf));
            }
        }

        var fragments = set.Fragments.ToArray();
        Assert.All(fragments, static f => Assert.NotEmpty(f.Sequences));
        Assert.All(fragments, static f => Assert.Equal(f.Sequences.Distinct().OrderDescending(), f.Sequences));
        Assert.All(fragments, static f => Assert.True(RangeTombstone.CompareEnds(f.Start, f.End) < 0));
        Assert.All(
            fragments.Zip(fragments.Skip(1)),
            static pair => Assert.True(RangeTombstone.CompareEnds(pair.First.End, pair.Second.Start) <= 0));
        var again = RangeTombstoneSet.Build([.. set.Tombstones()]);
        Assert.Equal(fragments.Length, again.Count);
    }

    /// <summary>0 is the empty key; the others are letters and, between them, letters with a zero byte.</summary>
    private static byte[] Bound(int i) => i switch
    {
        0 => [],
        _ when i % 2 == 1 => [Letters[Math.Min((i - 1) / 2, 7)]],
        _ => [Letters[Math.Min((i - 1) / 2, 7)], 0],
    };

    private static string Text(byte[]? bytes) => System.Text.Encoding.ASCII.GetString(bytes ?? []);
}
