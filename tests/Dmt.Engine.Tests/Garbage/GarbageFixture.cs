using System.Collections.Concurrent;
using System.Text;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Garbage;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tests.Log;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>A bucket in memory, a clock that moves when told, and processes over both.</summary>
internal sealed class GarbageFixture
{
    private int _processes;

    public GarbageFixture() => Memory = new MemoryObjectStore(Time);

    public static TimeSpan AgeMin { get; } = TimeSpan.FromHours(1);

    public ManualTime Time { get; } = new();

    public MemoryObjectStore Memory { get; }

    public ConcurrentDictionary<string, bool> Deleted { get; } = new();

    public WatchedObjectStore Connect() => new(Memory, Deleted);

    /// <summary>To a store at a prefix.</summary>
    public WatchedObjectStore Connect(string root) => new(Memory.OpenSibling(root), Deleted);

    public static EngineOptions Options => TinyOptions.Create() with
    {
        GarbageAgeMin = AgeMin,
        CollectsGarbage = false,
        Level0SlowdownTables = 500,
        Level0StopTables = 500,
    };

    public ValueTask<TrieStore> OpenAsync(IObjectStore objects, EngineOptions? options = null)
    {
        var logs = new ObjectLogStore(objects, new ObjectLogOptions(), Time, EngineScheduler.ThreadPool);
        return TrieStore.OpenAsync(
            objects, logs, options ?? Options, Time, EngineScheduler.ThreadPool, new Random(++_processes), default);
    }

    public async Task<List<ObjectInfo>> ListAsync(string prefix = "")
    {
        List<ObjectInfo> all = [];
        await foreach (var info in Memory.ListAsync(prefix))
        {
            all.Add(info);
        }

        return all;
    }

    public async Task<string[]> NamesAsync(string prefix) => [.. (await ListAsync(prefix)).Select(i => i.Name)];

    /// <summary>What the newest manifest and the checkpoints need, read from the store itself.</summary>
    public async Task<(HashSet<string> Tables, Manifest Newest)> NeededTablesAsync()
    {
        var newest = (await new ManifestStore(Memory, 1).LoadLatestAsync(default))!;
        var checkpoints = await new CheckpointStore(Memory).LoadAllAsync(default);
        return (
            [
                .. checkpoints.SelectMany(c => c.Manifests).Append(newest).SelectMany(m => m.Levels)
                    .SelectMany(level => level).Select(table => table.Id.ObjectName),
            ],
            newest);
    }

    /// <summary>Everything in the store, in order.</summary>
    public static async Task<SortedDictionary<string, string>> ReadAsync(TrieStore store)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using var scan = store.OpenScan();
        while (await scan.MoveNextAsync(default))
        {
            found.Add(
                Encoding.UTF8.GetString(scan.Key),
                Encoding.UTF8.GetString(scan.Value));
        }

        return found;
    }

    /// <summary>What a store restored from the checkpoint holds; restored in a copy of the bucket.</summary>
    public async Task<SortedDictionary<string, string>> ReadCheckpointAsync(string name)
    {
        var copy = new MemoryObjectStore(Time);
        foreach (var info in await ListAsync())
        {
            await copy.PutAsync(info.Name, (await Memory.GetAsync(info.Name))!);
        }

        await using var restored = await OpenAsync(copy, Options with { RestoreFrom = name });
        return await ReadAsync(restored);
    }

    /// <summary>A fence is small and lies among the log's batches.</summary>
    public static bool IsFence(ObjectInfo info) =>
        References.LogOf(info.Name) is not null && info.Length
            == ObjectLogFormat.Encode(ObjectBatchKind.Fence, new string('0', 26), 0, []).Length;
}
