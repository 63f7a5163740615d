using Dmt.Cli.Bench.Workers;

namespace Dmt.Cli.Bench;

/// <summary>A named workload.</summary>
internal sealed record Workload
{
    public required string Name { get; init; }

    /// <summary>One line for the help.</summary>
    public required string Description { get; init; }

    /// <summary>How many operations a run over this many keys does, all threads together.</summary>
    public required Func<long, long> Operations { get; init; }

    /// <summary>A worker for one thread.</summary>
    public required Func<BenchContext, WorkerShare, Worker> Create { get; init; }

    /// <summary>Number of threads that the name promises; null for as many as asked for.</summary>
    public int? Threads { get; init; }

    /// <summary>It reads keys that must have been written.</summary>
    public bool NeedsKeys { get; init; }

    /// <summary>It writes nothing, so there is no background work to wait for.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>It is part of a run that names no workloads.</summary>
    public bool IsDefault { get; init; } = true;
}
