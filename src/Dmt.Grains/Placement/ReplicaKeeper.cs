using Dmt.Contracts;
using Dmt.Grains.Shards;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dmt.Grains.Placement;

/// <summary>
/// Sees to it that the shards of this silo have their replicas, each where the shard would go next; and that replicas
/// here whose home is elsewhere now, or whose shard is, end.
/// </summary>
internal sealed partial class ReplicaKeeper(
    IClusterMembershipService membership,
    ShardHomes homes,
    ShardMapCache maps,
    LocalShards shards,
    LocalReplicas replicas,
    IGrainFactory grains,
    ILocalSiloDetails silo,
    IOptions<DmtNodeOptions> options,
    ILogger<ReplicaKeeper> log) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _keeping = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(ReplicaKeeper), ServiceLifecycleStage.Active, StartAsync, StopAsync);

    public void Dispose() => _stop.Dispose();

    private Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Replicas > 0)
        {
            _keeping = Task.Run(KeepAsync, CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _keeping;
    }

    private async Task KeepAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(options.Value.ReplicaKeepInterval);
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    await EndThoseElsewhereAsync();
                    await Task.WhenAll(shards.All.Select(static one => one.Shard.Id).SelectMany(ReplicasOf));
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // The shards go on without; the next time it is tried again.
                    LogNotKept(log, e);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The silo is stopping: the shards' next owners go on.
        }
    }

    /// <summary>Asking a replica activates it.</summary>
    private IEnumerable<Task> ReplicasOf(uint shard)
    {
        var copies = Math.Min(options.Value.Replicas, membership.Active().Length - 1);
        return Enumerable.Range(1, Math.Max(0, copies)).Select(copy =>
            grains.GetGrain<IShardReplicaGrain>(GrainKeys.OfReplica(shard, copy)).DescribeAsync(_stop.Token).AsTask());
    }

    private async ValueTask EndThoseElsewhereAsync()
    {
        var silos = membership.Active();
        foreach (var (key, activation) in replicas.All)
        {
            var (shard, copy) = GrainKeys.Parse(key);
            var map = await maps.GetAsync(_stop.Token);
            var isHome = map.TryGet(shard, out var entry)
                && homes.Of(entry.Prefix, copy + 1, silos) is var all
                && copy < all.Length && all[copy].Equals(silo.SiloAddress);
            if (!isHome)
            {
                activation.Deactivate(new(DeactivationReasonCode.ApplicationRequested, "its home is elsewhere now"));
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The replicas of the shards of this silo could not be seen to")]
    private static partial void LogNotKept(ILogger log, Exception error);
}
