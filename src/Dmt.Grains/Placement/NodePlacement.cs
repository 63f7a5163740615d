using Orleans.Placement;

namespace Dmt.Grains.Placement;

/// <summary>A grain whose key is the address of a silo lives there.</summary>
[Serializable, GenerateSerializer, Immutable]
internal sealed class NodePlacement : PlacementStrategy
{
}

/// <inheritdoc cref="NodePlacement"/>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NodePlacementAttribute() : PlacementAttribute(new NodePlacement());
