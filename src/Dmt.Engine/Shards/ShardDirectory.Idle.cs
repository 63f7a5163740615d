using Dmt.Core.Sharding;

namespace Dmt.Engine.Shards;

/// <content>
/// Shards that nobody asks for are closed: then they cost neither memory nor log. One timer looks for them, and only
/// while there may be one.
/// </content>
internal sealed partial class ShardDirectory
{
    /// <summary>A shard that was not asked for during one whole interval is closed.</summary>
    private static readonly TimeSpan IdleInterval = TimeSpan.FromMinutes(5);

    private ITimer? _idleTimer; // guarded by _lock
    private Task _closingIdle = Task.CompletedTask; // guarded by _lock

    private void LookForIdleLater()
    {
        lock (_lock)
        {
            if (_open.Count > 1 && !_closed && _idleTimer is null)
            {
                _idleTimer = _host.Time.CreateTimer(
                    static directory => ((ShardDirectory)directory!).OnIdleTimer(), this, IdleInterval,
                    Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void OnIdleTimer()
    {
        lock (_lock)
        {
            if (!_closed)
            {
                _closingIdle = _host.Scheduler.Start(CloseIdleAsync);
            }
        }
    }

    private async ValueTask StopLookingForIdleAsync()
    {
        ITimer? timer;
        Task closing;
        lock (_lock)
        {
            (timer, closing) = (_idleTimer, _closingIdle);
        }

        if (timer is not null)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }

        await closing.ConfigureAwait(false);
    }

    private async Task CloseIdleAsync()
    {
        foreach (var shard in _open.Values)
        {
            if (shard.Id != ShardMap.Root && shard.IsIdle() && _host.Balancer?.MayMerge(shard) != true)
            {
                await CloseAsync(shard).ConfigureAwait(false);
            }
        }

        lock (_lock)
        {
            _idleTimer?.Dispose();
            _idleTimer = null;
        }

        LookForIdleLater();
    }

    private async ValueTask CloseAsync(Shard shard)
    {
        using var changing = await _changing.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        using var held = await OpeningOf(shard.Id).AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        lock (_lock)
        {
            if (_closed || _snapshots.Count > 0 || !_open.TryGetValue(shard.Id, out var open) || open != shard)
            {
                return;
            }

            _open.TryRemove(shard.Id, out _);
        }

        await _host.ReleaseAsync(shard).ConfigureAwait(false);
    }
}
