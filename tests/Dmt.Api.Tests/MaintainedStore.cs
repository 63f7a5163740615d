using Dmt.Core;

namespace Dmt.Api.Tests;

/// <summary>A store with checkpoints, which hold nothing, and some garbage.</summary>
internal sealed class MaintainedStore(ITrieStore inner) : HookedStore(inner), IStoreMaintenance
{
    private readonly SortedDictionary<string, CheckpointInfo> _checkpoints = new(StringComparer.Ordinal)
    {
        ["clone-1"] = new("clone-1", DateTimeOffset.UnixEpoch, 5, 2, 300, 40) { ClonedTo = "other" },
    };

    /// <summary>What the last collection was asked for.</summary>
    public (bool DryRun, TimeSpan? AgeMin) Collected { get; private set; }

    public ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        if (name == "bad name")
        {
            throw DmtException.InvalidArgument("\"bad name\" is no name");
        }

        var info = new CheckpointInfo(name, DateTimeOffset.UnixEpoch, 7, 1, 100, 3);
        return _checkpoints.TryAdd(name, info)
            ? new(info)
            : throw new DmtException(DmtErrorKind.Conflict, $"there is a checkpoint \"{name}\" already");
    }

    public ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(
        CancellationToken cancellationToken = default) => new([.. _checkpoints.Values]);

    public ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default) =>
        name == "clone-1"
            ? throw new DmtException(DmtErrorKind.Conflict, "a clone needs it")
            : new(_checkpoints.Remove(name));

    public ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun = false, TimeSpan? ageMin = null, CancellationToken cancellationToken = default)
    {
        Collected = (dryRun, ageMin);
        return new(new GarbageReport([new("table", 10, TimeSpan.FromSeconds(90), "nothing names it")], [], dryRun));
    }
}
