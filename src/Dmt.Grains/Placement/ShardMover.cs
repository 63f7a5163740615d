using Dmt.Contracts;
using Dmt.Grains.Shards;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime.Placement;

namespace Dmt.Grains.Placement;

/// <summary>
/// Gives shards away whose home is another silo now, gracefully and one after the other; all of them when the silo
/// leaves. And has their sizes looked at, where that is wanted, from one silo for all.
/// </summary>
internal sealed partial class ShardMover(
    SiloNode node,
    IClusterMembershipService membership,
    ShardHomes homes,
    LocalShards local,
    IGrainFactory grains,
    ILocalSiloDetails silo,
    IOptions<DmtNodeOptions> options,
    ILogger<ShardMover> log) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    /// <summary>Shards handed over at once by a silo that leaves: each is flushed and opened elsewhere.</summary>
    private const int HandedOverAtOnce = 8;

    private readonly CancellationTokenSource _stop = new();
    private Task _moving = Task.CompletedTask;
    private Task _balancing = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(ShardMover), ServiceLifecycleStage.Active, StartAsync, StopAsync);

    public void Dispose() => _stop.Dispose();

    private Task StartAsync(CancellationToken cancellationToken)
    {
        _moving = Task.Run(MoveAsync, CancellationToken.None);
        if (options.Value is not { ShardBytesMax: null, ShardLoadMax: null })
        {
            _balancing = Task.Run(BalanceAsync, CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        node.IsLeaving = true;
        await _stop.CancelAsync();
        await Task.WhenAll(_moving, _balancing);
        if (cancellationToken.IsCancellationRequested)
        {
            node.Node.Abandon();
            return;
        }

        await HandOverAsync(cancellationToken);
    }

    /// <summary>
    /// Before the others see that the silo leaves: then they would open its shards at once, while they are still open
    /// here.
    /// </summary>
    private async Task HandOverAsync(CancellationToken cancellationToken)
    {
        var handedOver = 0;
        try
        {
            while (local.All.ToList() is { Count: > 0 } left)
            {
                await Parallel.ForEachAsync(
                    left,
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = HandedOverAtOnce,
                        CancellationToken = cancellationToken,
                    },
                    async (one, stop) =>
                    {
                        var others = membership.Active().Where(other => !other.Equals(silo.SiloAddress))
                            .ToArray();
                        if (others.Length > 0)
                        {
                            one.Activation.Migrate(HintOf(homes.Of(one.Shard.Prefix, 1, others)[0]), stop);
                        }
                        else
                        {
                            one.Activation.Deactivate(
                                new(DeactivationReasonCode.ShuttingDown, "the silo leaves"), stop);
                        }

                        await one.Activation.Deactivated.WaitAsync(stop);
                        Interlocked.Increment(ref handedOver);
                    });
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The time is up: what is open yet is taken over from the log.
        }

        LogHandedOver(log, handedOver);
    }

    private static Dictionary<string, object> HintOf(SiloAddress home) =>
        new() { [IPlacementDirector.PlacementHintKey] = home };

    private async Task MoveAsync()
    {
        try
        {
            SiloAddress[] before = [];
            await foreach (var _ in membership.MembershipUpdates.WithCancellation(_stop.Token))
            {
                var active = membership.Active();
                if (!active.SequenceEqual(before))
                {
                    before = active;
                    await Task.Delay(options.Value.MoveDelay, _stop.Token);
                    await MoveAwayAsync();
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The silo is stopping: all shards leave.
        }
    }

    private async Task MoveAwayAsync()
    {
        foreach (var (activation, shard) in local.All)
        {
            // Looked at anew each time: silos may have gone meanwhile.
            var active = membership.Active();
            if (active.Length == 0 || homes.Of(shard.Prefix, 1, active)[0] is var home && home.Equals(silo.SiloAddress))
            {
                continue;
            }

            LogMoved(log, shard.Id, home);
            activation.Migrate(HintOf(home));
            await Task.Delay(options.Value.MovePause, _stop.Token);
        }
    }

    private async Task BalanceAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(options.Value.BalanceInterval);
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (membership.Active().FirstOrDefault() is { } first && first.Equals(silo.SiloAddress))
                {
                    await TryBalanceAsync();
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The silo is stopping: another one goes on.
        }
    }

    private async Task TryBalanceAsync()
    {
        try
        {
            await grains.GetGrain<IShardMapGrain>(GrainKeys.Map).BalanceAsync(_stop.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Shards stay as they are until the next time.
            LogNotBalanced(log, e);
        }
    }

    [LoggerMessage(LogLevel.Information, "Shard {Shard} moves to {Home}")]
    private static partial void LogMoved(ILogger log, uint shard, SiloAddress home);

    [LoggerMessage(LogLevel.Information, "{Count} shards were handed over")]
    private static partial void LogHandedOver(ILogger log, int count);

    [LoggerMessage(LogLevel.Warning, "The sizes and loads of shards could not be seen to")]
    private static partial void LogNotBalanced(ILogger log, Exception error);
}
