using Dmt.Engine;

namespace Dmt.Grains;

/// <summary>A silo's part in a DMT store. The same on all silos.</summary>
public sealed class DmtNodeOptions
{
    /// <summary>Settings of the engine: memory, tables, durability.</summary>
    public EngineOptions Engine { get; set; } = new();

    /// <summary>
    /// A shard whose tables hold more bytes of data is carved, and one that deletions have made small goes back. 64 KiB
    /// to 1 TiB; null, the default, for neither: then shards change by command only.
    /// </summary>
    public long? ShardBytesMax { get; set; }

    /// <summary>
    /// A shard that is asked for more operations a second is carved where they are balanced best, and what was carved
    /// for that goes back when it and the shard above have had less than an eighth of this each for
    /// <see cref="QuietTime"/>. 1,000 to 1,000,000,000; null, the default, for neither. Counted by samples, over 10 s.
    /// </summary>
    public long? ShardLoadMax { get; set; }

    /// <summary>A shard is not merged by itself sooner after it was carved. 0 to 1 day; 10 minutes by default.
    /// </summary>
    public TimeSpan QuietTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Replicas of each shard, warm on other silos. 0 (the default) to 15; where there are fewer silos, as many as can
    /// be.
    /// </summary>
    public int Replicas { get; set; }

    /// <summary>
    /// How often a replica looks into the store. 10 ms to 1 day; 1 s by default: about 60 requests a minute for each.
    /// </summary>
    public TimeSpan ReplicaPollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a silo sees to the replicas of its shards. 100 ms to 1 hour; 10 s by default.</summary>
    public TimeSpan ReplicaKeepInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the sizes and loads of shards are looked at. 100 ms to 1 day; 10 s by default.</summary>
    public TimeSpan BalanceInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// After silos have come or gone, so long nothing is moved: more may follow. 0 to 1 hour; 5 s by default.
    /// </summary>
    public TimeSpan MoveDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Between two shards that a silo gives away to a new one. 0 to 1 minute; 200 ms by default: not all at once.
    /// </summary>
    public TimeSpan MovePause { get; set; } = TimeSpan.FromMilliseconds(200);
}
