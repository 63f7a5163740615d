using Dmt.Core;

namespace Dmt.Engine.Replication;

/// <summary>How a main ships to its replicas, and how a replica follows. Immutable.</summary>
public sealed record ReplicationOptions
{
    /// <summary>Most replicas that strict writes can wait for.</summary>
    public const int AcksMax = 16;

    /// <summary>
    /// Replicas that must have a strict write, too, before it is acknowledged. 0 (the main alone) to 16; 0 by default.
    /// </summary>
    public int Acks { get; init; }

    /// <summary>
    /// A main over a folder may take writes before a replica has said that there is no newer main. False by default.
    /// </summary>
    public bool StartsAlone { get; init; }

    /// <summary>
    /// How often a replica of a bucket looks into the bucket while it hears nothing of a main. 100 ms to 1 day; 5 s by
    /// default.
    /// </summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes of recent records that a main keeps for its replicas; who is further behind catches up.</summary>
    internal long BufferBytesMax { get; init; } = 64L << 20;

    /// <summary>Bytes of records in one message, unless a single one is larger.</summary>
    internal int BatchBytesMax { get; init; } = 1 << 20;

    /// <summary>Bytes of a table in one message.</summary>
    internal int TableChunkBytes { get; init; } = 1 << 20;

    /// <summary>A replica that has everything hears so as often.</summary>
    internal TimeSpan Heartbeat { get; init; } = TimeSpan.FromMilliseconds(500);

    internal TimeSpan RetryDelayMin { get; init; } = TimeSpan.FromMilliseconds(50);

    internal TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An exchange without an answer has failed.</summary>
    internal TimeSpan ExchangeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A strict write that replicas do not confirm in this time fails, its outcome unknown.</summary>
    internal TimeSpan AckTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <exception cref="DmtException">InvalidArgument naming the setting.</exception>
    public void Validate()
    {
        if (Acks is < 0 or > AcksMax)
        {
            throw DmtException.InvalidArgument($"{nameof(Acks)} is {Acks}: expected 0 to {AcksMax}");
        }

        if (PollInterval < TimeSpan.FromMilliseconds(100) || PollInterval > TimeSpan.FromDays(1))
        {
            throw DmtException.InvalidArgument($"{nameof(PollInterval)} is {PollInterval}: expected 100 ms to 1 day");
        }
    }
}
