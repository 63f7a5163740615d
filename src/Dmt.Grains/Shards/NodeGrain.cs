using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Grains.Placement;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Configuration;

namespace Dmt.Grains.Shards;

/// <summary>Speaks for the silo that it lives on.</summary>
[Reentrant]
[NodePlacement]
internal sealed class NodeGrain(SiloNode node, LocalShards local, IOptions<SiloOptions> silo) : Grain, INodeGrain
{
    public async ValueTask SyncAsync(CancellationToken cancellationToken)
    {
        // One log for all shards of the silo.
        foreach (var (_, shard) in local.All)
        {
            await shard.SyncAsync(cancellationToken);
            return;
        }
    }

    public ValueTask<NodeDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        var shards = local.All.Select(static one => LocalShards.Describe(one.Shard)).ToArray();
        var all = node.Node.Describe(shards.Length);
        return ValueTask.FromResult(new NodeDescription
        {
            Node = silo.Value.SiloName,
            Incarnation = all?.Incarnation,
            Shards = shards,
            MemtableBytes = all?.MemtableBytes ?? 0,
            BlockCacheBytes = all?.BlockCacheBytes ?? 0,
            CacheBytesMax = node.Node.Options.CacheBytes,
            LogBytes = all?.LogBytes ?? 0,
            TableBytes = all?.TableBytes ?? 0,
            EntriesMax = all?.EntriesMax ?? 0,
            UserBytesWritten = all?.UserBytesWritten ?? 0,
            MediumBytesWritten = all?.MediumBytesWritten ?? 0,
            LastSequence = all?.LastSequence ?? 0,
            WritesRefused = all?.WritesRefused,
            BackgroundProblem = all?.BackgroundProblem,
            Levels =
            [
                .. (all?.Levels ?? []).Select(static level =>
                    new LevelDescription(level.Level, level.Tables, level.Bytes, level.Entries)),
            ],
        });
    }
}
