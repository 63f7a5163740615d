using System.Diagnostics;
using Xunit.Abstractions;

namespace Dmt.Simulation;

/// <summary>
/// DMT_SIM_SEED=123 runs that seed only and shows what happened; DMT_SIM_SEEDS=100000 sets how many are run, however
/// long that takes.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int SeedsByDefault = 10_000;
    private static readonly TimeSpan TimeByDefault = TimeSpan.FromSeconds(50);

    [Fact]
    public void Whatever_fails_nothing_acknowledged_is_lost_and_nothing_else_appears()
    {
        var one = SimRunner.Setting("DMT_SIM_SEED");
        var many = SimRunner.Setting("DMT_SIM_SEEDS");
        var seeds = one is { } only ? [only] : Enumerable.Range(1, many ?? SeedsByDefault);
        var clock = Stopwatch.StartNew();
        var results = SimRunner.Run(
            seeds, seed => Simulation.Run(seed, keepTrace: one is not null),
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
                static result => $"{result.Violation}\nreplay: DMT_SIM_SEED={result.Seed} ./test Dmt.Simulation")));
        Assert.True(one is not null || (counts.Openings > results.Count && counts.StrictAcknowledged > results.Count));
    }

    [Fact]
    public void The_same_seed_gives_the_same_end_state()
    {
        var first = SimRunner.Run(Enumerable.Range(1, 100), static seed => Simulation.Run(seed), static _ => false);
        var second = SimRunner.Run(
            Enumerable.Range(1, 100).Reverse(), static seed => Simulation.Run(seed), static _ => false);
        Assert.Equal(
            first.OrderBy(static result => result.Seed).Select(static result => (result.Seed, result.Hash)),
            second.OrderBy(static result => result.Seed).Select(static result => (result.Seed, result.Hash)));
        Assert.True(first.Select(static result => result.Hash).Distinct().Count() > 90);
    }

    [Theory]
    [InlineData((int)SimSwitches.SkipSeal)]
    [InlineData((int)SimSwitches.OverwriteManifests)]
    public void A_broken_fence_is_caught_within_1000_seeds(int broken)
    {
        var results = SimRunner.Run(
            Enumerable.Range(1, 1000), seed => Simulation.Run(seed, (SimSwitches)broken),
            static result => result.Violation is not null);
        var caught = results.Find(static result => result.Violation is not null);
        output.WriteLine($"after {results.Count} seeds: {caught?.Violation}");
        Assert.NotNull(caught);
    }
}
