using Dmt.Cli.Bench;

namespace Dmt.Cli.Tests.Bench;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void An_empty_histogram_answers_zero()
    {
        var histogram = new LatencyHistogram();

        Assert.Equal((0, 0, 0), (histogram.Count, histogram.MaxNs, histogram.PercentileNs(0.99)));
    }

    [Fact]
    public void Durations_below_256_ns_are_exact()
    {
        var histogram = new LatencyHistogram();
        for (var ns = 1; ns <= 200; ns++)
        {
            histogram.Record(ns);
        }

        Assert.Equal(100, histogram.PercentileNs(0.5));
        Assert.Equal(198, histogram.PercentileNs(0.99));
        Assert.Equal(200, histogram.PercentileNs(1));
    }

    [Fact]
    public void A_percentile_is_exact_to_one_percent_at_any_magnitude()
    {
        for (long ns = 1; ns < long.MaxValue / 3; ns *= 3)
        {
            var histogram = new LatencyHistogram();
            histogram.Record(ns);
            histogram.Record(long.MaxValue);

            Assert.InRange(histogram.PercentileNs(0.5), ns, ns + (ns / 100));
        }
    }

    [Fact]
    public void Percentiles_agree_with_sorting()
    {
        var random = new SplitMix64(7);
        var all = Enumerable.Range(0, 100_000).Select(_ => random.Below(1L << (int)random.Below(40))).ToList();
        var histogram = new LatencyHistogram();
        all.ForEach(ns => histogram.Record(ns));
        all.Sort();
        foreach (var share in new[] { 0.001, 0.5, 0.9, 0.99, 0.999, 1 })
        {
            var exact = all[(int)Math.Ceiling(share * all.Count) - 1];

            Assert.InRange(histogram.PercentileNs(share), exact, exact + (exact / 100));
        }
    }

    [Fact]
    public void Adding_counts_what_both_counted()
    {
        var (a, b) = (new LatencyHistogram(), new LatencyHistogram());
        a.Record(10, count: 3);
        b.Record(1_000_000);
        a.Add(b);

        Assert.Equal((4, 1_000_000, 10), (a.Count, a.MaxNs, a.PercentileNs(0.75)));
        Assert.Equal(1_000_000, a.PercentileNs(0.76));
    }

    [Fact]
    public void A_clock_that_went_backwards_counts_as_zero()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);

        Assert.Equal((1, 0), (histogram.Count, histogram.PercentileNs(1)));
    }
}
