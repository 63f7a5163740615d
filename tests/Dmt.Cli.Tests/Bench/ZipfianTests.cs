using Dmt.Cli.Bench;

namespace Dmt.Cli.Tests.Bench;

public sealed class ZipfianTests
{
    [Fact]
    public void Ranks_come_up_in_proportion_to_their_weight()
    {
        const int Ranks = 1000;
        const int Draws = 2_000_000;
        var zipfian = new Zipfian(Ranks);
        var random = new SplitMix64(11);
        var counts = new long[Ranks];
        for (var i = 0; i < Draws; i++)
        {
            counts[zipfian.Next(ref random)]++;
        }

        var zeta = Enumerable.Range(1, Ranks).Sum(r => Math.Pow(r, -Zipfian.ThetaDefault));

        // The two most popular ranks are exact; the others follow Gray's approximation, so they are compared in sums.
        Assert.InRange(counts[0] * zeta / Draws, 0.98, 1.02);
        Assert.InRange(counts[1] * zeta * Math.Pow(2, Zipfian.ThetaDefault) / Draws, 0.98, 1.02);
        foreach (var top in new[] { 10, 100, 500 })
        {
            var expected = Enumerable.Range(1, top).Sum(r => Math.Pow(r, -Zipfian.ThetaDefault)) / zeta;
            Assert.InRange(counts.Take(top).Sum() / (expected * Draws), 0.9, 1.1);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    public void Every_rank_of_a_small_set_comes_up_and_none_beyond(long ranks)
    {
        var zipfian = new Zipfian(ranks);
        var random = new SplitMix64(13);

        Assert.Equal(
            Enumerable.Range(0, (int)ranks).Select(r => (long)r),
            Enumerable.Range(0, 10_000).Select(_ => zipfian.Next(ref random)).Distinct().Order());
    }
}
