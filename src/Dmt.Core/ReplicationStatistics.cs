namespace Dmt.Core;

/// <summary>The role of a process among the main and the read replicas of one store.</summary>
public sealed record ReplicationStatistics
{
    /// <summary><c>main</c> or <c>replica</c>.</summary>
    public required string Role { get; init; }

    /// <summary>On a replica: where its main takes writes; null until it was heard of.</summary>
    public string? Main { get; init; }

    /// <summary>On a replica: operations of the main that are not here yet.</summary>
    public ulong? LagOperations { get; init; }

    /// <summary>On a replica: milliseconds since it was last known to have all that the main had.</summary>
    public long? LagMs { get; init; }

    /// <summary>On a replica: the main was heard of in the last seconds.</summary>
    public bool? Connected { get; init; }

    /// <summary>On a main: each replica that it ships to.</summary>
    public IReadOnlyList<ReplicaStatistics> Replicas { get; init; } = [];
}

/// <summary>One replica, as another process sees it.</summary>
/// <param name="Name">Its <c>host:port</c>, as configured.</param>
/// <param name="Connected">It answers.</param>
/// <param name="Sequence">The last operation that it is known to have.</param>
/// <param name="LagOperations">Operations that it is not known to have.</param>
/// <param name="Problem">Why it does not answer, or what keeps it back; null when all is well.</param>
public sealed record ReplicaStatistics(
    string Name, bool Connected, ulong Sequence, ulong LagOperations, string? Problem);
