using System.Globalization;

namespace Dmt.Engine.Tests.Shards;

/// <summary>Keys like words and like URLs: some beginnings are much more frequent than others. All differ.</summary>
internal static class ShardKeys
{
    private const string WordList = "/usr/share/dict/american-english-huge";

    private static readonly string[] Syllables =
        ["an", "be", "con", "de", "er", "fi", "ing", "ka", "lo", "mi", "ne", "over", "pre", "re", "st", "tion", "un"];

    private static readonly string[] Domains = [".com", ".com", ".com", ".org", ".net", ".de", ".co.uk"];

    private static readonly string[] Folders = ["news", "blog", "products", "img", "api/v1", "wiki", "user"];

    /// <summary>A tenth words, the rest URLs, in order of chance.</summary>
    public static string[] Create(int count, int seed)
    {
        var random = new Random(seed);
        var keys = new HashSet<string>(count);
        while (keys.Count < count / 10)
        {
            keys.Add(Word(random, random.Next(2, 6)));
        }

        AddUrls(keys, count, random);
        return Shuffled(keys, random);
    }

    /// <summary>
    /// The word list, or where there are few URLs an even part of it, a tenth of all; in order of chance.
    /// </summary>
    public static string[] WordsAndUrls(int urls, int seed)
    {
        var random = new Random(seed);
        var words = File.ReadAllLines(WordList);
        var every = Math.Max(1, words.Length / Math.Max(1, urls / 9));
        var keys = words.Where((word, i) => word.Length > 0 && i % every == 0).ToHashSet();
        AddUrls(keys, keys.Count + urls, random);
        return Shuffled(keys, random);
    }

    private static void AddUrls(HashSet<string> keys, int count, Random random)
    {
        while (keys.Count < count)
        {
            // The product of two is small more often than large: few sites have most pages.
            var site = new Random(random.Next(60) * random.Next(60));
            var host = Word(site, site.Next(2, 5)) + Domains[site.Next(Domains.Length)];
            keys.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"https://www.{host}/{Folders[random.Next(Folders.Length)]}/{Word(random, 2)}/{random.Next(100_000)}"));
        }
    }

    private static string[] Shuffled(HashSet<string> keys, Random random)
    {
        var all = keys.ToArray();
        random.Shuffle(all);
        return all;
    }

    private static string Word(Random random, int syllables) =>
        string.Concat(Enumerable.Range(0, syllables).Select(_ => Syllables[random.Next(Syllables.Length)]));
}
