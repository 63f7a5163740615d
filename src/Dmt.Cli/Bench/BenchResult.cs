namespace Dmt.Cli.Bench;

/// <summary>What a workload measured. Sizes in bytes.</summary>
internal sealed record BenchResult
{
    public required string Name { get; init; }

    public required int Threads { get; init; }

    public required long Operations { get; init; }

    /// <summary>Entries that scans returned.</summary>
    public required long Records { get; init; }

    public required double Seconds { get; init; }

    /// <summary>
    /// Processor time of the whole process during the workload, background work included. More than a little below
    /// <see cref="Seconds"/> times the threads at work, it tells of waiting: for the medium, or for a busy processor.
    /// </summary>
    public required double CpuSeconds { get; init; }

    public required LatencyHistogram Latencies { get; init; }

    /// <summary>
    /// Bytes that went to log and tables since the store was opened, divided by the bytes of keys and values that were
    /// put; null when none were.
    /// </summary>
    public required double? WriteAmplification { get; init; }

    /// <summary>
    /// Bytes of tables and live log divided by the bytes of keys and values, each key once; null for an empty store.
    /// </summary>
    public required double? SpaceAmplification { get; init; }

    /// <summary>Bytes of all files of the store, space that the log has reserved included.</summary>
    public required long DiskBytes { get; init; }

    /// <summary>
    /// Anonymous resident memory, less what the process had before it opened the store, for each key.
    /// </summary>
    public required double? MemoryBytesPerKey { get; init; }

    public required long ResidentBytes { get; init; }

    /// <summary>The most since the process began.</summary>
    public required long ResidentPeakBytes { get; init; }

    /// <summary>What the driver itself costs, in nanoseconds an operation; contained in the other figures.</summary>
    public required double DriverNs { get; init; }

    public double OperationsPerSecond => Operations / Math.Max(Seconds, 1e-9);
}
