using System.Globalization;

namespace Dmt.Bench.AnyOrder;

/// <summary><c>anyorder [--keys N] [--queries N]</c>: the table of the 15 sets of four segments.</summary>
internal static class AnyOrderCommand
{
    /// <summary>The full grid.</summary>
    private const int KeysDefault = 1 << 20;

    public static async Task RunAsync(string[] arguments)
    {
        var (keys, queries) = (KeysDefault, 1000);
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var number = i + 1 < arguments.Length
                && int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                && n is >= 10 and <= KeysDefault ? n : throw Usage();
            (keys, queries) = arguments[i] switch
            {
                "--keys" => (number, queries),
                "--queries" => (keys, number),
                _ => throw Usage(),
            };
        }

        var folder = Directory.CreateTempSubdirectory("dmt-anyorder-");
        try
        {
            var figures = await new AnyOrderRun(queries, Console.Error).RunAsync(folder.FullName, keys);
            Print(figures);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Print(IReadOnlyList<AnyOrderFigure> figures)
    {
        Console.WriteLine("| fixed | p50, us | p99, us | prefix p50 | prefix p99 | p50 ratio | p99 ratio |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var figure in figures)
        {
            var (match50, match99) = (figure.MatchAt(0.5), figure.MatchAt(0.99));
            var (prefix50, prefix99) = (figure.PrefixAt(0.5), figure.PrefixAt(0.99));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {figure.Pattern} | {match50:0.0} | {match99:0.0} | {prefix50:0.0} | {prefix99:0.0} "
                    + $"| {match50 / prefix50:0.00} | {match99 / prefix99:0.00} |"));
        }
    }

    private static ArgumentException Usage() =>
        new($"expected anyorder [--keys N] [--queries N], each 10 to {KeysDefault}");
}
