using Dmt.Engine;
using Dmt.Engine.Log;

namespace Dmt.Simulation;

/// <summary>A process: its clock, its scheduler, its network, and what the checks know of it.</summary>
internal sealed class SimNode
{
    public SimNode(SimWorld world, int number)
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

    public TrieStore? Store { get; set; }

    public INodeLog? Log { get; set; }

    public ulong Epoch { get; set; }

    /// <summary>The sequence number that it recovered when it took over.</summary>
    public ulong Recovered { get; set; }

    /// <summary>The highest sequence number that it has acknowledged as durable.</summary>
    public ulong Durable { get; set; }

    /// <summary>Null until it has opened the store.</summary>
    public SimHistory? History { get; set; }

    /// <summary>Checkpoints that it has begun to make; never two of one name.</summary>
    public int Checkpoints { get; set; }

    /// <summary>Calls of the store that have not returned.</summary>
    public int PendingCalls { get; set; }

    /// <summary>What it found was what it should have.</summary>
    public bool IsChecked { get; set; }

    public bool IsUsable => Store is not null && !IsDead && !IsEnding;

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
