using System.Diagnostics;
using Xunit.Abstractions;

namespace Dmt.Simulation.Shards;

/// <summary>
/// Nodes that share a store. DMT_SIM_SEED and DMT_SIM_SEEDS as in <see cref="SimulationTests"/>.
/// </summary>
public sealed class ShardSimulationTests(ITestOutputHelper output)
{
    private const int SeedsByDefault = 4_000;
    private static readonly TimeSpan TimeByDefault = TimeSpan.FromSeconds(30);

    [Fact]
    public void Wherever_shards_are_opened_carved_and_merged_nothing_acknowledged_is_lost_and_no_key_is_in_two()
    {
        var one = SimRunner.Setting("DMT_SIM_SEED");
        var many = SimRunner.Setting("DMT_SIM_SEEDS");
        var seeds = one is { } only ? [only] : Enumerable.Range(1, many ?? SeedsByDefault);
        var clock = Stopwatch.StartNew();
        var results = SimRunner.Run(
            seeds, seed => ShardSimulation.Run(seed, keepTrace: one is not null),
            _ => one is null && many is null && clock.Elapsed > TimeByDefault);
        var counts = results.Select(static result => result.Counts).Aggregate(new SimCounts(), static (a, b) => a + b);
        output.WriteLine($"{results.Count} seeds in {clock.Elapsed.TotalSeconds:F1} s: {counts}");
        if (one is not null)
        {
            results[0].Trace.ToList().ForEach(output.WriteLine);
        }

        var failed = results.FindAll(static result => result.Violation is not null);
        Assert.True(
            failed.Count == 0,
            $"{failed.Count} of {results.Count} seeds failed\n" + string.Join('\n', failed.Take(20).Select(
                static result =>
                    $"{result.Violation}\nreplay: DMT_SIM_SEED={result.Seed} ./test Dmt.Simulation Wherever_shards")));
        Assert.True(one is not null || (counts.Openings > results.Count && counts.StrictAcknowledged > results.Count
            && counts.Carves * 2 > results.Count && counts.Merges * 20 > results.Count));
    }

    [Fact]
    public void The_same_seed_gives_the_same_end_state()
    {
        var first = SimRunner.Run(
            Enumerable.Range(1, 50), static seed => ShardSimulation.Run(seed), static _ => false);
        var second = SimRunner.Run(
            Enumerable.Range(1, 50).Reverse(), static seed => ShardSimulation.Run(seed), static _ => false);
        Assert.Equal(
            first.OrderBy(static result => result.Seed).Select(static result => (result.Seed, result.Hash)),
            second.OrderBy(static result => result.Seed).Select(static result => (result.Seed, result.Hash)));
        Assert.True(first.Select(static result => result.Hash).Distinct().Count() > 45);
    }

    [Theory]
    [InlineData((int)SimSwitches.LeaveChildrenOpen)]
    [InlineData((int)SimSwitches.ForgetShardsBetween)]
    [InlineData((int)SimSwitches.LetStaleOwnersWriteMaps)]
    [InlineData((int)SimSwitches.SkipLeases)]
    public void What_is_broken_on_purpose_is_caught_within_4000_seeds(int broken)
    {
        var results = SimRunner.Run(
            Enumerable.Range(1, 4000), seed => ShardSimulation.Run(seed, (SimSwitches)broken),
            static result => result.Violation is not null);
        var caught = results.Find(static result => result.Violation is not null);
        output.WriteLine($"after {results.Count} seeds: {caught?.Violation}");
        Assert.NotNull(caught);
    }
}
