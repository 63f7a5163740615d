using System.Diagnostics;

namespace Dmt.Cluster.Bench;

/// <summary>
/// The workloads in turns, so that what the machine does besides hits all of them; the figure is the median of the
/// rounds, and ratios are taken within a round.
/// </summary>
internal sealed class ThroughputRun(IReadOnlyList<Workload> workloads, int callers, TimeSpan time)
{
    /// <summary>Keys a second of each workload, a row for each round.</summary>
    public async Task<List<double[]>> RunAsync(int rounds)
    {
        for (var warming = 0; warming < 3; warming++)
        {
            await RoundAsync();
        }

        var measured = new List<double[]>();
        for (var round = 0; round < rounds; round++)
        {
            measured.Add(await RoundAsync());
        }

        return measured;
    }

    private async Task<double[]> RoundAsync()
    {
        var rates = new double[workloads.Count];
        for (var i = 0; i < rates.Length; i++)
        {
            rates[i] = await MeasureAsync(workloads[i]);
        }

        return rates;
    }

    private async Task<double> MeasureAsync(Workload workload)
    {
        var clock = Stopwatch.StartNew();
        var calls = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            var done = 0L;
            for (; clock.Elapsed < time; done++)
            {
                await workload.Call(random);
            }

            return done;
        })));
        return calls.Sum() * workload.Keys / clock.Elapsed.TotalSeconds;
    }
}
