using System.Numerics;

namespace Dmt.Cli.Bench;

/// <summary>
/// Counts durations in log-linear buckets, as HdrHistogram does: each power of two of nanoseconds is cut into 128 equal
/// parts, so that a percentile is exact to 1 % (below 256 ns: exact), in 60 KB however many are counted. One thread
/// counts; merge afterwards.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int PartBits = 7;
    private const int Parts = 1 << PartBits;

    private readonly long[] _counts = new long[(64 - PartBits + 1) * Parts];

    public long Count { get; private set; }

    /// <summary>The longest, in nanoseconds, exactly.</summary>
    public long MaxNs { get; private set; }

    /// <param name="ns">A duration; negative counts as 0.</param>
    /// <param name="count">How often.</param>
    public void Record(long ns, long count = 1)
    {
        ns = Math.Max(ns, 0);
        _counts[BucketOf(ns)] += count;
        Count += count;
        MaxNs = Math.Max(MaxNs, ns);
    }

    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
        MaxNs = Math.Max(MaxNs, other.MaxNs);
    }

    /// <summary>
    /// The duration that this share of all did not exceed, in nanoseconds; 0 when nothing was counted.
    /// </summary>
    /// <param name="share">0 to 1; 0.99 is p99.</param>
    public long PercentileNs(double share)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
            {
                return Math.Min(LargestOf(i), MaxNs);
            }
        }

        return MaxNs;
    }

    private static int BucketOf(long ns)
    {
        var shift = Math.Max(0, BitOperations.Log2((ulong)ns) - PartBits);
        return (shift << PartBits) + (int)(ns >> shift);
    }

    private static long LargestOf(int bucket)
    {
        var shift = Math.Max(0, (bucket >> PartBits) - 1);
        return (((long)(bucket - (shift << PartBits)) + 1) << shift) - 1;
    }
}
