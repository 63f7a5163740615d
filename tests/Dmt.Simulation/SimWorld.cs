// One thread, one queue, one clock. Everything that happens in a simulated world is an event with a virtual time; the
// world takes the earliest (of equals, the one posted first), sets the clock to it and runs it to its end. Engine code
// awaits only what such events complete, and its continuations run inside them: nothing happens elsewhere, so a seed
// replays exactly. Whatever strays to another thread is found by CheckThread, which every seam calls.
namespace Dmt.Simulation;

/// <summary>Virtual time, the queue of what is to happen, the chance of a seed, and what was found wrong.</summary>
internal sealed class SimWorld(int seed, bool keepTrace)
{
    private const ulong HashPrime = 0x100000001b3;

    /// <summary>Longer than anything waits but what comes again and again, as the daily look for garbage.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromHours(6);

    private readonly PriorityQueue<Action, (long Ticks, long Order)> _events = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<string> _trace = [];
    private long _posted;

    /// <summary>All chance of the run comes from here.</summary>
    public Random Random { get; } = new(seed);

    /// <summary>Virtual time since the beginning, in ticks of 100 ns.</summary>
    public long Now { get; private set; }

    public long Steps { get; private set; }

    /// <summary>Hash of everything that was noted so far.</summary>
    public ulong TraceHash { get; private set; } = 0xcbf29ce484222325;

    /// <summary>The first thing that was wrong; null when nothing was.</summary>
    public string? Violation { get; private set; }

    /// <summary>What happened last; empty unless the world keeps it.</summary>
    public IEnumerable<string> Trace => _trace;

    public static long Milliseconds(double count) => (long)(count * TimeSpan.TicksPerMillisecond);

    public void Post(long delay, Action action)
    {
        CheckThread();
        _events.Enqueue(action, (Now + Math.Max(0, delay), _posted++));
    }

    /// <summary>Runs until nothing is left to happen within <see cref="Rest"/>, or something went wrong.</summary>
    public void RunToRest(long stepsMax)
    {
        while (Violation is null && _events.TryPeek(out var action, out var at) && at.Ticks - Now < Rest.Ticks)
        {
            _events.Dequeue();
            Now = at.Ticks;
            if (++Steps > stepsMax)
            {
                Fail($"after {stepsMax} steps the world has not come to rest");
                return;
            }

            action();
        }
    }

    /// <summary>Ends the run: this must not be.</summary>
    public void Fail(string what)
    {
        if (Violation is null)
        {
            Note($"VIOLATION {what}");
            Violation = what;
        }
    }

    /// <summary>Counts into the hash of what happened, and keeps it for people where asked to.</summary>
    public void Note(string what)
    {
        TraceHash = (TraceHash ^ (ulong)Now) * HashPrime;
        foreach (var c in what)
        {
            TraceHash = (TraceHash ^ c) * HashPrime;
        }

        if (keepTrace)
        {
            _trace.Add($"{Now / (double)TimeSpan.TicksPerMillisecond,12:F3} ms  {what}");
        }
    }

    public void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            var what = $"engine code strayed to another thread: {Environment.StackTrace}";
            Violation ??= what;
            throw new InvalidOperationException(what);
        }
    }

    public bool Chance(double probability) => Random.NextDouble() < probability;
}
