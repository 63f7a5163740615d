using Dmt.Engine.Manifests;

namespace Dmt.Engine.Shards;

/// <summary>A shard cannot be opened because it was merged. Never leaves the engine: see ShardDirectory.</summary>
internal sealed class MergedException(Manifest last)
    : Exception($"shard {last.Shard} was merged into {last.MergedInto}")
{
    /// <summary>Its last manifest.</summary>
    public Manifest Last { get; } = last;
}
