using System.Diagnostics;
using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;

namespace Dmt.Bench.AnyOrder;

/// <summary>
/// Search by any of four segments, beside plain prefix searches with results of the same size. Keys are a grid: each
/// segment has 32 values, so k fixed segments have 32^(4-k) keys, whichever they are; a page has 100 at most. Each
/// pattern is followed at once by the prefix search over the first k segments of the same key.
/// </summary>
internal sealed class AnyOrderRun(int queries, TextWriter trace)
{
    private const int Segments = 4;
    private const int Values = 32;
    private const int Limit = 100;
    private static readonly Keyspace _grid = Keyspace.Separated("grid", "", "/", Segments);
    private static readonly string[] _names = ["region", "books", "item", "v"];

    private readonly Random _random = new(1);

    public async Task<IReadOnlyList<AnyOrderFigure>> RunAsync(string folder, int keys)
    {
        var options = new EngineOptions
        {
            CacheBytes = 1L << 30,
            Keyspaces = [_grid],
        };
        await using var store = await TrieStore.OpenAsync(folder, options);
        await FillAsync(store, keys);
        var times = new (List<double> Match, List<double> Prefix)[1 << Segments];
        for (var subset = 1; subset < times.Length; subset++)
        {
            times[subset] = ([], []);
        }

        for (var i = -queries / 10; i < queries; i++)
        {
            for (var subset = 1; subset < times.Length; subset++)
            {
                var (match, prefix) = await SearchAsync(store, subset, keys);
                if (i >= 0)
                {
                    times[subset].Match.Add(match);
                    times[subset].Prefix.Add(prefix);
                }
            }
        }

        return
        [
            .. Enumerable.Range(1, times.Length - 1).Select(subset => new AnyOrderFigure(
                string.Join('/', Enumerable.Range(0, Segments).Select(i => (subset & (1 << i)) != 0 ? _names[i] : "*")),
                times[subset].Match,
                times[subset].Prefix)),
        ];
    }

    private async Task FillAsync(TrieStore store, int keys)
    {
        var clock = Stopwatch.StartNew();
        var value = new byte[20];
        for (var at = 0; at < keys;)
        {
            var batch = new WriteBatch();
            for (var end = Math.Min(keys, at + 1000); at < end; at++)
            {
                batch.Put(Encoding.ASCII.GetBytes(string.Join('/', Parts(at))), value);
            }

            await store.WriteAsync(batch);
        }

        trace.WriteLine(Text($"{keys:N0} keys written in {clock.Elapsed.TotalSeconds:0.0} s"));
        await store.MatchAsync(new MatchRequest { Pattern = "*/*/*/*", Limit = 1 });
        var copies = PrefixPermutation.MinimalOrders(Segments).Count;
        trace.WriteLine(Text($"and their {copies} copies after {clock.Elapsed.TotalSeconds:0.0} s"));
        await store.CompactAsync();
        trace.WriteLine(Text($"compacted after {clock.Elapsed.TotalSeconds:0.0} s"));
    }

    /// <summary>Microseconds of a search by the segments of a set, and of one by as many in front.</summary>
    private async Task<(double Match, double Prefix)> SearchAsync(TrieStore store, int subset, int keys)
    {
        var parts = Parts(_random.Next(keys));
        var count = int.PopCount(subset);
        var pattern = string.Join('/', parts.Select((part, i) => (subset & (1 << i)) != 0 ? part : "*"));
        var prefix = string.Join('/', parts.Take(count)) + (count < Segments ? "/" : "");

        var started = Stopwatch.GetTimestamp();
        var found = await store.MatchAsync(new MatchRequest { Pattern = pattern, Limit = Limit });
        var match = Stopwatch.GetElapsedTime(started).TotalMicroseconds;

        started = Stopwatch.GetTimestamp();
        var page = await store.ScanAsync(new ScanRequest
        {
            Range = KeyRange.Prefix(Encoding.ASCII.GetBytes(prefix)),
            Limit = Limit,
            KeysOnly = true,
        });
        var plain = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        Check(pattern, found, page, keys, count);
        return (match, plain);
    }

    private static void Check(
        string pattern, MatchPage found, ScanPage page, int keys, int count)
    {
        var parsed = SegmentPattern.Parse(_grid, pattern);
        if (found.Results.Count == 0 || found.Results.Any(one => !parsed.Matches(one.Key.Span)))
        {
            throw new InvalidOperationException($"{pattern} found what it should not, or nothing");
        }

        var expected = Math.Min(Limit, (int)Math.Pow(Values, Segments - count));
        if (keys == 1 << 20 && (found.Results.Count != expected || page.Entries.Count != expected))
        {
            throw new InvalidOperationException($"{pattern}: {found.Results.Count}, {page.Entries.Count}, {expected}");
        }
    }

    private static string[] Parts(int number)
    {
        var parts = new string[Segments];
        for (var i = Segments - 1; i >= 0; i--)
        {
            parts[i] = string.Create(CultureInfo.InvariantCulture, $"{_names[i]}-{number % Values:00}");
            number /= Values;
        }

        return parts;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
