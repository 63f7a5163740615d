namespace Dmt.Api.Metrics;

/// <summary>Counts per bucket and a sum. Safe for concurrent use.</summary>
internal sealed class HistogramData(IReadOnlyList<double> bounds)
{
    /// <summary>Seconds, from 100 µs to 10 s.</summary>
    public static readonly IReadOnlyList<double> SecondsBounds =
        [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Lock _lock = new(); // Guards counts and sum.
    private readonly long[] _counts = new long[bounds.Count + 1];
    private double _sum;

    /// <summary>Upper bounds of the buckets, inclusive, rising; one more bucket is without bound.</summary>
    public IReadOnlyList<double> Bounds => bounds;

    public void Record(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Count && value > bounds[bucket])
        {
            bucket++;
        }

        lock (_lock)
        {
            _counts[bucket]++;
            _sum += value;
        }
    }

    /// <summary>The counts, bucket by bucket, not cumulative.</summary>
    public long[] Read(out double sum)
    {
        lock (_lock)
        {
            sum = _sum;
            return [.. _counts];
        }
    }
}
