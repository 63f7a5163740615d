namespace Dmt.Cli.Bench;

/// <summary>
/// Ranks that follow Zipf's law: rank r comes up in proportion to 1 / (r + 1)^theta (Gray et al., "Quickly generating
/// billion-record synthetic databases", SIGMOD 1994, as YCSB does it).
/// </summary>
/// <remarks>Immutable; safe for concurrent use: the randomness is the caller's.</remarks>
internal sealed class Zipfian
{
    /// <summary>YCSB's skew.</summary>
    public const double ThetaDefault = 0.99;

    private readonly long _count;
    private readonly double _alpha;
    private readonly double _zeta;
    private readonly double _eta;
    private readonly double _second;

    /// <param name="count">Number of ranks, 1 or more. Costs a power for each of them.</param>
    /// <param name="theta">Skew, above 0 and below 1.</param>
    public Zipfian(long count, double theta = ThetaDefault)
    {
        _count = count;
        _alpha = 1 / (1 - theta);
        for (long i = 1; i <= count; i++)
        {
            _zeta += Math.Pow(i, -theta);
        }

        _second = Math.Pow(0.5, theta);
        _eta = count < 3 ? 0 : (1 - Math.Pow(2.0 / count, 1 - theta)) / (1 - ((1 + _second) / _zeta));
    }

    /// <summary>A rank, 0 (most often) to count - 1.</summary>
    public long Next(ref SplitMix64 random)
    {
        var u = random.NextDouble();
        var uz = u * _zeta;
        if (uz < 1 || _count == 1)
        {
            return 0;
        }

        return uz < 1 + _second || _count == 2
            ? 1
            : Math.Min(_count - 1, (long)(_count * Math.Pow((_eta * u) - _eta + 1, _alpha)));
    }
}
