using System.Text;
using Dmt.Cli.Bench;

namespace Dmt.Cli.Tests.Bench;

public sealed class BenchKeysTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(33)]
    [InlineData(1024)]
    public void Keys_are_distinct_hex_of_the_length_and_never_missing_ones(int keyBytes)
    {
        const int Count = 16_384;
        var keys = new BenchKeys(keyBytes, seed: 3);
        var seen = new HashSet<string>();
        for (var i = 0; i < Count; i++)
        {
            Assert.True(seen.Add(Format(keys, keys.Identity(i))), $"index {i} repeats a key");
        }

        for (var i = 0; i < Count; i++)
        {
            Assert.DoesNotContain(Format(keys, keys.MissingIdentity(i)), seen);
        }

        Assert.All(seen, key => Assert.Matches($"^[0-9a-f]{{{keyBytes}}}$", key));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(40)]
    public void The_order_of_identities_is_the_order_of_keys(int keyBytes)
    {
        var keys = new BenchKeys(keyBytes, seed: 3);
        var identities = Enumerable.Range(0, 5_000).Select(i => keys.Identity(i)).Order().ToList();
        var texts = identities.Select(identity => Format(keys, identity)).ToList();

        Assert.Equal(texts.Order(StringComparer.Ordinal), texts);
    }

    [Fact]
    public void Four_bytes_are_used_up_without_a_repetition()
    {
        var keys = new BenchKeys(BenchKeys.BytesMin, seed: 9);

        Assert.Equal(65_536, Enumerable.Range(0, 65_536).Select(i => keys.Identity(i)).Distinct().Count());
        Assert.Equal(16_384, BenchKeys.CountMax(BenchKeys.BytesMin));
    }

    [Fact]
    public void Another_seed_gives_other_keys_and_the_same_seed_the_same()
    {
        var (a, again, b) = (new BenchKeys(16, 1), new BenchKeys(16, 1), new BenchKeys(16, 2));

        Assert.Equal(a.Identity(5), again.Identity(5));
        Assert.NotEqual(a.Identity(5), b.Identity(5));
    }

    [Fact]
    public void The_share_above_falls_from_one_to_zero()
    {
        var keys = new BenchKeys(4, seed: 1);

        Assert.Equal((1, 0.5), (keys.ShareAbove(0), keys.ShareAbove(0x8000)));
        Assert.InRange(keys.ShareAbove(0xFFFF), 0, 0.001);
    }

    private static string Format(BenchKeys keys, ulong identity)
    {
        var key = new byte[keys.KeyBytes];
        keys.Format(identity, key);
        return Encoding.ASCII.GetString(key);
    }
}
