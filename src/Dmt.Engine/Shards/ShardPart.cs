using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <summary>A shard that is being carved out.</summary>
/// <param name="carved">Its number and its prefix.</param>
internal sealed class ShardPart(CarvedShard carved)
{
    public CarvedShard Carved => carved;

    /// <summary>Its last manifest; null until it is prepared.</summary>
    public Manifest Manifest { get; set; } = null!;

    /// <summary>Readers of the tables that it names.</summary>
    public TableReader[][] Levels { get; set; } = [];

    /// <summary>The number of the parent's manifest whose tables those are cut from.</summary>
    public long CutFrom { get; set; }

    /// <summary>How many tables it has of its own: numbers 1 up to this.</summary>
    public ulong TablesWritten { get; set; }
}
