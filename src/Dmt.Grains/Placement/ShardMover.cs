using Dmt.Contracts;
using Dmt.Grains.Shards;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime.Placement;

namespace Dmt.Grains.Placement;

/// <summary>
/// Gives shards away whose home is another silo now, gracefully and one after the other; and has their sizes looked at,
/// where that is wanted, from one silo for all.
/// </summary>
internal sealed partial class ShardMover(
    IClusterMembershipService membership,
    ShardHomes homes,
    LocalShards local,
    IGrainFactory grains,
    ILocalSiloDetails silo,
    IOptions<DmtNodeOptions> options,
    ILogger<ShardMover> log) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _moving = Task.CompletedTask;
    private Task _balancing = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(ShardMover), ServiceLifecycleStage.Active, StartAsync, StopAsync);

    public void Dispose() => _stop.Dispose();

    private Task StartAsync(CancellationToken cancellationToken)
    {
        _moving = Task.Run(MoveAsync, CancellationToken.None);
        if (options.Value.ShardBytesMax is not null)
        {
            _balancing = Task.Run(BalanceAsync, CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_moving, _balancing);
    }

    private async Task MoveAsync()
    {
        try
        {
            SiloAddress[] before = [];
            await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(_stop.Token))
            {
                var active = Active(snapshot);
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
            var active = Active(membership.CurrentSnapshot);
            if (active.Length == 0 || homes.Of(shard.Prefix, 1, active)[0] is var home && home.Equals(silo.SiloAddress))
            {
                continue;
            }

            LogMoved(log, shard.Id, home);
            activation.Migrate(new Dictionary<string, object> { [IPlacementDirector.PlacementHintKey] = home });
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
                if (Active(membership.CurrentSnapshot).FirstOrDefault() is { } first && first.Equals(silo.SiloAddress))
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

    private static SiloAddress[] Active(ClusterMembershipSnapshot snapshot) =>
        [
            .. snapshot.Members.Values.Where(static member => member.Status == SiloStatus.Active)
                .Select(static member => member.SiloAddress).Order(),
        ];

    [LoggerMessage(LogLevel.Information, "Shard {Shard} moves to {Home}")]
    private static partial void LogMoved(ILogger log, uint shard, SiloAddress home);

    [LoggerMessage(LogLevel.Warning, "The sizes of shards could not be seen to")]
    private static partial void LogNotBalanced(ILogger log, Exception error);
}
