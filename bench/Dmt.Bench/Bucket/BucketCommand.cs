using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dmt.Bench.Bucket;

/// <summary>The mode <c>bucket</c> of the program.</summary>
internal static class BucketCommand
{
    public const string Usage = "Dmt.Bench bucket [--keys N] [--trace] [--markdown | --json]";

    /// <exception cref="ArgumentException">With one line that says what is wrong.</exception>
    public static async Task RunAsync(string[] args)
    {
        var keys = 1_000_000L;
        var (isTraced, isJson) = (false, false);
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--trace":
                    isTraced = true;
                    break;
                case "--json":
                    isJson = true;
                    break;
                case "--markdown":
                    break; // plain enough for a terminal, so it is what is printed anyway
                case "--keys" when i + 1 < args.Length
                    && long.TryParse(args[++i], NumberStyles.None, CultureInfo.InvariantCulture, out keys)
                    && keys is >= 1000 and <= 100_000_000:
                    break;
                default:
                    throw new ArgumentException($"{args[i]}: not expected here; usage: {Usage}");
            }
        }

        var figures = await new BucketRun(keys, isTraced ? Console.Error : TextWriter.Null).RunAsync();
        Console.Write(isJson ? JsonSerializer.Serialize(figures) + "\n" : Markdown(figures));
    }

    private static string Markdown(IEnumerable<BucketFigure> figures)
    {
        var text = new StringBuilder("| | DMT | SlateDB | goal | |\n|---|---:|---:|---:|---|\n");
        foreach (var figure in figures)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"| {figure.Name} | {Show(figure.Dmt)} | {Show(figure.Peer)} | {Show(figure.Goal)} | {figure.Note} "
                    + $"|\n");
        }

        return text.ToString();
    }

    private static string Show(double? value) => value switch
    {
        null => "-",
        >= 100 => value.Value.ToString("0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.#", CultureInfo.InvariantCulture),
    };
}
