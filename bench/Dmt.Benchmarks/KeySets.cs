using System.Text;

namespace Dmt.Benchmarks;

/// <summary>Deterministic sets of distinct keys, in random order.</summary>
public static class KeySets
{
    private static readonly string[] Words =
    [
        "news", "shop", "blog", "wiki", "forum", "media", "cloud", "green", "river", "stone", "paper", "light", "north",
        "south", "travel", "music", "garden", "market", "school", "science", "kitchen", "weather", "history", "culture",
        "finance", "product", "article", "gallery", "support", "archive", "summer", "winter", "orange", "silver",
        "golden", "simple",
    ];

    private static readonly string[] Tops = ["com", "org", "net", "de", "io", "co.uk"];

    /// <summary>URLs of about 44 bytes: some thousands of sites, each with sections, pages and numbers.</summary>
    public static byte[][] Urls(int count, int seed = 1)
    {
        var random = new Random(seed);
        var sites = new string[Math.Max(1, count / 200)];
        for (var i = 0; i < sites.Length; i++)
        {
            sites[i] = $"https://{Word(random)}{Word(random)}{random.Next(100)}.{Tops[random.Next(Tops.Length)]}/";
        }

        return Distinct(count, () =>
            $"{sites[random.Next(sites.Length)]}{Word(random)}/{Word(random)}-{random.Next(100_000)}");
    }

    /// <summary>16 random hexadecimal digits each.</summary>
    public static byte[][] Hex(int count, int seed = 1)
    {
        var random = new Random(seed);
        return Distinct(count, () => random.NextInt64().ToString("x16", null));
    }

    /// <summary>What a listing asks for: a key cut short, so that about ten or more keys begin with it.</summary>
    public static byte[][] Prefixes(byte[][] keys, int seed = 2)
    {
        var sorted = keys.ToArray();
        Array.Sort(sorted, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        var prefixes = new byte[sorted.Length - 10][];
        for (var i = 0; i < prefixes.Length; i++)
        {
            prefixes[i] = sorted[i][..sorted[i].AsSpan().CommonPrefixLength(sorted[i + 9])];
        }

        return Shuffled(prefixes, seed);
    }

    /// <summary>
    /// In another order, copied so that they lie in memory in that order: a reader's keys come from a buffer at hand,
    /// and what is to be measured is the misses of the structure, not those of its input.
    /// </summary>
    public static byte[][] Shuffled(byte[][] keys, int seed)
    {
        var shuffled = keys.ToArray();
        new Random(seed).Shuffle(shuffled);
        for (var i = 0; i < shuffled.Length; i++)
        {
            shuffled[i] = shuffled[i].ToArray();
        }

        return shuffled;
    }

    private static string Word(Random random) => Words[random.Next(Words.Length)];

    private static byte[][] Distinct(int count, Func<string> next)
    {
        var seen = new HashSet<string>(count);
        while (seen.Count < count)
        {
            seen.Add(next());
        }

        var keys = new byte[count][];
        var at = 0;
        foreach (var key in seen)
        {
            keys[at++] = Encoding.UTF8.GetBytes(key);
        }

        return keys;
    }
}
