using Dmt.Core.Trie;

namespace Dmt.Core.Tests.Trie;

public sealed class RadixMapTests
{
    private static readonly string[] Fruit = ["apple", "apricot", "ap", "banana", "äpfel", "b"];

    private static RadixMap<string> Filled()
    {
        var map = new RadixMap<string>();
        foreach (var name in Fruit)
        {
            Assert.True(map.Insert(name, name.ToUpperInvariant()));
        }

        return map;
    }

    [Fact]
    public void Pairs_come_in_order_of_bytes()
    {
        using var map = Filled();
        string[] ordered = ["ap", "apple", "apricot", "b", "banana", "äpfel"];
        Assert.Equal(ordered, map.Select(p => p.Key));
        Assert.Equal(ordered.Reverse(), map.Reverse().Select(p => p.Key));
        Assert.All(map, p => Assert.Equal(p.Key.ToUpperInvariant(), p.Value));
    }

    [Fact]
    public void Prefix_and_range_select_a_part()
    {
        using var map = Filled();
        Assert.Equal(["ap", "apple", "apricot"], map.Prefix("ap").Select(p => p.Key));
        Assert.Equal(["apple", "apricot", "b"], map.Range("apple", "banana").Select(p => p.Key));
        Assert.Equal(["banana", "äpfel"], map.Range("ba", null).Select(p => p.Key));
        Assert.Empty(map.Prefix("c"));
    }

    [Fact]
    public void Longest_prefix_is_found_or_null()
    {
        using var map = Filled();
        Assert.Equal("apple", map.LongestPrefix("applesauce")?.Key);
        Assert.Equal("ap", map.LongestPrefix("apt")?.Key);
        Assert.Null(map.LongestPrefix("a"));
    }

    [Fact]
    public void Insert_replaces_and_delete_removes()
    {
        using var map = Filled();
        Assert.False(map.Insert("b", "2"));
        Assert.Equal("2", map.Get("b"));
        Assert.True(map.Delete("b"));
        Assert.False(map.Delete("b"));
        Assert.False(map.TryGet("b", out _));
        Assert.Throws<KeyNotFoundException>(() => map.Get("b"));
        Assert.Equal(Fruit.Length - 1, map.Count);
    }

    [Fact]
    public void Invalid_text_is_refused()
    {
        using var map = new RadixMap<int>();
        Assert.Equal(
            DmtErrorKind.InvalidArgument, Assert.Throws<DmtException>(() => map.Insert("\uD800", 1)).Kind);
        Assert.Equal(
            DmtErrorKind.TooLarge, Assert.Throws<DmtException>(() => map.Insert(new string('x', 1025), 1)).Kind);
        Assert.Equal(0, map.Count);
    }

    /// <summary>
    /// A value of 32 bytes cannot be written at once: its parts agree only where no write is seen half done.
    /// </summary>
    [Fact]
    public async Task Large_values_are_never_seen_half_written()
    {
        using var map = new RadixMap<(long A, long B, long C, long D)>();
        map.Insert("k", default);
        using var done = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            var reads = 0L;
            while (!done.IsCancellationRequested || reads == 0)
            {
                var (a, b, c, d) = map.Get("k");
                Assert.True(a == b && b == c && c == d, $"torn: {a} {b} {c} {d}");
                reads++;
            }
        });
        for (var i = 1L; i <= 200_000; i++)
        {
            map.Insert("k", (i, i, i, i));
        }

        await done.CancelAsync();
        await reader;
    }
}
