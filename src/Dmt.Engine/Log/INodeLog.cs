using Dmt.Core;

namespace Dmt.Engine.Log;

/// <summary>
/// The log of one incarnation of a node, shared by all its shards. A position is a number of bytes appended to it. Two
/// media: files (<see cref="FileLog"/>) and objects (<see cref="ObjectLog"/>). Safe for concurrent use.
/// </summary>
internal interface INodeLog : IAsyncDisposable
{
    string Incarnation { get; }

    /// <summary>Whether another process has taken over from this incarnation.</summary>
    Fence Fence { get; }

    /// <summary>The position after the last append.</summary>
    long End { get; }

    /// <summary>Everything before it is durable.</summary>
    long DurableEnd { get; }

    /// <summary>Bytes handed to the medium so far.</summary>
    long BytesWritten { get; }

    /// <summary>Bytes kept on the medium.</summary>
    long LiveBytes { get; }

    /// <summary>Objects made of it so far, each of which a recovery may have to read; 0 in files.</summary>
    long Objects { get; }

    /// <summary>Why appends are refused now, or what keeps them waiting; null when all is well.</summary>
    string? RefusedBecause { get; }

    /// <summary>False while so much waits for the medium that writers should, too.</summary>
    bool HasRoom { get; }

    /// <summary>
    /// When, as a timestamp of the node's clock, nobody had sealed this log yet, as far as is known. Where only one
    /// process at a time can have it: always.
    /// </summary>
    long AloneAt => long.MaxValue;

    /// <summary>Finds out whether somebody has sealed this log; where not, <see cref="AloneAt"/> moves to
    /// now.</summary>
    /// <exception cref="DmtException">Fenced; Unavailable.</exception>
    ValueTask ConfirmAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Completes when there is room.</summary>
    ValueTask WaitForRoomAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Appends one record; see <see cref="FileLog"/>. Throws and changes nothing when it cannot be taken.
    /// </summary>
    long Append(
        uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations, Durability durability);

    /// <inheritdoc cref="Append(uint, ulong, ulong, int, ReadOnlySpan{byte}, Durability)"/>
    long Append(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation, Durability durability);

    /// <summary>Completes when everything before <paramref name="position"/> is durable.</summary>
    /// <exception cref="DmtException">
    /// Fenced when another process has sealed this log; Unavailable when it failed.
    /// </exception>
    ValueTask WaitDurableAsync(long position, CancellationToken cancellationToken);

    /// <summary>
    /// What a manifest notes so that a replay from there delivers everything after <paramref name="position"/>.
    /// </summary>
    long ReplayFrom(long position);

    /// <summary>What lies wholly before may be deleted.</summary>
    /// <param name="position">As <see cref="ReplayFrom"/> returned it.</param>
    /// <returns>Objects of the store that are to be collected; none where the log deletes for itself.</returns>
    IReadOnlyList<string> Release(long position);
}
