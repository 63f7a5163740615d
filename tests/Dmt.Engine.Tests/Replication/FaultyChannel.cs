using Dmt.Core;
using Dmt.Engine.Replication;

namespace Dmt.Engine.Tests.Replication;

/// <summary>
/// Carries messages between stores of one process, and loses, repeats and damages some. A disconnected one carries
/// nothing.
/// </summary>
internal sealed class FaultyChannel(Func<RoleStore?> target, Random random, double faults) : IReplicaChannel
{
    private volatile bool _isConnected = true;
    private int _exchanges;

    public bool IsConnected
    {
        get => _isConnected;
        set => _isConnected = value;
    }

    public int Exchanges => Volatile.Read(ref _exchanges);

    public async ValueTask<byte[]> ExchangeAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _exchanges);
        var fate = Draw();
        if (!IsConnected || fate < faults || target() is not { } store)
        {
            throw DmtException.Unavailable("the message was lost");
        }

        if (fate < 2 * faults)
        {
            var damaged = message.ToArray();
            damaged[(int)(fate * 1e6) % damaged.Length] ^= 0x40;
            var error = await Assert.ThrowsAsync<DmtException>(
                async () => await store.HandleAsync(damaged, cancellationToken));
            throw DmtException.Unavailable("the message was damaged", error);
        }

        if (fate < 3 * faults)
        {
            await store.HandleAsync(message, cancellationToken);
        }

        var answer = await store.HandleAsync(message, cancellationToken);
        return fate < 4 * faults || !IsConnected ? throw DmtException.Unavailable("the answer was lost") : answer;
    }

    private double Draw()
    {
        lock (random)
        {
            return random.NextDouble();
        }
    }
}
