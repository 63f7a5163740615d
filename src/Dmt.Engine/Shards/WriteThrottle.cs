// Slows writers down gradually before it stops them, so that flushes and compactions keep up: from the slowdown trigger
// on, writes are held to a rate that falls from RateMax to RateMin as the stop trigger comes near. A write pays what it
// owes before it is applied. Where nothing is behind, the check is one volatile read.
using Dmt.Core;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

internal sealed class WriteThrottle(EngineOptions options, TimeProvider time, EngineScheduler scheduler)
{
    /// <summary>Frozen memtables at which writers wait.</summary>
    private const int FrozenStop = 3;

    private const double RateMax = 64 << 20;
    private const double RateMin = 1 << 20;

    private readonly AsyncSignal _opened = new(scheduler);
    private readonly Lock _lock = new(); // guards everything below but _state
    private string? _refusal;
    private double _rate;
    private double _owedMs;
    private bool _closed;
    private volatile State _state;

    private enum State
    {
        Open,
        Slow,
        Stopped,
    }

    /// <summary>Why stopped writers are refused rather than kept waiting; null when they wait, or need not.</summary>
    public string? Refusal => _state == State.Stopped ? Volatile.Read(ref _refusal) : null;

    public bool IsOpen => _state == State.Open;

    /// <summary>
    /// Called whenever the number of frozen memtables or level-0 tables, or the state of the medium, has changed.
    /// </summary>
    public void Update(int frozen, int level0, string? problem)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _refusal = problem;
            if (frozen >= FrozenStop || level0 >= options.Level0StopTables)
            {
                _state = State.Stopped;
                if (problem is null)
                {
                    return;
                }

                // Those who wait are woken, to be refused.
            }
            else if (level0 >= options.Level0SlowdownTables)
            {
                var left = (double)(options.Level0StopTables - level0)
                    / (options.Level0StopTables - options.Level0SlowdownTables + 1);
                _rate = RateMin + ((RateMax - RateMin) * left);
                _state = State.Slow;
            }
            else
            {
                _owedMs = 0;
                _state = State.Open;
            }
        }

        _opened.WakeAll();
    }

    /// <summary>Lets everyone through from now on, to find the shard closed or lost.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _state = State.Open;
        }

        _opened.WakeAll();
    }

    /// <summary>Waits until a write of so many bytes may go on.</summary>
    /// <exception cref="DmtException">Unavailable when writers are stopped and the medium has a problem.</exception>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        while (!IsOpen)
        {
            LinkedListNode<TaskCompletionSource>? opened = null;
            var delay = TimeSpan.Zero;
            lock (_lock)
            {
                if (_state == State.Stopped)
                {
                    if (_refusal is { } refusal)
                    {
                        throw DmtException.Unavailable(refusal);
                    }

                    opened = _opened.Enlist();
                }
                else if (_state == State.Slow)
                {
                    _owedMs += bytes * 1000.0 / _rate;
                    if (_owedMs >= 1)
                    {
                        delay = TimeSpan.FromMilliseconds(_owedMs);
                        _owedMs = 0;
                    }
                }
            }

            if (opened is not null)
            {
                await _opened.WaitAsync(opened, cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (delay > TimeSpan.Zero)
            {
                await scheduler.DelayAsync(delay, time, cancellationToken).ConfigureAwait(false);
            }

            return;
        }
    }
}
