namespace Dmt.Cli.Bench.Workers;

/// <summary>One worker's share of a workload.</summary>
/// <param name="Worker">Which worker this is, from 0.</param>
/// <param name="Workers">How many there are.</param>
/// <param name="Operations">How many operations all of them do together.</param>
internal readonly record struct WorkerShare(int Worker, int Workers, long Operations)
{
    /// <summary>How many operations this worker does.</summary>
    public long Own => (Operations / Workers) + (Worker < Operations % Workers ? 1 : 0);

    /// <summary>The place of this worker's n-th operation among those of all: they take turns.</summary>
    public long Place(long operation) => (operation * Workers) + Worker;
}
