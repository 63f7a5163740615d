namespace Dmt.Engine.Replication;

/// <summary>
/// The way from a main to one replica: carries one message there and brings its answer back. Messages check
/// themselves; a channel may lose, repeat or damage them. Safe for concurrent use.
/// </summary>
public interface IReplicaChannel
{
    /// <exception cref="Core.DmtException">
    /// Unavailable when no answer came; it may have arrived all the same.
    /// </exception>
    ValueTask<byte[]> ExchangeAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}
