using System.Text;
using Dmt.Engine.Compaction;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Compaction;

public sealed class CompactionPickerTests
{
    private static readonly EngineOptions Options = new()
    {
        LevelBaseBytes = 1000,
        TableBytes = 100,
        Level0CompactionTables = 4,
    };

    private readonly List<TableInfo>[] _levels =
        [.. Enumerable.Range(0, Manifest.LevelCount).Select(static _ => new List<TableInfo>())];

    private ulong _number;

    [Fact]
    public void An_empty_tree_has_its_base_at_the_bottom_and_nothing_to_do()
    {
        Assert.Equal(6, CompactionPicker.Targets(_levels, Options).BaseLevel);
        Assert.Null(CompactionPicker.Pick(_levels, Options));
        Assert.Null(CompactionPicker.Everything(_levels));
    }

    [Theory]
    [InlineData(1, 6, "1")]
    [InlineData(1_000, 6, "1000")]
    [InlineData(1_001, 5, "100 1001")]
    [InlineData(10_009, 5, "1000 10009")]
    [InlineData(10_010, 4, "100 1001 10010")]
    [InlineData(1_000_000_000, 1, "10000 100000 1000000 10000000 100000000 1000000000")]
    public void Targets_are_a_tenth_each_counted_from_the_bottom(long bottomBytes, int baseLevel, string targets)
    {
        Add(6, "a", "z", bottomBytes);
        var (found, foundBase) = CompactionPicker.Targets(_levels, Options);
        Assert.Equal(baseLevel, foundBase);
        Assert.Equal(targets, string.Join(' ', found[foundBase..]));
    }

    [Fact]
    public void Level_0_goes_as_a_whole_with_what_it_overlaps_into_the_base_level()
    {
        Add(6, "a", "b", 3000);
        Add(6, "c", "d", 3000);
        Add(5, "a", "b", 100);
        Add(5, "k", "l", 100);
        Add(5, "x", "y", 100);
        for (var i = 0; i < 3; i++)
        {
            Add(0, i == 0 ? "j" : "m", "n", 10);
        }

        Assert.Null(CompactionPicker.Pick(_levels, Options));
        Add(0, "n", "x", 10);
        AssertPlan("0:jn 0:mn 0:mn 0:nx 5:kl 5:xy", 5, isBottom: true);
        Add(0, "c", "c", 10);
        AssertPlan("0:jn 0:mn 0:mn 0:nx 0:cc 5:kl 5:xy", 5, isBottom: false);
    }

    [Fact]
    public void Level_0_goes_no_deeper_than_a_level_that_is_not_empty()
    {
        Add(6, "a", "z", 500);
        Add(3, "p", "q", 1);
        for (var i = 0; i < 40; i++)
        {
            Add(0, "a", "c", 10);
        }

        var plan = CompactionPicker.Pick(_levels, Options)!;
        Assert.Equal(3, plan.OutputLevel);
        Assert.Empty(plan.Inputs[3]);
        Assert.False(plan.IsBottom);
        Add(0, "a", "r", 10);
        plan = CompactionPicker.Pick(_levels, Options)!;
        Assert.Equal((3, 1), (plan.OutputLevel, plan.Inputs[3].Count));
    }

    [Fact]
    public void A_level_above_the_base_is_emptied()
    {
        Add(6, "a", "z", 500);
        Add(2, "b", "c", 1);
        AssertPlan("2:bc", 3, isBottom: false);
        _levels[6].Clear();
        AssertPlan("2:bc", 3, isBottom: true);
    }

    [Fact]
    public void The_level_that_is_furthest_over_its_target_is_served_first()
    {
        Add(6, "a", "z", 100_000);
        Add(5, "a", "b", 10_000);
        Assert.Null(CompactionPicker.Pick(_levels, Options));
        Add(5, "c", "d", 1_000);
        Add(4, "e", "f", 1_050);
        Assert.Equal(5, CompactionPicker.Pick(_levels, Options)!.Inputs.ToList().FindIndex(static i => i.Count > 0));
        Add(4, "g", "h", 1_000);
        Assert.Equal(4, CompactionPicker.Pick(_levels, Options)!.Inputs.ToList().FindIndex(static i => i.Count > 0));
    }

    [Fact]
    public void The_table_with_the_least_overlap_for_its_size_is_picked_and_among_equals_the_lowest_key()
    {
        Add(6, "a", "b", 5_000);
        Add(6, "c", "d", 4_000);
        Add(6, "e", "f", 1_000);
        Add(6, "g", "h", 2_000);
        Add(5, "a", "b", 500);
        Add(5, "c", "d", 500);
        Add(5, "e", "f", 100);
        Add(5, "g", "h", 500);
        AssertPlan("5:gh 6:gh", 6, isBottom: true);
        _levels[5].RemoveAt(3);
        Add(5, "m", "n", 500);
        Add(5, "o", "p", 900);
        AssertPlan("5:mn", 6, isBottom: true);
    }

    [Fact]
    public void A_table_that_goes_to_the_end_of_all_keys_overlaps_all_that_follows()
    {
        Add(6, "a", "b", 6_000);
        Add(6, "y", "z", 6_000);
        _levels[5].Add(Table("c", "d", 3_000) with { LargestUnbounded = true, RangeTombstones = 1 });
        AssertPlan("5:cd 6:yz", 6, isBottom: true);
    }

    [Fact]
    public void Everything_is_all_there_is_until_the_bottom_holds_it_without_tombstones()
    {
        Add(6, "a", "b", 100);
        Assert.Null(CompactionPicker.Everything(_levels));
        _levels[6][0] = _levels[6][0] with { Tombstones = 1 };
        Assert.NotNull(CompactionPicker.Everything(_levels));
        _levels[6][0] = _levels[6][0] with { Tombstones = 0, RangeTombstones = 1 };
        Assert.NotNull(CompactionPicker.Everything(_levels));
        _levels[6][0] = _levels[6][0] with { RangeTombstones = 0 };
        Add(2, "c", "d", 1);
        var plan = CompactionPicker.Everything(_levels)!;
        Assert.Equal((6, true, 2), (plan.OutputLevel, plan.IsBottom, plan.AllInputs.Count()));
    }

    private void Add(int level, string smallest, string largest, long bytes) =>
        _levels[level].Add(Table(smallest, largest, bytes));

    private TableInfo Table(string smallest, string largest, long bytes) => new()
    {
        Id = new TableId(1, 1, ++_number),
        Length = bytes,
        TailOffset = 0,
        Smallest = Encoding.ASCII.GetBytes(smallest),
        Largest = Encoding.ASCII.GetBytes(largest),
        SequenceMin = 1,
        SequenceMax = 1,
        Entries = 1,
        Tombstones = 0,
        RangeTombstones = 0,
    };

    private void AssertPlan(string inputs, int outputLevel, bool isBottom)
    {
        var plan = CompactionPicker.Pick(_levels, Options)!;
        Assert.Equal(inputs, string.Join(' ', plan.Inputs.SelectMany(static (tables, level) => tables.Select(t =>
            $"{level}:{Encoding.ASCII.GetString(t.Smallest)}{Encoding.ASCII.GetString(t.Largest)}"))));
        Assert.Equal((outputLevel, isBottom), (plan.OutputLevel, plan.IsBottom));
    }
}
