using Dmt.Core.Trie;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Memory;
using Dmt.Engine.Objects;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

/// <summary>
/// What all shards of a node share: one log, one memory budget, one queue each for flushes and compactions, one object
/// store.
/// </summary>
internal sealed class ShardHost : IAsyncDisposable
{
    private readonly string _logDirectory;
    private readonly Lock _lock = new(); // guards _shards, _oldLogs and the release of logs
    private readonly List<Shard> _shards = [];
    private readonly HashSet<string> _oldLogs;
    private int _opening; // shards that are being recovered: what they need of logs is not known yet; guarded by _lock

    private ShardHost(
        IObjectStore objects, string logDirectory, FileLog log, IEnumerable<string> oldLogs, EngineOptions options,
            TimeProvider time)
    {
        (Objects, _logDirectory, Log, Options, Time) = (objects, logDirectory, log, options, time);
        _oldLogs = [.. oldLogs];
        Budget = new MemoryBudget(options.CacheBytes);
        Cache = new BlockCache(Budget);
        Garbage = new Garbage(objects);
        Flushes = new WorkQueue(static (shard, stop) => shard.FlushOldestAsync(stop), time);
        Compactions = new WorkQueue(static (shard, stop) => shard.CompactOnceAsync(stop), time);
    }

    public IObjectStore Objects { get; }

    public FileLog Log { get; }

    public EngineOptions Options { get; }

    public TimeProvider Time { get; }

    public ReaderEpochs Epochs { get; } = new();

    public MemoryBudget Budget { get; }

    public BlockCache Cache { get; }

    public EngineMetrics Metrics { get; } = new();

    public WorkQueue Flushes { get; }

    public WorkQueue Compactions { get; }

    public Garbage Garbage { get; }

    /// <summary>Starts a new incarnation of the node, with a log of its own.</summary>
    /// <param name="objects">Tables and manifests; the host disposes it.</param>
    /// <param name="logDirectory">Folder of the logs of all incarnations.</param>
    /// <param name="options">Valid settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Names the incarnation.</param>
    public static ShardHost Start(
        IObjectStore objects, string logDirectory, EngineOptions options, TimeProvider time, Random random)
    {
        var oldLogs = FileLog.ListIncarnations(logDirectory);
        var incarnation = Ulid.Create(time, random, oldLogs.Count > 0 ? oldLogs[^1] : null);
        var log = FileLog.Create(
            logDirectory, incarnation, new FileLogOptions { SegmentBytes = options.LogSegmentBytes }, time);
        var host = new ShardHost(objects, logDirectory, log, oldLogs, options, time);
        host.Flushes.Start();
        host.Compactions.Start();
        host.Garbage.Start();
        return host;
    }

    public async ValueTask<Shard> OpenShardAsync(uint id, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _opening++;
        }

        Shard? shard = null;
        try
        {
            shard = await Shard.OpenAsync(this, id, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                _opening--;
                if (shard is not null)
                {
                    _shards.Add(shard);
                }
            }
        }

        Garbage.Add(await shard.ListUnreferencedAsync(cancellationToken).ConfigureAwait(false));
        ReleaseLogs();
        return shard;
    }

    /// <summary>
    /// Closes the shards cleanly, then everything they stood on. What could not be flushed stays in the log.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        List<Shard> shards;
        lock (_lock)
        {
            shards = [.. _shards];
        }

        await Compactions.DisposeAsync().ConfigureAwait(false);
        await Flushes.DisposeAsync().ConfigureAwait(false);
        foreach (var shard in shards)
        {
            await shard.DisposeAsync().ConfigureAwait(false);
        }

        await Garbage.DisposeAsync().ConfigureAwait(false);
        await Log.DisposeAsync().ConfigureAwait(false);
        if (shards.Count > 0 && shards.TrueForAll(static shard => shard.LogRanges.Count == 0))
        {
            FileLog.Delete(_logDirectory, Log.Incarnation);
        }

        await Objects.DisposeAsync().ConfigureAwait(false);
        Metrics.Dispose();
    }

    public void ReplayLog(LogRange range, LogRecordHandler handler) =>
        FileLog.Replay(_logDirectory, range.Incarnation, range.From, handler);

    /// <summary>Lets go of the parts of logs that no shard needs any more.</summary>
    public void ReleaseLogs()
    {
        lock (_lock)
        {
            if (_opening > 0)
            {
                return; // Comes again when the opening is over.
            }

            var needed = new Dictionary<string, long>();
            foreach (var range in _shards.SelectMany(static shard => shard.LogRanges))
            {
                needed[range.Incarnation] =
                    Math.Min(range.From, needed.GetValueOrDefault(range.Incarnation, long.MaxValue));
            }

            if (needed.TryGetValue(Log.Incarnation, out var from))
            {
                Log.Release(from);
            }

            foreach (var old in _oldLogs.Where(old => !needed.ContainsKey(old)).ToList())
            {
                FileLog.Delete(_logDirectory, old);
                _oldLogs.Remove(old);
            }
        }
    }

    /// <summary>The last reader of a table has left.</summary>
    public void OnTableReleased(TableReader table)
    {
        // Local readers close synchronously; the task of a remote one needs no waiting for.
        _ = table.CloseAsync().AsTask();
        if (table.IsObsolete)
        {
            Garbage.Add([table.Info.Id.ObjectName]);
        }
    }
}
