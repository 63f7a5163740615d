namespace Dmt.Core;

/// <summary>How far a read replica is behind its main.</summary>
/// <param name="Operations">Operations of the main, as far as they were heard of, that are not here yet.</param>
/// <param name="Milliseconds">
/// Since the replica was last known to have everything that the main had; null until it had once.
/// </param>
public readonly record struct ReplicaLag(ulong Operations, long? Milliseconds);
