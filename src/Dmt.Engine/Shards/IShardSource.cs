using System.Diagnostics.CodeAnalysis;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;

namespace Dmt.Engine.Shards;

/// <summary>The shards that a walk over the key space goes through: those of an owner, or those of a replica.</summary>
internal interface IShardSource
{
    /// <summary>Which shards there are now.</summary>
    ShardMap Map { get; }

    /// <summary>The shard that has a whole range, where it is open already.</summary>
    bool TryFindWhole(KeyRange range, [MaybeNullWhen(false)] out Shard shard);

    /// <summary>A shard, opened where it is not.</summary>
    /// <exception cref="DmtException">NotOwner where it is gone: look into the map again.</exception>
    ValueTask<Shard> GetAsync(uint id, CancellationToken cancellationToken);
}
