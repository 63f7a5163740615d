namespace Dmt.Bench.AnyOrder;

/// <summary>What one set of fixed segments took, in microseconds, and the prefix searches beside it.</summary>
internal sealed record AnyOrderFigure(string Pattern, IReadOnlyList<double> Match, IReadOnlyList<double> Prefix)
{
    public double MatchAt(double share) => Percentile(Match, share);

    public double PrefixAt(double share) => Percentile(Prefix, share);

    private static double Percentile(IReadOnlyList<double> values, double share)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
    }
}
