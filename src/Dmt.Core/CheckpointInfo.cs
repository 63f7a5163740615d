namespace Dmt.Core;

/// <summary>What a checkpoint holds.</summary>
/// <param name="Name">Its name.</param>
/// <param name="CreatedAt">When it was made, by the clock of who made it.</param>
/// <param name="Sequence">Every write up to this sequence number is in it, none after.</param>
/// <param name="Tables">Tables that it keeps.</param>
/// <param name="Bytes">Their size; shared with the present state as far as that still has them.</param>
/// <param name="EntriesMax">Entries in them, overwritten ones included.</param>
public sealed record CheckpointInfo(
    string Name, DateTimeOffset CreatedAt, ulong Sequence, int Tables, long Bytes, long EntriesMax)
{
    /// <summary>
    /// For a checkpoint that keeps tables for a clone of the store: the prefix of the clone in the bucket. It goes by
    /// itself when the clone needs it no more. Null for others.
    /// </summary>
    public string? ClonedTo { get; init; }
}
