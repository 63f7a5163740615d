namespace Dmt.Engine.Shards;

/// <content>
/// Views that were replaced go when their last reader has left. Whoever replaces one tries at once; where a reader was
/// in the way, nobody else may come for long, and with the view memory and tables stay that nothing needs. So it is
/// tried again, by one timer that is there only as long as there is something to free.
/// </content>
internal sealed partial class ShardHost
{
    private static readonly TimeSpan ReclaimInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _reclaimLock = new(); // guards the two below
    private ITimer? _reclaimTimer;
    private bool _reclaimStopped;

    /// <summary>Frees what was retired, now where no reader is in the way, else soon.</summary>
    public void Reclaim()
    {
        Epochs.TryReclaim();
        if (Epochs.PendingCount == 0)
        {
            return;
        }

        lock (_reclaimLock)
        {
            if (_reclaimTimer is null && !_reclaimStopped)
            {
                _reclaimTimer = Time.CreateTimer(
                    static host => ((ShardHost)host!).OnReclaimTimer(), this, ReclaimInterval,
                    Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void OnReclaimTimer()
    {
        lock (_reclaimLock)
        {
            _reclaimTimer?.Dispose();
            _reclaimTimer = null;
            if (_reclaimStopped)
            {
                return;
            }
        }

        Reclaim();
    }

    private async ValueTask StopReclaimingAsync()
    {
        ITimer? timer;
        lock (_reclaimLock)
        {
            _reclaimStopped = true;
            timer = _reclaimTimer;
        }

        if (timer is not null)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }
    }
}
