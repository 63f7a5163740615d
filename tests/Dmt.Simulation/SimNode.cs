using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Simulation;

/// <summary>A process that opens the store as a whole, and what the checks know of it.</summary>
internal sealed class SimNode(SimWorld world, int number) : SimProcess(world, number)
{
    public TrieStore? Store { get; set; }

    public ulong Epoch { get; set; }

    /// <summary>The sequence number that it recovered when it took over.</summary>
    public ulong Recovered { get; set; }

    /// <summary>The highest sequence number that it has acknowledged as durable.</summary>
    public ulong Durable { get; set; }

    /// <summary>Null until it has opened the store.</summary>
    public SimHistory? History { get; set; }

    /// <summary>Checkpoints that it has begun to make; never two of one name.</summary>
    public int Checkpoints { get; set; }

    /// <summary>What it found was what it should have.</summary>
    public bool IsChecked { get; set; }

    public bool IsUsable => Store is not null && !IsDead && !IsEnding;

    public override void NoteAppend(uint shard, ulong epoch, ulong sequence, in WriteOperation operation)
    {
        if (History is not { } history || sequence != history.Last + 1)
        {
            World.Fail($"node {Number} logs sequence number {sequence} after {History?.Last}");
        }
        else if (history.Add(operation) is { } wrong)
        {
            World.Fail($"node {Number}: {wrong}");
        }
    }
}
