using Dmt.Contracts;
using Dmt.Core;
using Dmt.Core.Sharding;

namespace Dmt.Grains.Shards;

/// <summary>
/// The second half of a merge: the shard above takes over what gave itself up. Whoever meets a shard that did comes
/// here, so it does not matter where somebody else stopped.
/// </summary>
internal sealed class MergeFinisher(IGrainFactory grains, ShardMapCache maps)
{
    /// <summary>So many shards in a row can be the wrong one before the structure is at fault.</summary>
    private const int AttemptsMax = 20;

    /// <param name="child">The shard that gave up.</param>
    /// <param name="into">The shard that its last manifest names.</param>
    /// <param name="cancellationToken">Gives up; it can be done again.</param>
    /// <exception cref="DmtException">Unavailable.</exception>
    public async ValueTask FinishAsync(uint child, uint into, CancellationToken cancellationToken)
    {
        for (var attempts = 0; attempts < AttemptsMax; attempts++)
        {
            try
            {
                var parent = grains.GetGrain<IShardGrain>(GrainKeys.OfShard(into));
                if (await parent.AbsorbAsync(child, cancellationToken) is not { } between)
                {
                    await maps.RefreshAsync(cancellationToken);
                    return;
                }

                into = between;
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner)
            {
                // That one was merged itself: what is above it now has its children, too.
                var map = await maps.RefreshAsync(cancellationToken);
                if (!map.TryGet(child, out _))
                {
                    return;
                }

                into = ShardPrefixes.ParentOf(map, child);
            }
        }

        throw DmtException.Unavailable($"shard {child} was merged, and no shard above it has taken it over yet");
    }
}
