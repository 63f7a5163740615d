using Dmt.Engine.Manifests;

namespace Dmt.Engine.Garbage;

/// <summary>A shard as its owner last wrote it.</summary>
/// <param name="Manifest">The last manifest that was written.</param>
/// <param name="WrittenAt">The time here just after; so the store's clock stood at its stamp or later.</param>
internal sealed record OwnedShard(Manifest Manifest, DateTimeOffset WrittenAt);
