using System.Text;
using Dmt.Engine.Compaction;
using Dmt.Engine.Objects;
using Dmt.Engine.Tables;
using Dmt.Engine.Tests.Tables;

namespace Dmt.Engine.Tests.Compaction;

public sealed class TableWriterTests : IAsyncDisposable
{
    private const int TableBytes = 2000;

    private readonly MemoryObjectStore _objects = new(TimeProvider.System);
    private ulong _number;

    public ValueTask DisposeAsync() => _objects.DisposeAsync();

    [Fact]
    public async Task Range_tombstones_are_cut_where_tables_are()
    {
        var entries = Enumerable.Range(0, 60).Select(static i => Entry($"k{i:D3}", 1000 + (ulong)i)).ToArray();
        RangeTombstone[] tombstones =
        [
            new("a"u8.ToArray(), "k000"u8.ToArray(), 1), new("k010"u8.ToArray(), "k050"u8.ToArray(), 2),
            new("x"u8.ToArray(), null, 3),
        ];
        var written = await WriteAsync(entries, tombstones);
        Assert.True(written.Count > 2, $"{written.Count} tables show little");
        AssertRun(written);
        Assert.Equal("a", Text(written[0].Smallest));
        Assert.True(written[^1].LargestUnbounded);
        Assert.All(written.SkipLast(1), static info => Assert.False(info.LargestUnbounded));
        foreach (var (info, next) in written.Zip(written.Skip(1)))
        {
            var table = await TableFixture.OpenAsync(_objects, info);
            Assert.All(table.RangeTombstones.Tombstones(), tombstone => Assert.True(
                RangeTombstone.CompareEnds(tombstone.End, next.Smallest) <= 0, TableFixture.Text(tombstone)));
        }
    }

    [Fact]
    public async Task Tombstones_without_entries_make_a_table_and_nothing_makes_none()
    {
        var written = await WriteAsync([], [new("b"u8.ToArray(), "c"u8.ToArray(), 9)]);
        var info = Assert.Single(written);
        Assert.Equal(("b", "c", 0L, 1L), (Text(info.Smallest), Text(info.Largest), info.Entries, info.RangeTombstones));
        Assert.Equal((9UL, 9UL), (info.SequenceMin, info.SequenceMax));
        Assert.Empty(await WriteAsync([], []));
    }

    [Fact]
    public async Task Versions_of_one_key_stay_in_one_table()
    {
        TestEntry[] entries =
        [
            Entry("a", 1), .. Enumerable.Range(0, 200).Select(static i => Entry("b", 1000 - (ulong)i)), Entry("c", 2),
        ];
        var snapshots = Enumerable.Range(800, 201).Select(static i => (ulong)i).ToArray();
        var written = await WriteAsync(entries, [], snapshots);
        Assert.Equal(["a-b", "c-c"], written.Select(static info => $"{Text(info.Smallest)}-{Text(info.Largest)}"));
        Assert.Equal([201L, 1L], written.Select(static info => info.Entries));
    }

    /// <summary>
    /// Whatever is written, the tables together say of each key what the entries and tombstones said.
    /// </summary>
    [Fact]
    public async Task Cutting_changes_nothing_about_what_is_covered()
    {
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            var entries = Enumerable.Range(0, 100).Where(_ => random.Next(2) == 0)
                .Select(i => Entry($"k{i:D3}", (ulong)random.Next(50, 100))).ToArray();
            var tombstones = Enumerable.Range(1, random.Next(6)).Select(i => new RangeTombstone(
                random.Next(5) == 0 ? [] : Bound(random), random.Next(5) == 0 ? null : Bound(random), (ulong)i * 16))
                .ToArray();
            var written = await WriteAsync(entries, tombstones);
            AssertRun(written);
            var tables = new List<TableReader>();
            foreach (var info in written)
            {
                tables.Add(await TableFixture.OpenAsync(_objects, info));
            }

            var all = RangeTombstoneSet.Build(tombstones);
            for (var i = 0; i < 110; i++)
            {
                var key = Encoding.ASCII.GetBytes($"k{i:D3}");
                var expected = all.CoveringSequence(key, ulong.MaxValue);
                var covering =
                    tables.Where(t => t.RangeTombstones.CoveringSequence(key, ulong.MaxValue) > 0).ToList();
                Assert.True(covering.Count == (expected > 0 ? 1 : 0), $"seed {seed}, {i}: {covering.Count} tables");
                Assert.All(covering, t =>
                    Assert.Equal(expected, t.RangeTombstones.CoveringSequence(key, ulong.MaxValue)));
                Assert.All(covering, t => Assert.True(
                    key.AsSpan().SequenceCompareTo(t.Info.Smallest) >= 0
                    && (t.Info.LargestUnbounded || key.AsSpan().SequenceCompareTo(t.Info.Largest) <= 0)));
            }

            var expectedEntries = entries.Where(e => all.CoveringSequence(e.Data.Key, ulong.MaxValue) <= e.Sequence);
            var found = new List<TestEntry>();
            foreach (var table in tables)
            {
                found.AddRange(await TableFixture.ReadAsync(table));
            }

            Assert.Equal(expectedEntries, found);
        }
    }

    /// <summary>Tables in key order; one may end, exclusively, where the next begins.</summary>
    private static void AssertRun(IReadOnlyList<TableInfo> written) => Assert.All(
        written.Zip(written.Skip(1)),
        static pair =>
        {
            Assert.True(pair.First.Smallest.AsSpan().SequenceCompareTo(pair.Second.Smallest) < 0);
            Assert.False(pair.First.LargestUnbounded);
            Assert.True(pair.First.Largest.AsSpan().SequenceCompareTo(pair.Second.Smallest) <= 0);
        });

    private static TestEntry Entry(string key, ulong sequence) => new(key, sequence, new string('v', 100));

    private static byte[] Bound(Random random) => Encoding.ASCII.GetBytes($"k{random.Next(110):D3}");

    private static string Text(byte[] key) => Encoding.ASCII.GetString(key);

    private async Task<IReadOnlyList<TableInfo>> WriteAsync(
        TestEntry[] entries, RangeTombstone[] tombstones, ulong[]? snapshots = null)
    {
        var filter = new VersionFilter(snapshots ?? [], RangeTombstoneSet.Build(tombstones), isBottom: false, nowMs: 0);
        var options = new EngineOptions { BlockBytes = 512 };
        var writer = new TableWriter(_objects, options, () => new TableId(1, 1, ++_number), 0, TableBytes, 0);
        return await writer.WriteAsync(new ListCursor(entries), filter, default);
    }
}
