using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>What a replica answers.</summary>
[GenerateSerializer, Immutable, Alias("dmt.replica-read")]
public readonly record struct ReplicaRead
{
    /// <summary>What the key held; null where it was absent.</summary>
    [Id(0)]
    public Entry? Entry { get; init; }

    /// <summary>Milliseconds since the replica had everything that was in the store: older it is not.</summary>
    [Id(1)]
    public long LagMs { get; init; }
}
