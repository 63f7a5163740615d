namespace Dmt.Simulation;

/// <summary>A node's clock: virtual, and off by the node's skew. Its timers are events of the world.</summary>
internal sealed class SimTime(SimProcess node) : TimeProvider
{
    public static readonly DateTimeOffset Beginning = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Beginning + new TimeSpan(node.World.Now) + node.Skew;

    public override long GetTimestamp() => node.World.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        node.World.CheckThread();
        var timer = new Timer(node, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimProcess node, Action callback) : ITimer
    {
        private int _generation; // a firing of an earlier one is void

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var generation = ++_generation;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                node.Post(dueTime.Ticks, () => Fire(generation, period));
            }

            return true;
        }

        public void Dispose() => _generation++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Fire(int generation, TimeSpan period)
        {
            if (generation != _generation)
            {
                return;
            }

            if (period != Timeout.InfiniteTimeSpan)
            {
                Change(period, period);
            }

            callback();
        }
    }
}
