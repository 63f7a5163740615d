// Which tables to compact next. Levels have target sizes, ten apart, counted from the bottom: level 6 may have any
// size; the level above it a tenth of what is there, and so on up until a target is small enough to be the base level,
// into which level 0 goes. So about nine tenths of the data are always in the bottom level, and space amplification
// stays near 1.1 whatever the size (O'Neil et al. "The log-structured merge-tree", 1996, for the ratio; Dong et al.
// "Optimizing Space Amplification in RocksDB", CIDR 2017, section 3, for counting from below).
//
// The level with the highest score (its size against its target; for level 0 its number of tables) is served; in it the
// table that overlaps least of the level below, for its size, and among equals the lowest key. The choice depends on
// nothing else, so it is reproducible.
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Compaction;

/// <summary>What to compact.</summary>
/// <param name="Inputs">By level. Level 0 newest first, others in key order.</param>
/// <param name="OutputLevel">Where the outcome goes.</param>
/// <param name="IsBottom">No deeper level overlaps the inputs, so tombstones may go.</param>
internal sealed record CompactionPlan(IReadOnlyList<IReadOnlyList<TableInfo>> Inputs, int OutputLevel, bool IsBottom)
{
    public IEnumerable<TableInfo> AllInputs => Inputs.SelectMany(static level => level);
}

internal static class CompactionPicker
{
    private const int Bottom = Manifest.LevelCount - 1;
    private const int Ratio = 10;

    /// <summary>The next compaction; null when the tree is in shape.</summary>
    public static CompactionPlan? Pick(IReadOnlyList<IReadOnlyList<TableInfo>> levels, EngineOptions options)
    {
        var (targets, baseLevel) = Targets(levels, options);
        var best = (Score: 1.0, Level: -1);
        var score0 = (double)levels[0].Count / options.Level0CompactionTables;
        if (score0 >= best.Score)
        {
            best = (score0, 0);
        }

        for (var level = 1; level < Bottom; level++)
        {
            var bytes = Bytes(levels[level]);
            var score = bytes == 0 ? 0 : level < baseLevel ? 1.01 + ((double)bytes / options.TableBytes)
                : (double)bytes / targets[level];
            if (score > best.Score)
            {
                best = (score, level);
            }
        }

        return best.Level switch
        {
            -1 => PickCut(levels, baseLevel),
            0 => PickLevel0(levels, baseLevel),
            _ => PickTable(levels, best.Level),
        };
    }

    /// <summary>
    /// Everything into the bottom level; null when it is all there already, nothing in it can be dropped, and nothing
    /// is borrowed.
    /// </summary>
    public static CompactionPlan? Everything(IReadOnlyList<IReadOnlyList<TableInfo>> levels)
    {
        var inShape = levels.Take(Bottom).All(static level => level.Count == 0)
            && levels[Bottom].All(static table =>
                table.Tombstones == 0 && table.RangeTombstones == 0 && table.Origin is null && !table.IsCut);
        return inShape ? null : new CompactionPlan(levels, Bottom, true);
    }

    /// <summary>Target bytes by level, and the level into which level 0 is compacted.</summary>
    internal static (long[] Targets, int BaseLevel) Targets(
        IReadOnlyList<IReadOnlyList<TableInfo>> levels, EngineOptions options)
    {
        var targets = new long[Manifest.LevelCount];
        var level = Bottom;
        targets[level] = Math.Max(Bytes(levels[Bottom]), 1);
        while (level > 1 && targets[level] > options.LevelBaseBytes)
        {
            targets[level - 1] = targets[level] / Ratio;
            level--;
        }

        return (targets, level);
    }

    private static CompactionPlan PickLevel0(IReadOnlyList<IReadOnlyList<TableInfo>> levels, int baseLevel)
    {
        // All of level 0 at once. Levels between it and the base are empty or being emptied: what overlaps there must
        // go along, or newer versions would sink below older ones.
        var output = baseLevel;
        for (var level = 1; level < baseLevel; level++)
        {
            output = levels[level].Count > 0 ? Math.Min(output, level) : output;
        }

        var inputs = Empty();
        inputs[0] = levels[0];
        inputs[output] = Overlapping(levels[output], levels[0]);
        return Plan(levels, inputs, output);
    }

    /// <summary>
    /// When nothing else is to be done: writes a part of a shared table anew, so that the object can go once all who
    /// share it have done so.
    /// </summary>
    private static CompactionPlan? PickCut(IReadOnlyList<IReadOnlyList<TableInfo>> levels, int baseLevel)
    {
        if (levels[0].Any(static table => table.IsCut))
        {
            return PickLevel0(levels, baseLevel);
        }

        for (var level = 1; level < levels.Count; level++)
        {
            if (levels[level].FirstOrDefault(static table => table.IsCut) is { } cut)
            {
                var inputs = Empty();
                inputs[level] = [cut];
                return Plan(levels, inputs, level);
            }
        }

        return null;
    }

    private static CompactionPlan PickTable(IReadOnlyList<IReadOnlyList<TableInfo>> levels, int level)
    {
        var next = levels[level + 1];
        var best = levels[level][0];
        var bestRatio = double.MaxValue;
        foreach (var table in levels[level])
        {
            var ratio = (double)Bytes(Overlapping(next, [table])) / Math.Max(1, table.Bytes);
            if (ratio < bestRatio)
            {
                (best, bestRatio) = (table, ratio);
            }
        }

        var inputs = Empty();
        inputs[level] = [best];
        inputs[level + 1] = Overlapping(next, [best]);
        return Plan(levels, inputs, level + 1);
    }

    private static CompactionPlan Plan(
        IReadOnlyList<IReadOnlyList<TableInfo>> levels, IReadOnlyList<TableInfo>[] inputs, int output)
    {
        var all = inputs.SelectMany(static level => level).ToList();
        var isBottom = levels.Skip(output + 1).All(level => Overlapping(level, all).Count == 0);
        return new CompactionPlan(inputs, output, isBottom);
    }

    private static IReadOnlyList<TableInfo> Overlapping(IReadOnlyList<TableInfo> level, IReadOnlyList<TableInfo> others)
    {
        if (level.Count == 0 || others.Count == 0)
        {
            return [];
        }

        // One hull of all the others: in a compaction they are written as one run.
        var hull = others[0] with { LargestExclusive = false };
        foreach (var other in others)
        {
            hull = hull with
            {
                Smallest =
                    other.Smallest.AsSpan().SequenceCompareTo(hull.Smallest) < 0 ? other.Smallest : hull.Smallest,
                Largest = other.Largest.AsSpan().SequenceCompareTo(hull.Largest) > 0 ? other.Largest : hull.Largest,
                LargestUnbounded = hull.LargestUnbounded || other.LargestUnbounded,
            };
        }

        return [.. level.Where(table => table.OverlapsWith(hull))];
    }

    private static IReadOnlyList<TableInfo>[] Empty() =>
        [.. Enumerable.Range(0, Manifest.LevelCount).Select(static _ => Array.Empty<TableInfo>())];

    private static long Bytes(IReadOnlyList<TableInfo> tables)
    {
        long bytes = 0;
        foreach (var table in tables)
        {
            bytes += table.Bytes;
        }

        return bytes;
    }
}
