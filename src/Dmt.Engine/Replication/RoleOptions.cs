namespace Dmt.Engine.Replication;

/// <summary>Which role a process begins with, and who the others are.</summary>
public sealed record RoleOptions
{
    /// <summary>It begins as a read replica; otherwise as the main.</summary>
    public bool IsReplica { get; init; }

    /// <summary>
    /// The replicas that it ships to as the main, <c>host:port</c>; on a replica, those that it would ship to once it
    /// is promoted.
    /// </summary>
    public IReadOnlyList<string> Replicas { get; init; } = [];

    /// <summary>The way to one of them.</summary>
    public required Func<string, IReplicaChannel> Connect { get; init; }

    public ReplicationOptions Replication { get; init; } = new();
}
