using System.Text;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Tests.Shards;

public sealed class CarvePickerTests
{
    private static readonly string[] Keys =
        ["a", "aa", "aaa", "aab", "ab", "aba", "abb", "b", "ba", "baa", "bab", "bb"];

    private static readonly int[] Weights = [1, 2, 5, 30];

    [Fact]
    public void Every_small_trie_is_cut_where_it_can_be_and_never_out_of_balance()
    {
        var random = new Random(1);
        var cut = 0;
        for (var chosen = 0; chosen < 1 << Keys.Length; chosen++)
        {
            var samples = Keys.Where((_, i) => (chosen & (1 << i)) != 0)
                .Select(key => new WeightedKey(Bytes(key), Weights[random.Next(Weights.Length)])).ToArray();
            cut += CheckPick("", [KeyRange.All], samples) ? 1 : 0;

            // Under a prefix, with one child carved out before.
            KeyRange[] owned = [new(Bytes("a"), Bytes("ab")), new(Bytes("ac"), Bytes("b"))];
            CheckPick("a", owned, samples);
        }

        Assert.InRange(cut, 3000, 1 << Keys.Length);
    }

    [Fact]
    public void A_subtrie_near_half_is_carved_alone()
    {
        Assert.Equal(["b"], Pick(("a1", 30), ("a2", 5), ("b1", 20), ("b2", 25), ("c", 20)));
        Assert.Equal(["http://b"], Pick(("http://a", 30), ("http://b", 45), ("http://c", 25)));
    }

    [Fact]
    public void Many_small_siblings_go_until_half_is_gone()
    {
        Assert.Equal(["xa", "xb", "xc"], Pick([.. "abcdef".Select(c => ($"x{c}", 10))]));
        var wide = Enumerable.Range(0, 256).Select(i => new WeightedKey([7, (byte)i], 1)).ToArray();
        Assert.Equal(CarvePicker.SiblingsMax, CarvePicker.Pick([7], [KeyRange.Prefix(new byte[] { 7 })], wide).Count);
    }

    [Fact]
    public void Keys_that_cannot_be_told_apart_are_left_alone()
    {
        Assert.Empty(Pick());
        Assert.Empty(Pick(("hot", 1000)));
        Assert.Empty(Pick(("hot", 1000), ("hot", 500), ("hotter", 10), ("cold", 10)));
        var same = new string('x', CarvePicker.PrefixBytesMax);
        Assert.Empty(Pick((same + "a", 10), (same + "b", 10)));
        Assert.NotEmpty(Pick((same[1..] + "a", 10), (same[1..] + "b", 10)));
    }

    /// <returns>True where something was picked.</returns>
    private static bool CheckPick(string prefix, KeyRange[] owned, WeightedKey[] samples)
    {
        var mine = samples.Where(one => owned.Any(range => range.Contains(one.Key))).ToArray();
        var picked = CarvePicker.Pick(Bytes(prefix), owned, samples).Select(Text).ToList();
        var what = $"{string.Join(' ', mine.Select(one => $"{Text(one.Key)}={one.Weight}"))} under \"{prefix}\": "
            + string.Join(' ', picked);
        long total = mine.Sum(static one => one.Weight);
        Assert.True(picked.SequenceEqual(picked.Order(StringComparer.Ordinal)), what);
        Assert.All(picked, one =>
        {
            Assert.True(one.Length > prefix.Length && one.StartsWith(prefix, StringComparison.Ordinal), what);
            Assert.True(WeightUnder(mine, one) > 0, what);
            Assert.DoesNotContain(picked, other => other != one && one.StartsWith(other, StringComparison.Ordinal));
        });
        if (picked.Count > 0)
        {
            var gone = picked.Sum(one => WeightUnder(mine, one));
            Assert.True(gone >= total / 8.0 && gone <= total * 0.75, what);
            return true;
        }

        // Then there was no subtrie that could have been carved alone.
        foreach (var key in mine.Select(static one => Text(one.Key)))
        {
            for (var length = prefix.Length + 1; length <= key.Length; length++)
            {
                var weight = WeightUnder(mine, key[..length]);
                Assert.False(weight >= total / 4.0 && weight <= total * 0.75, what);
            }
        }

        return false;
    }

    private static long WeightUnder(WeightedKey[] samples, string prefix) =>
        samples.Where(one => Text(one.Key).StartsWith(prefix, StringComparison.Ordinal)).Sum(static one => one.Weight);

    private static string[] Pick(params (string Key, int Weight)[] samples) =>
        [.. CarvePicker.Pick([], [KeyRange.All], samples.Select(one => new WeightedKey(Bytes(one.Key), one.Weight)))
            .Select(Text)];

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes);
}
