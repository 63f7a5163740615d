// Hysteresis, as in one process (ShardBalancer.cs). By size: a carve needs more than ShardBytesMax, a merge less than a
// quarter of it in both together, and one of them must have shrunk to half of what it once had. By load: a carve needs
// more than ShardLoadMax during a whole window, and what was carved goes back when both are cool. A merge for either
// reason waits for QuietTime since the carve, and for both to be cool so long.
using System.Diagnostics;
using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core.Sharding;

namespace Dmt.Grains.Shards;

/// <content>What the sizes and loads of shards ask for.</content>
internal sealed partial class ShardMapGrain
{
    private readonly Dictionary<uint, long> _seenAt = []; // timestamps: of the carve, or when it was first seen here

    private uint[] CarvedByLoad => changes.State.CarvedByLoad ?? [];

    public async ValueTask<int> BalanceAsync(CancellationToken cancellationToken)
    {
        if (options.Value is { ShardBytesMax: null, ShardLoadMax: null })
        {
            return 0;
        }

        var done = 0;
        var map = await maps.RefreshAsync(cancellationToken);
        var open = await DescribeOpenAsync(map, cancellationToken);
        await ForgetAsync(map, cancellationToken);
        foreach (var shard in open.Values.Where(shard => map.TryGet(shard.Shard, out _)))
        {
            _seenAt.TryAdd(shard.Shard, Stopwatch.GetTimestamp());
            if (shard.DataBytes > options.Value.ShardBytesMax)
            {
                await GrainOf(shard.Shard).CarveAsync([], cancellationToken);
                done++;
            }
            else if (shard.IsHot)
            {
                done += await CarveHotAsync(shard.Shard, cancellationToken);
            }
            else if (map.Parent(shard.Shard) is { } parent && open.TryGetValue(parent.Shard, out var above)
                && MayMerge(shard, above))
            {
                await MergeAsync(shard.Shard, cancellationToken);
                done++;
                break; // What is above has other sizes now.
            }
        }

        return done;
    }

    /// <summary>No merge under way.</summary>
    private static ShardMapChanges Changes(IEnumerable<uint> carvedByLoad)
    {
        uint[] carved = [.. carvedByLoad];
        return new ShardMapChanges { CarvedByLoad = carved.Length > 0 ? carved : null };
    }

    private static bool HasShrunk(ShardDescription shard) => shard.DataBytes < shard.DataBytesMost / 2;

    private bool MayMerge(ShardDescription shard, ShardDescription above)
    {
        var bytesMax = options.Value.ShardBytesMax ?? long.MaxValue;
        var bytes = shard.DataBytes + shard.MemtableBytes + above.DataBytes + above.MemtableBytes;
        var isSmall = options.Value.ShardBytesMax is not null && bytes < bytesMax / 4
            && (HasShrunk(shard) || HasShrunk(above));
        var hasCooled = CarvedByLoad.Contains(shard.Shard) && bytes < bytesMax / 2;
        return (isSmall || hasCooled) && IsCool(shard) && IsCool(above)
            && Stopwatch.GetElapsedTime(_seenAt[shard.Shard]) >= options.Value.QuietTime;
    }

    private bool IsCool(ShardDescription shard) =>
        options.Value.ShardLoadMax is null || shard.CoolFor >= options.Value.QuietTime;

    private async ValueTask<int> CarveHotAsync(uint shard, CancellationToken cancellationToken)
    {
        var before = await maps.GetAsync(cancellationToken);
        await GrainOf(shard).CarveHotAsync(cancellationToken);
        var after = await maps.RefreshAsync(cancellationToken);
        uint[] made =
        [
            .. after.Children(shard).Select(static one => one.Shard).Where(id => !before.TryGet(id, out _)),
        ];
        if (made.Length == 0)
        {
            return 0;
        }

        changes.State = Changes(CarvedByLoad.Concat(made));
        await changes.WriteStateAsync(cancellationToken);
        return 1;
    }

    /// <summary>What is not there any more.</summary>
    private async ValueTask ForgetAsync(ShardMap map, CancellationToken cancellationToken)
    {
        foreach (var gone in _seenAt.Keys.Where(shard => !map.TryGet(shard, out _)).ToList())
        {
            _seenAt.Remove(gone);
        }

        uint[] left = [.. CarvedByLoad.Where(shard => map.TryGet(shard, out _))];
        if (left.Length < CarvedByLoad.Length)
        {
            changes.State = Changes(left);
            await changes.WriteStateAsync(cancellationToken);
        }
    }

    /// <summary>
    /// What is open anywhere; and what was carved by load with what is above it, which may have been closed because it
    /// has cooled down.
    /// </summary>
    private async ValueTask<Dictionary<uint, ShardDescription>> DescribeOpenAsync(
        ShardMap map, CancellationToken cancellationToken)
    {
#pragma warning disable CA2016 // Earlier versions of Orleans 10 take no token here.
        var hosts = await GrainFactory.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true);
#pragma warning restore CA2016
        var nodes = await Task.WhenAll(hosts.Keys.Select(silo =>
            GrainFactory.GetGrain<INodeGrain>(silo.ToParsableString()).DescribeAsync(cancellationToken).AsTask()));
        var open = new Dictionary<uint, ShardDescription>();
        foreach (var shard in nodes.SelectMany(static node => node.Shards))
        {
            open[shard.Shard] = shard;
        }

        var wanted = CarvedByLoad.Where(id => map.TryGet(id, out _))
            .SelectMany(id => new[] { id, ShardPrefixes.ParentOf(map, id) });
        foreach (var id in wanted.Except(open.Keys).ToList())
        {
            open[id] = await GrainOf(id).DescribeAsync(cancellationToken);
        }

        return open;
    }
}
