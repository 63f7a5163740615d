using Orleans.Placement;

namespace Dmt.Grains.Placement;

/// <summary>A shard, or a copy of one, lives where <see cref="Core.Sharding.Placement"/> says.</summary>
[Serializable, GenerateSerializer, Immutable]
internal sealed class ShardPlacement : PlacementStrategy
{
}

/// <inheritdoc cref="ShardPlacement"/>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ShardPlacementAttribute() : PlacementAttribute(new ShardPlacement());
