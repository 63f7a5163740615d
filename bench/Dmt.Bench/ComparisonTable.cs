using System.Globalization;
using System.Text;

namespace Dmt.Bench;

/// <summary>
/// Results as a table in Markdown (which is plain enough for a terminal): each peer's figure, and DMT's as a ratio to
/// it.
/// </summary>
internal static class ComparisonTable
{
    private const string Dmt = "dmt";

    public static string Markdown(IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> results)
    {
        var text = new StringBuilder();
        text.Append("| per second |").AppendJoin(null, results.Keys.Select(static name => $" {name} |")).AppendLine();
        text.Append("|---|").AppendJoin(null, results.Keys.Select(static _ => "---:|")).AppendLine();
        foreach (var row in PeerRun.Workloads.Append(PeerRun.DiskMegabytes).Append(PeerRun.ResidentMegabytes))
        {
            text.Append("| ").Append(row).Append(" |");
            foreach (var (name, figures) in results)
            {
                if (!figures.ContainsKey(row))
                {
                    text.Append(" - |");
                    continue;
                }

                text.Append(' ').Append(Figure(figures[row]));
                if (name != Dmt && results.TryGetValue(Dmt, out var dmt))
                {
                    text.Append(CultureInfo.InvariantCulture, $" ({dmt[row] / figures[row]:0.00}x)");
                }

                text.Append(" |");
            }

            text.AppendLine();
        }

        return text.ToString();
    }

    private static string Figure(double value) => value switch
    {
        >= 10_000_000 => (value / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " M",
        >= 1_000_000 => (value / 1e6).ToString("0.00", CultureInfo.InvariantCulture) + " M",
        >= 100_000 => (value / 1e3).ToString("0", CultureInfo.InvariantCulture) + " k",
        >= 1_000 => (value / 1e3).ToString("0.0", CultureInfo.InvariantCulture) + " k",
        _ => value.ToString(value < 10 ? "0.00" : "0", CultureInfo.InvariantCulture),
    };
}
