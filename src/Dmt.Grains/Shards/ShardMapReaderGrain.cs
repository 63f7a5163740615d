using Dmt.Contracts;
using Dmt.Core.Sharding;
using Orleans.Concurrency;

namespace Dmt.Grains.Shards;

/// <summary>Answers from the silo that is asked: a client finds shards as long as it reaches any silo.</summary>
[StatelessWorker]
[Reentrant]
internal sealed class ShardMapReaderGrain(ShardMapCache maps) : Grain, IShardMapReaderGrain
{
    public async ValueTask<byte[]?> LoadAsync(long known, bool newest, CancellationToken cancellationToken)
    {
        var map = await maps.GetAsync(cancellationToken);
        if (newest || map.Version <= known)
        {
            map = await maps.RefreshAsync(cancellationToken);
        }

        return map.Version > known ? ShardMapCodec.Encode(map) : null;
    }
}
