using System.Globalization;

namespace Dmt.Benchmarks;

/// <summary>
/// The tree beside its peers in one process, in a few minutes: medians of three runs, one thread. Rates are per second
/// of processor time of the process (background collection included), so that other load on the machine disturbs them
/// less; it still takes its share of the caches, so read the ratios, not the digits. Arguments: [count of keys] [name
/// of one contender].
/// </summary>
internal static class QuickRun
{
    private const int Runs = 3;

    public static void Run(string[] args)
    {
        var count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1_000_000;
        var only = args.Length > 1 ? args[1] : null;
        foreach (var (name, keys) in new[] { ("URLs", KeySets.Urls(count)), ("hex", KeySets.Hex(count)) })
        {
            var prefixes = KeySets.Prefixes(keys);
            var probes = KeySets.Shuffled(keys, 3);
            Console.WriteLine($"{count:N0} {name}, {keys.Average(k => k.Length):F1} bytes on average");
            Console.WriteLine($"  {"",-18}{"build/s",12}{"gets/s",12}{"tens/s",12}{"all/s",12}{"bytes/key",12}");
            foreach (var contender in Contenders().Where(c => only is null || c.Name == only))
            {
                Measure(contender, keys, probes, prefixes);
            }
        }
    }

    private static IEnumerable<Contender> Contenders() =>
        [new TreeContender(), new SortedDictionaryContender(), new SortedSetContender(), new SortedArrayContender()];

    private static void Measure(Contender contender, byte[][] keys, byte[][] probes, byte[][] prefixes)
    {
        // Small first, so that the code is compiled with what was seen before it is measured.
        var warm = keys[..Math.Min(keys.Length, 20_000)];
        for (var i = 0; i < 20; i++)
        {
            contender.Build(warm);
            contender.Gets(warm);
            contender.Tens(prefixes.AsSpan(0, Math.Min(prefixes.Length, 5_000)));
            contender.All();
            contender.Drop();
        }

        var figures = new double[4, Runs];
        var bytes = 0.0;
        for (var run = 0; run < Runs; run++)
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            figures[0, run] = Rate(keys.Length, () => contender.Build(keys));
            bytes = GC.GetTotalMemory(forceFullCollection: true) - before + contender.NativeBytes;
            bytes /= keys.Length;
            bytes += contender.KeepsKeys ? keys.Average(HeapBytes) : 0;
            figures[1, run] = Rate(probes.Length, () => contender.Gets(probes));
            figures[2, run] = Rate(prefixes.Length, () => contender.Tens(prefixes));
            figures[3, run] = Rate(keys.Length, contender.All);
            contender.Drop();
        }

        Console.Write($"  {contender.Name,-18}");
        for (var figure = 0; figure < 4; figure++)
        {
            var sorted = Enumerable.Range(0, Runs).Select(run => figures[figure, run]).Order().ToArray();
            Console.Write(figure == 2 && !contender.CanList ? $"{"-",12}" : $"{sorted[Runs / 2],12:N0}");
        }

        Console.WriteLine($"{bytes,12:F1}");
    }

    /// <summary>Header, length, bytes, rounded up to 8.</summary>
    private static double HeapBytes(byte[] key) => 16 + ((key.Length + 7) & ~7);

    private static double Rate(int operations, Action action)
    {
        var before = Environment.CpuUsage.TotalTime;
        action();
        return operations / (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }
}
