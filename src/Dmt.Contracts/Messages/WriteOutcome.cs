using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>What came of a write: a version, or an error.</summary>
[GenerateSerializer, Immutable, Alias("dmt.write-outcome")]
public readonly record struct WriteOutcome
{
    /// <summary>The new version; 0 where the write failed.</summary>
    [Id(0)]
    public ulong Version { get; init; }

    /// <summary>Why it failed; null where it did not.</summary>
    [Id(1)]
    public DmtException? Error { get; init; }
}
