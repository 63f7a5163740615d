namespace Dmt.Cli.Bench.Workers;

/// <summary>How often a mixed workload does what, in percent; together 100.</summary>
internal sealed record MixShares
{
    public int Read { get; init; }

    public int Update { get; init; }

    public int Insert { get; init; }

    public int Scan { get; init; }

    public int ReadModifyWrite { get; init; }

    /// <summary>Keys are chosen by how lately they were inserted, instead of by a fixed popularity.</summary>
    public bool Latest { get; init; }
}
