using System.Security.Cryptography;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Objects.Caching;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <summary>
/// The embedded store: one process over one folder. Safe for concurrent use; only one process at a time can open a
/// folder. Disposing it flushes and closes cleanly.
/// </summary>
/// <example>
/// <code>
/// await using var store = await TrieStore.OpenAsync("data");
/// await store.PutAsync("apple", "fruit");
/// Console.WriteLine(await store.GetTextAsync("apple"));
/// await foreach (var (key, value) in store.PrefixAsync("app")) Console.WriteLine($"{key} = {value}");
/// </code>
/// </example>
public sealed class TrieStore : ITrieStore, IStoreMaintenance
{
    private const uint RootShard = 1;

    private readonly Shard _root;
    private readonly long _openedAt;
    private int _disposed;

    private TrieStore(ShardHost host, Shard root)
    {
        (Host, _root) = (host, root);
        _openedAt = host.Time.GetTimestamp();
        host.Metrics.Observe(this);
    }

    /// <summary>
    /// Completes when it is known that another process has taken the store over, with how it is known. From then on
    /// every read and write is refused with Fenced; a store that is opened anew takes over in turn.
    /// </summary>
    public Task<string> WhenFenced => Host.Log.Fence.Known;

    internal ShardHost Host { get; }

    internal ulong LastSequence => _root.LastSequence;

    internal long UserBytesWritten => _root.UserBytesWritten;

    internal string? Problem => Host.Log.RefusedBecause ?? _root.Problem;

    internal long TableBytes => _root.Tables.Sum(static table => table.Length);

    internal long TableCount => _root.Tables.Count();

    /// <summary>
    /// Opens the store in a folder, making it when it is not there, and recovers what was acknowledged.
    /// </summary>
    /// <param name="directory">The folder; DMT's alone.</param>
    /// <param name="options">Settings; the defaults are good for most.</param>
    /// <param name="time">The clock, for expiry and deadlines; the system's by default.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="DmtException">
    /// Unavailable when another process has the folder, the disk is full, or a newer DMT wrote it; Corruption;
    /// InvalidArgument for a setting.
    /// </exception>
    public static async ValueTask<TrieStore> OpenAsync(
        string directory,
        EngineOptions? options = null,
        TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new EngineOptions();
        options.Validate();
        if (options.DiskCacheDirectory is { } folder)
        {
            throw DmtException.InvalidArgument(
                $"{nameof(options.DiskCacheDirectory)} is {folder}: a store in a folder has no cache on disk");
        }

        time ??= TimeProvider.System;
        var objects = new DirectoryObjectStore(directory, time);
        var logOptions = new FileLogOptions { SegmentBytes = options.LogSegmentBytes };
        var logs = new FileLogStore(Path.Combine(directory, "log"), logOptions, time);
        return await OpenAsync(objects, logs, options, time, EngineScheduler.ThreadPool, null, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Opens the store over an object store alone, its log included: nothing is kept on this machine but, where
    /// <see cref="EngineOptions.DiskCacheDirectory"/> is set, a cache. Takes the store over from whoever has it open,
    /// who is fenced.
    /// </summary>
    /// <param name="objects">A bucket, say; the store disposes it.</param>
    /// <param name="options">Settings.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="DmtException">
    /// Unavailable; Corruption; Fenced when another process takes it over meanwhile.
    /// </exception>
    public static async ValueTask<TrieStore> OpenAsync(
        IObjectStore objects,
        EngineOptions? options = null,
        TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new EngineOptions();
        options.Validate();
        time ??= TimeProvider.System;
        if (options.DiskCacheDirectory is { } folder)
        {
            objects = await OpenCacheAsync(objects, folder, options.DiskCacheBytes, cancellationToken)
                .ConfigureAwait(false);
        }

        var logs = new ObjectLogStore(objects, new ObjectLogOptions(), time, EngineScheduler.ThreadPool);
        return await OpenAsync(objects, logs, options, time, EngineScheduler.ThreadPool, null, cancellationToken)
            .ConfigureAwait(false);
    }

    private static async ValueTask<IObjectStore> OpenCacheAsync(
        IObjectStore objects, string folder, long bytesMax, CancellationToken cancellationToken)
    {
        try
        {
            return await CachingObjectStore.OpenAsync(objects, folder, bytesMax, cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            await objects.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens the store over any object store, which it disposes, and any logs.</summary>
    /// <param name="objects">Tables and manifests.</param>
    /// <param name="logs">Logs.</param>
    /// <param name="options">Valid settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Runs background work.</param>
    /// <param name="random">Names the incarnation; null for real chance.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    internal static async ValueTask<TrieStore> OpenAsync(
        IObjectStore objects,
        ILogStore logs,
        EngineOptions options,
        TimeProvider time,
        EngineScheduler scheduler,
        Random? random,
        CancellationToken cancellationToken)
    {
        ShardHost? host = null;
        try
        {
            random ??= new Random(RandomNumberGenerator.GetInt32(int.MaxValue));
            host = ShardHost.Start(objects, logs, options, time, random, scheduler);
            return new TrieStore(host, await OpenRootAsync(host, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            if (host is not null)
            {
                await host.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                await objects.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>
    /// Makes another store of the same bucket that begins with what a checkpoint holds, by reference: nothing is
    /// copied. The source may be open; it is not taken over.
    /// </summary>
    /// <param name="source">The store that has the checkpoint; stays the caller's.</param>
    /// <param name="checkpoint">The name of the checkpoint.</param>
    /// <param name="root">The <see cref="IObjectStore.Root"/> of the clone, where nothing is.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The checkpoint of the source that keeps the tables for the clone, as long as it needs any.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for the checkpoint or the place, and for a store that shares no space of names, as one in a
    /// folder; Conflict where something is there; Corruption; Unavailable, after which the clone may be there, whole.
    /// </exception>
    public static ValueTask<CheckpointInfo> CloneAsync(
        IObjectStore source,
        string checkpoint,
        string root,
        TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var random = new Random(RandomNumberGenerator.GetInt32(int.MaxValue));
        time ??= TimeProvider.System;
        return new StoreClone(source, time)
            .CreateAsync(Ulid.Create(time, random, null), checkpoint, root, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        Checkpoint.ValidateName(name);
        using var held = await Host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        var checkpoint = await _root.CheckpointAsync(name, Checkpoints, cancellationToken).ConfigureAwait(false);
        return checkpoint.Info;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(
        CancellationToken cancellationToken = default)
    {
        var all = await Checkpoints.LoadAllAsync(cancellationToken).ConfigureAwait(false);
        return [.. all.Select(static checkpoint => checkpoint.Info)];
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        using var held = await Host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        Checkpoint.ValidateName(name);

        if (await Host.Objects.GetAsync(Checkpoint.NameOf(name), cancellationToken)
            .ConfigureAwait(false) is not { } bytes)
        {
            return false;
        }

        if (Checkpoint.TryDecodePin(bytes, name) is { } pin)
        {
            await new StoreClone(Host.Objects, Host.Time).ThrowIfNeededAsync(pin, cancellationToken)
                .ConfigureAwait(false);
        }

        await Checkpoints.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
        Host.Collector.CheckpointDeleted();
        return true;
    }

    /// <inheritdoc/>
    public ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun = false, TimeSpan? ageMin = null, CancellationToken cancellationToken = default) =>
        Host.Collector.SweepAsync(dryRun, ageMin, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        _root.GetAsync(key, null, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, WriteOptions options =
            default, CancellationToken cancellationToken = default) =>
        _root.PutAsync(key, value, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        _root.DeleteAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        _root.DeleteRangeAsync(range, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return _root.WriteAsync(batch, durability, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default) =>
        ScanAsync(request, null, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default) =>
        CountAsync(range, null, cancellationToken);

    /// <summary>Walks a range in one snapshot without copying entries. Dispose the scan.</summary>
    public Scan OpenScan(KeyRange range = default, bool reverse = false) => _root.OpenScan(range, reverse, null);

    /// <summary>A view of the store as it is now. Dispose it: what it sees is kept until then.</summary>
    public StoreSnapshot OpenSnapshot() => new(this, _root.OpenSnapshot());

    /// <inheritdoc/>
    public ValueTask SyncAsync(CancellationToken cancellationToken = default) =>
        _root.SyncAsync(cancellationToken);

    /// <summary>Writes what is in memory into tables.</summary>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => _root.FlushAsync(cancellationToken);

    /// <summary>
    /// Flushes and merges all tables into the bottom level, dropping what is overwritten, deleted or expired.
    /// </summary>
    public ValueTask CompactAsync(CancellationToken cancellationToken = default) =>
        _root.CompactAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default)
    {
        var (tables, memtableBytes, memtableEntries) = _root.Describe();
        var levels = new List<LevelStatistics>();
        for (var level = 0; level < tables.Levels.Length; level++)
        {
            var infos = tables.Levels[level].Select(static table => table.Info).ToList();
            if (infos.Count > 0)
            {
                levels.Add(new LevelStatistics(
                    level, infos.Count, infos.Sum(static i => i.Length), infos.Sum(static i => i.Entries)));
            }
        }

        return ValueTask.FromResult(new StoreStatistics
        {
            Levels = levels,
            EntriesMax = memtableEntries + levels.Sum(static level => level.Entries),
            MemtableBytes = memtableBytes,
            BlockCacheBytes = Host.Cache.Bytes,
            CacheBytesMax = Host.Options.CacheBytes,
            LogBytes = Host.Log.LiveBytes,
            TableBytes = levels.Sum(static level => level.Bytes),
            BorrowedBytes = tables.Levels.SelectMany(static level => level)
                .Where(static table => table.Info.Origin is not null).Sum(static table => table.Info.Length),
            UserBytesWritten = _root.UserBytesWritten,
            MediumBytesWritten = Host.Metrics.TableBytesWritten + Host.Log.BytesWritten,
            LastSequence = _root.LastSequence,
            Epoch = _root.Epoch,
            Incarnation = Host.Log.Incarnation,
            WritesRefused = Problem,
            BackgroundProblem = _root.BackgroundProblem,
            Fenced = Host.Log.Fence.Reason?.Message,
            Requests = Describe(Host.Objects.Requests),
            DiskCache = Host.Objects.DiskCache,
        });
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() =>
        Interlocked.Exchange(ref _disposed, 1) == 0 ? Host.DisposeAsync() : ValueTask.CompletedTask;

    private CheckpointStore Checkpoints => new(Host.Objects);

    /// <summary>Opens the present state, or the checkpoint that the options name in its place.</summary>
    private static async ValueTask<Shard> OpenRootAsync(ShardHost host, CancellationToken cancellationToken)
    {
        if (host.Options.RestoreFrom is not { } name)
        {
            return await host.OpenShardAsync(RootShard, null, cancellationToken).ConfigureAwait(false);
        }

        var checkpoints = new CheckpointStore(host.Objects);
        var checkpoint = await checkpoints.FindAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw DmtException.InvalidArgument($"there is no checkpoint \"{name}\" in {host.Objects.Description}");
        var root = await host.OpenShardAsync(
            RootShard, checkpoint.Manifests.Single(static m => m.Shard == RootShard), cancellationToken)
            .ConfigureAwait(false);

        // See GarbageCollector.cs: from here on the manifest keeps the tables, if the checkpoint did until here.
        return await checkpoints.FindAsync(name, cancellationToken).ConfigureAwait(false) is not null
            ? root
            : throw DmtException.Unavailable(
                $"the checkpoint \"{name}\" was deleted while it was restored: its tables may be gone");
    }

    internal ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, ulong asOf, CancellationToken cancellationToken) =>
        _root.GetAsync(key, asOf, cancellationToken);

    internal async ValueTask<ScanPage> ScanAsync(ScanRequest request, ulong? asOf, CancellationToken cancellationToken)
    {
        if (request.Limit is < 1 or > ScanRequest.LimitMax)
        {
            throw DmtException.InvalidArgument($"a limit of {request.Limit}: expected 1 to {ScanRequest.LimitMax}");
        }

        Key.ValidatePrefix(request.Range.Start.Span);
        Key.ValidatePrefix(request.Range.End.GetValueOrDefault().Span);
        var range = request.Cursor is { } cursor
            ? PageCursor.Rest(cursor, request.Range, request.Reverse)
            : request.Range;
        using var scan = _root.OpenScanUnchecked(range, request.Reverse, asOf);
        var page = new PageBuilder(request);
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            if (page.IsFull)
            {
                return page.Build(more: true);
            }

            page.Add(scan.Current);
        }

        return page.Build(more: false);
    }

    internal async ValueTask<long> CountAsync(KeyRange range, ulong? asOf, CancellationToken cancellationToken)
    {
        using var scan = _root.OpenScan(range, reverse: false, asOf);
        long count = 0;
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            count++;
        }

        return count;
    }

    /// <summary>Dollars a month for requests at the rate since the opening; null where nobody pays.</summary>
    internal decimal? RequestDollarsPerMonth => Host.Objects.Requests is { } totals
        && Host.Time.GetElapsedTime(_openedAt) is var uptime && uptime > TimeSpan.Zero
        ? S3Cost.OfRequestsPerMonth(totals, uptime)
        : null;

    private RequestStatistics? Describe(RequestTotals? requests) => requests is not { } totals ? null
        : new RequestStatistics
        {
            Gets = totals.Gets,
            RangedGets = totals.RangedGets,
            Puts = totals.Puts,
            ConditionalPuts = totals.ConditionalPuts,
            Deletes = totals.Deletes,
            Lists = totals.Lists,
            Heads = totals.Heads,
            Multiparts = totals.Multiparts,
            BytesUp = totals.BytesUp,
            BytesDown = totals.BytesDown,
            Retries = totals.Retries,
            Hedges = totals.Hedges,
            RequestDollarsPerMonth = RequestDollarsPerMonth ?? 0,
            StorageDollarsPerMonth = S3Cost.OfStoragePerMonth(TableBytes),
        };

    internal void CloseSnapshot(ulong sequence) => _root.CloseSnapshot(sequence);
}
