namespace Dmt.Simulation;

/// <summary>Breaks things on purpose, to see that the checks find out.</summary>
[Flags]
internal enum SimSwitches
{
    None = 0,

    /// <summary>A successor does not seal the log of its predecessor.</summary>
    SkipSeal = 1,

    /// <summary>Manifests are created over those that are there.</summary>
    OverwriteManifests = 2,

    /// <summary>What was carved is not closed when the map names it.</summary>
    LeaveChildrenOpen = 4,

    /// <summary>A merge is taken for done when a shard in between has the child.</summary>
    ForgetShardsBetween = 8,

    /// <summary>Who was taken over still says in the map what it thinks was carved.</summary>
    LetStaleOwnersWriteMaps = 16,

    /// <summary>Who was taken over goes on answering until it meets the fence.</summary>
    SkipLeases = 32,
}

/// <summary>How a run ended.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Violation">What was wrong; null when nothing was.</param>
/// <param name="Hash">Of everything that happened and of what the bucket holds at the end.</param>
/// <param name="Trace">What happened, where it was asked for.</param>
/// <param name="Counts">How often what was seen.</param>
internal sealed record SimResult(
    int Seed, string? Violation, ulong Hash, IReadOnlyList<string> Trace, SimCounts Counts);

/// <summary>Shows that runs do what they are for.</summary>
internal sealed record SimCounts
{
    public long Operations { get; set; }

    public long StrictAcknowledged { get; set; }

    public long Openings { get; set; }

    public long Takeovers { get; set; }

    public long Kills { get; set; }

    public long Refused { get; set; }

    public long StaleReads { get; set; }

    public long Carves { get; set; }

    public long Merges { get; set; }

    public long Moves { get; set; }

    public long Steps { get; set; }

    public static SimCounts operator +(SimCounts a, SimCounts b) => new()
    {
        Operations = a.Operations + b.Operations,
        StrictAcknowledged = a.StrictAcknowledged + b.StrictAcknowledged,
        Openings = a.Openings + b.Openings,
        Takeovers = a.Takeovers + b.Takeovers,
        Kills = a.Kills + b.Kills,
        Refused = a.Refused + b.Refused,
        StaleReads = a.StaleReads + b.StaleReads,
        Carves = a.Carves + b.Carves,
        Merges = a.Merges + b.Merges,
        Moves = a.Moves + b.Moves,
        Steps = a.Steps + b.Steps,
    };
}
