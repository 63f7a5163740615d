using Dmt.Core;
using Dmt.Engine.Log;

namespace Dmt.Simulation;

/// <summary>A process: its clock, its scheduler, its network, and how it fares.</summary>
internal abstract class SimProcess
{
    protected SimProcess(SimWorld world, int number)
    {
        (World, Number) = (world, number);
        Skew = TimeSpan.FromSeconds(world.Random.Next(-300, 300));
        Random = new Random(world.Random.Next());
        Time = new SimTime(this);
        Scheduler = new SimScheduler(this);
    }

    public SimWorld World { get; }

    public int Number { get; }

    /// <summary>How far its wall clock is off.</summary>
    public TimeSpan Skew { get; }

    public Random Random { get; }

    public SimTime Time { get; }

    public SimScheduler Scheduler { get; }

    /// <summary>Killed: nothing of it runs any more; what it sent may still arrive.</summary>
    public bool IsDead { get; set; }

    /// <summary>It has ended by itself, or is about to.</summary>
    public bool IsEnding { get; set; }

    /// <summary>The process is stopped until then, its requests with it.</summary>
    public long FrozenUntil { get; set; }

    /// <summary>Its requests reach the store not before then; the process runs on.</summary>
    public long CutOffUntil { get; set; }

    /// <summary>Requests to the store that ended with an error.</summary>
    public long Errors { get; set; }

    /// <summary>Calls of the engine that have not returned.</summary>
    public List<string> PendingCalls { get; } = [];

    /// <summary>The log of its present incarnation.</summary>
    public INodeLog? Log { get; set; }

    /// <summary>An operation goes into its log, and so into its memtable.</summary>
    public abstract void NoteAppend(uint shard, ulong epoch, ulong sequence, in WriteOperation operation);

    /// <summary>Something that happens in this process: later when it is stopped, never when it is dead.</summary>
    public void Post(long delay, Action action)
    {
        World.Post(delay, Run);

        void Run()
        {
            if (IsDead)
            {
                return;
            }

            if (FrozenUntil > World.Now)
            {
                World.Post(FrozenUntil - World.Now, Run);
                return;
            }

            action();
        }
    }

    public Task Delay(double milliseconds)
    {
        var over = new TaskCompletionSource();
        Post(SimWorld.Milliseconds(milliseconds), over.SetResult);
        return over.Task;
    }
}
