using System.Globalization;
using System.Text.Json;
using Dmt.Cli.Terminal;
using Dmt.Hosting.Configuration;
using Spectre.Console;

namespace Dmt.Cli.Bench;

/// <summary>Shows results: a table for people, an object for programs.</summary>
internal static class BenchReport
{
    private const double NsPerUs = 1000;

    /// <summary>One property for each workload; a workload that ran twice has its last result.</summary>
    public static void WriteJson(Utf8JsonWriter writer, IReadOnlyList<BenchResult> results)
    {
        foreach (var r in results.GroupBy(static r => r.Name).Select(static g => g.Last()))
        {
            writer.WriteStartObject(r.Name);
            writer.WriteNumber("ops_per_s", Math.Round(r.OperationsPerSecond, 1));
            writer.WriteNumber("p50_us", r.Latencies.PercentileNs(0.5) / NsPerUs);
            writer.WriteNumber("p99_us", r.Latencies.PercentileNs(0.99) / NsPerUs);
            writer.WriteNumber("p999_us", r.Latencies.PercentileNs(0.999) / NsPerUs);
            writer.WriteNumber("max_us", r.Latencies.MaxNs / NsPerUs);
            writer.WriteNumber("ops", r.Operations);
            writer.WriteNumber("records", r.Records);
            writer.WriteNumber("seconds", Math.Round(r.Seconds, 6));
            writer.WriteNumber("cpu_seconds", Math.Round(r.CpuSeconds, 6));
            writer.WriteNumber("threads", r.Threads);
            WriteRatio(writer, "write_amplification", r.WriteAmplification);
            WriteRatio(writer, "space_amplification", r.SpaceAmplification);
            WriteRatio(writer, "memory_bytes_per_key", r.MemoryBytesPerKey);
            writer.WriteNumber("disk_bytes", r.DiskBytes);
            writer.WriteNumber("rss_bytes", r.ResidentBytes);
            writer.WriteNumber("rss_peak_bytes", r.ResidentPeakBytes);
            writer.WriteNumber("driver_ns", Math.Round(r.DriverNs, 1));
            writer.WriteEndObject();
        }
    }

    public static void Render(IAnsiConsole console, BenchSettings settings, IReadOnlyList<BenchResult> results)
    {
        console.Write(new Text(string.Create(
            CultureInfo.InvariantCulture,
            $"{settings.Keys:N0} keys of {settings.KeyBytes} bytes, values of {settings.ValueBytes}; "
            + $"fsync {settings.Durability}, cache {ByteSize.Format(settings.CacheBytes)}, seed {settings.Seed}; "
            + $"the driver's own share is {results[0].DriverNs:0} ns")));
        console.WriteLine();
        var table = Tables.Create(
            "workload", "thr", "ops/s", "p50 us", "p99 us", "p999 us", "w-amp", "s-amp", "disk MB", "B/key", "peak MB");
        foreach (var r in results)
        {
            Tables.AddRow(
                table,
                r.Name,
                r.Threads.ToString(CultureInfo.InvariantCulture),
                r.OperationsPerSecond.ToString(r.OperationsPerSecond < 100 ? "N2" : "N0", CultureInfo.InvariantCulture),
                Us(r.Latencies.PercentileNs(0.5)),
                Us(r.Latencies.PercentileNs(0.99)),
                Us(r.Latencies.PercentileNs(0.999)),
                Amplification(r.WriteAmplification),
                Amplification(r.SpaceAmplification),
                Megabytes(r.DiskBytes),
                r.MemoryBytesPerKey?.ToString("N0", CultureInfo.InvariantCulture) ?? "-",
                Megabytes(r.ResidentPeakBytes));
        }

        console.Write(table);
        console.Write(new Text(
            "w-amp: bytes written to log and tables for each byte put since the store was opened.\n"
            + "s-amp: bytes of tables and live log for each byte of keys and values.\n"
            + "B/key: memory that the store has taken. peak: most memory of the process, warm-up included.\n"));
    }

    private static void WriteRatio(Utf8JsonWriter writer, string name, double? ratio)
    {
        if (ratio is { } number)
        {
            writer.WriteNumber(name, Math.Round(number, 4));
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    private static string Us(long ns) =>
        (ns / NsPerUs).ToString(ns < 100 * NsPerUs ? "N2" : "N0", CultureInfo.InvariantCulture);

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("N0", CultureInfo.InvariantCulture);

    private static string Amplification(double? ratio) => ratio?.ToString("N2", CultureInfo.InvariantCulture) ?? "-";
}
