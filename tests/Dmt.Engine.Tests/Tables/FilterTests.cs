using Dmt.Core.Hashing;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Tables;

public sealed class FilterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(32)]
    public void What_was_added_is_always_maybe_there(int bitsPerKey)
    {
        var random = new Random(bitsPerKey);
        foreach (var count in new[] { 1, 2, 25, 26, 1000, 20_000 })
        {
            var hashes = new ulong[count];
            foreach (ref var hash in hashes.AsSpan())
            {
                hash = Next(random);
            }

            // The hashes at the edges choose the first and the last block.
            hashes[0] = count % 2 == 0 ? ulong.MaxValue : 0;
            var filter = SplitBlockBloomFilter.Build(hashes, bitsPerKey);
            Assert.Equal(SplitBlockBloomFilter.SizeFor(count, bitsPerKey), filter.Length);
            foreach (var hash in hashes)
            {
                Assert.True(SplitBlockBloomFilter.MayContain(filter, hash), $"{hash:X16} of {count}");
            }
        }
    }

    [Fact]
    public void Few_of_what_was_not_added_seem_to_be_there()
    {
        var random = new Random(1);
        var hashes = Enumerable.Range(0, 50_000).Select(_ => Next(random)).ToArray();
        var filter = SplitBlockBloomFilter.Build(hashes, 10);
        var wrong = Enumerable.Range(0, 100_000)
            .Count(_ => SplitBlockBloomFilter.MayContain(filter, Next(random)));
        Assert.InRange(wrong, 1, 2_500);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(100, 10)]
    [InlineData(20_000, 10)]
    [InlineData(20_000, 1)]
    public void Keys_and_prefixes_of_the_chosen_length_are_always_maybe_there(int count, int bitsPerKey)
    {
        var random = new Random(count);
        foreach (var alphabet in new[] { 2, 4, 256 })
        {
            var keys = new SortedSet<byte[]>(
                Comparer<byte[]>.Create(static (a, b) => a.AsSpan().SequenceCompareTo(b)));
            while (keys.Count < count)
            {
                var key = new byte[random.Next(1, 40)];
                foreach (ref var b in key.AsSpan())
                {
                    b = (byte)random.Next(alphabet);
                }

                keys.Add(key);
            }

            var builder = new FilterBuilder(bitsPerKey);
            foreach (var key in keys)
            {
                builder.Add(key);
            }

            var (filter, prefixLength) = builder.Finish();
            Assert.All(keys, key => Assert.True(
                SplitBlockBloomFilter.MayContain(filter, XxHash64.Compute(key)), Convert.ToHexString(key)));
            if (prefixLength > 0)
            {
                Assert.All(keys.Where(key => key.Length >= prefixLength), key => Assert.True(
                    SplitBlockBloomFilter.MayContain(filter, XxHash64.Compute(key.AsSpan(0, prefixLength))),
                    Convert.ToHexString(key)));
            }
        }
    }

    [Fact]
    public void The_longest_prefix_with_an_eighth_as_many_values_as_keys_is_chosen()
    {
        // 100 groups of 100 keys: four bytes name the group, six are nearly the key.
        var builder = new FilterBuilder(10);
        for (var i = 0; i < 10_000; i++)
        {
            builder.Add([0, (byte)(i / 100), 7, 7, (byte)(i % 100), 1, 2, 3]);
        }

        Assert.Equal(4, builder.Finish().PrefixLength);
    }

    [Fact]
    public void Without_bits_or_keys_there_is_no_filter()
    {
        var off = new FilterBuilder(0);
        off.Add("key"u8);
        var (filter, prefixLength) = off.Finish();
        Assert.Equal((0, 0), (filter.Length, prefixLength));
        (filter, prefixLength) = new FilterBuilder(10).Finish();
        Assert.Equal((0, 0), (filter.Length, prefixLength));
    }

    private static ulong Next(Random random) => (ulong)random.NextInt64(long.MinValue, long.MaxValue);
}
