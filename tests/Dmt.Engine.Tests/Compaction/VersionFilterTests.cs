using System.Text;
using Dmt.Engine.Compaction;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Compaction;

public sealed class VersionFilterTests
{
    private const long NowMs = 1_000_000;

    [Fact]
    public void Without_snapshots_only_the_newest_version_of_a_key_is_kept() =>
        Assert.Equal(["a9", "b2", "c3-"], Kept([], [], false, "a9", "a8", "a1-", "b2", "c3-", "c2"));

    [Fact]
    public void Each_snapshot_keeps_the_newest_version_that_it_sees()
    {
        Assert.Equal(["a9", "a5", "a2"], Kept([2, 5], [], false, "a9", "a8", "a5", "a4", "a3", "a2", "a1"));
        Assert.Equal(["a4"], Kept([2, 5], [], false, "a4", "a3"));
        Assert.Equal(["a3", "b1"], Kept([7], [], false, "a3", "a2", "b1"));
    }

    [Fact]
    public void A_tombstone_goes_at_the_bottom_only_and_only_where_no_older_snapshot_can_tell()
    {
        Assert.Equal(["a3-"], Kept([], [], false, "a3-", "a2"));
        Assert.Empty(Kept([], [], true, "a3-", "a2"));
        Assert.Equal(["a3-", "a2"], Kept([2], [], true, "a3-", "a2"));
        Assert.Equal(["a9"], Kept([5], [], true, "a9", "a4-", "a3"));
    }

    [Fact]
    public void An_expired_put_becomes_a_tombstone_that_still_hides_what_is_older()
    {
        Assert.Equal(["a3-"], Kept([], [], false, $"a3@{NowMs}", "a2"));
        Assert.Empty(Kept([], [], true, $"a3@{NowMs}", "a2"));
        Assert.Equal([$"a3@{NowMs + 1}"], Kept([], [], true, $"a3@{NowMs + 1}", "a2"));
        Assert.Equal(["a3-", "a2"], Kept([2], [], true, $"a3@{NowMs - 1}", "a2"));
    }

    [Fact]
    public void A_range_tombstone_hides_older_versions_of_its_own_stripe_only()
    {
        RangeTombstone[] deletions = [new("b"u8.ToArray(), "d"u8.ToArray(), 6)];
        Assert.Equal(["a1", "c7", "d1"], Kept([], deletions, false, "a1", "b5", "c7", "c2", "d1"));
        Assert.Equal(["b5"], Kept([5], deletions, false, "b5", "b4"));
        Assert.Empty(Kept([4], deletions, false, "b5"));
        Assert.Equal(["b9", "b3"], Kept([3, 8], deletions, false, "b9", "b5", "b3", "b2"));
    }

    [Fact]
    public void Range_tombstones_are_kept_once_for_each_stripe_and_go_at_the_bottom()
    {
        RangeTombstone[] deletions =
        [
            new("a"u8.ToArray(), "c"u8.ToArray(), 2), new("a"u8.ToArray(), "c"u8.ToArray(), 4),
            new("b"u8.ToArray(), null, 7),
        ];
        Assert.Equal(["a-b:4", "b-c:7", "c-:7"], KeptRanges([], deletions, false));
        Assert.Equal(["a-b:4", "a-b:2", "b-c:7", "b-c:2", "c-:7"], KeptRanges([3], deletions, false));
        Assert.Equal(["a-b:4", "b-c:7", "c-:7"], KeptRanges([3], deletions, true));
        Assert.Empty(KeptRanges([], deletions, true));
    }

    /// <summary>What any open snapshot, or a reader of now, sees is the same before and after.</summary>
    [Fact]
    public void No_reader_can_tell_what_was_dropped()
    {
        for (var seed = 0; seed < 5000; seed++)
        {
            var random = new Random(seed);
            var snapshots = Enumerable.Range(0, random.Next(4)).Select(_ => (ulong)random.Next(1, 30))
                .Distinct().Order().ToArray();
            var isBottom = random.Next(2) == 0;
            var sequences = Enumerable.Range(1, 30).OrderBy(_ => random.Next()).ToArray();
            var deletions = sequences.Take(random.Next(4)).Select(sequence => Deletion(random, sequence)).ToArray();
            string[] entries =
            [
                .. sequences.Skip(4).Select(sequence => (Key: "abcd"[random.Next(4)], Sequence: sequence))
                    .OrderBy(static e => e.Key).ThenByDescending(static e => e.Sequence)
                    .Select(e => $"{e.Key}{e.Sequence}{(random.Next(3) == 0 ? "-" : "")}"),
            ];
            var kept = Kept(snapshots, deletions, isBottom, entries);
            var keptRanges = Filter(snapshots, deletions, isBottom).KeptRangeTombstones().ToArray();
            foreach (var asOf in snapshots.Append(ulong.MaxValue))
            {
                foreach (var key in "abcd")
                {
                    var before = Seen(entries, deletions, key, asOf);
                    var after = Seen(kept, keptRanges, key, asOf);
                    Assert.True(before == after, $"seed {seed}, key {key} as of {asOf}: {before} became {after}");
                }
            }
        }
    }

    private static RangeTombstone Deletion(Random random, int sequence)
    {
        var from = random.Next(4);
        var end = random.Next(3) == 0 ? null : new[] { (byte)('a' + random.Next(from + 1, 5)) };
        return new RangeTombstone([(byte)('a' + from)], end, (ulong)sequence);
    }

    /// <summary>The put that a reader as of a sequence number gets; null for none.</summary>
    private static string? Seen(IEnumerable<string> entries, RangeTombstone[] deletions, char key, ulong asOf)
    {
        var newest = entries.FirstOrDefault(entry => entry[0] == key && SequenceOf(entry) <= asOf);
        return newest is null || newest.EndsWith('-')
            || deletions.Any(d =>
                d.Covers([(byte)key]) && d.Sequence <= asOf && d.Sequence > SequenceOf(newest))
            ? null
            : newest;
    }

    private static ulong SequenceOf(string entry) =>
        ulong.Parse(entry[1..].TrimEnd('-').Split('@')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static VersionFilter Filter(ulong[] snapshots, RangeTombstone[] deletions, bool isBottom) =>
        new(snapshots, RangeTombstoneSet.Build(deletions), isBottom, NowMs);

    /// <summary>An entry is a letter and its sequence number; "-" marks a tombstone, "@" an expiry.</summary>
    private static List<string> Kept(
        ulong[] snapshots, RangeTombstone[] deletions, bool isBottom, params string[] entries)
    {
        var filter = Filter(snapshots, deletions, isBottom);
        var kept = new List<string>();
        foreach (var text in entries)
        {
            var entry = new EntryData
            {
                Key = Encoding.ASCII.GetBytes(text[..1]),
                Value = "value"u8,
                Sequence = SequenceOf(text),
                Kind = text.EndsWith('-') ? EntryKind.Tombstone : EntryKind.Put,
                ExpiresAtMs = text.Split('@') is [_, var expiry]
                    ? long.Parse(expiry, System.Globalization.CultureInfo.InvariantCulture)
                    : 0,
            };
            if (filter.Keep(ref entry))
            {
                Assert.Equal(entry.Kind == EntryKind.Put ? 5 : 0, text.EndsWith('-') ? 0 : entry.Value.Length);
                kept.Add($"{text[0]}{entry.Sequence}" + (entry.Kind == EntryKind.Tombstone ? "-"
                    : entry.ExpiresAtMs > 0 ? $"@{entry.ExpiresAtMs}" : ""));
            }
        }

        return kept;
    }

    private static IEnumerable<string> KeptRanges(ulong[] snapshots, RangeTombstone[] deletions, bool isBottom) =>
        Filter(snapshots, deletions, isBottom).KeptRangeTombstones().Select(static t =>
            $"{Encoding.ASCII.GetString(t.Start)}-{Encoding.ASCII.GetString(t.End ?? [])}:{t.Sequence}");
}
