using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Torture;

/// <summary>Work that is given up must not leave its tables behind.</summary>
public sealed class LeftoverTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60); // a hang must fail the test, not the run

    /// <summary>
    /// A flush has the manifest in its hands when a compaction has written its table; then the store closes.
    /// </summary>
    [Fact]
    public async Task A_compaction_given_up_on_closing_leaves_no_table()
    {
        using var directory = new TemporaryDirectory();
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var failing = new FailingObjectStore(objects);
        var options = TinyOptions.Create() with { Level0CompactionTables = 2 };
        var log = Path.Combine(directory.Path, "log");
        var logs = new FileLogStore(log, new FileLogOptions(), TimeProvider.System);
        var store = await TrieStore.OpenAsync(
            failing, logs, options, TimeProvider.System, EngineScheduler.ThreadPool, null, default);
        var merged = new Gate();
        var named = new Gate();
        var compacted = new TableId(1, 1, 3).ObjectName;
        failing.BeforeComplete = name => name == compacted ? merged.PassAsync() : Task.CompletedTask;
        for (var table = 0; table < 2; table++)
        {
            await store.PutAsync("key", $"value {table}");
            await store.FlushAsync();
        }

        await merged.Reached.WaitAsync(Patience);
        failing.BeforeCreate = _ => named.PassAsync();
        await store.PutAsync("key", "value 2");
        var flushing = store.FlushAsync().AsTask();
        await named.Reached.WaitAsync(Patience);
        merged.Open();
        while (!(await TablesAsync(objects)).Contains(compacted))
        {
            await Task.Yield();
        }

        // Whether the compaction opens its table by now, or waits for the manifest: nothing may be left of it.
        var closing = store.DisposeAsync().AsTask();
        while (!await IsClosedAsync(store))
        {
            await Task.Yield();
        }

        named.Open();
        await closing.WaitAsync(Patience);
        await flushing.WaitAsync(Patience);
        var manifest = await new ManifestStore(objects, 1).LoadLatestAsync(default);
        Assert.Equal(
            manifest!.Levels.SelectMany(static level => level).Select(static t => t.Id.ObjectName)
                .Order(StringComparer.Ordinal),
            await TablesAsync(objects));
    }

    /// <summary>True once the shard closes, which is after compactions have been given up.</summary>
    private static async Task<bool> IsClosedAsync(TrieStore store)
    {
        try
        {
            await store.StatAsync();
            return false;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Closed)
        {
            return true;
        }
    }

    private static async Task<List<string>> TablesAsync(MemoryObjectStore objects)
    {
        var names = new List<string>();
        await foreach (var info in objects.ListAsync(TableId.Folder(1)))
        {
            names.Add(info.Name);
        }

        return names;
    }

    /// <summary>Shows that somebody has come to it, and holds them up until it is opened.</summary>
    private sealed class Gate
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public void Open() => _open.TrySetResult();

        public Task PassAsync()
        {
            _reached.TrySetResult();
            return _open.Task;
        }
    }
}
