namespace Dmt.Core;

/// <summary>A store whose process is the main, or a read replica of one.</summary>
public interface IRoleStore : ITrieStore
{
    /// <summary>How far this replica is behind; null on the main.</summary>
    ReplicaLag? Lag { get; }

    /// <summary>Where the main of this replica takes writes; null on the main, and where it is not known.</summary>
    string? Main { get; }

    /// <summary>Makes this replica the main; whoever was it is fenced.</summary>
    /// <param name="force">Even where another replica that can be reached is ahead.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>The other replicas, as they were asked before.</returns>
    /// <exception cref="DmtException">
    /// Conflict when this is the main already, or another replica is ahead; Unavailable when there is nothing to open
    /// yet.
    /// </exception>
    ValueTask<IReadOnlyList<ReplicaStatistics>> PromoteAsync(
        bool force, CancellationToken cancellationToken = default);
}
