using System.Security.Cryptography;
using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Keyspaces;
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
public sealed partial class TrieStore : ITrieStore, IStoreMaintenance, IShardAdministration, IKeyspaceSearch
{
    private int _disposed;

    private TrieStore(ShardHost host, ShardDirectory shards)
    {
        (Host, Shards) = (host, shards);
        host.Metrics.Observe(host);
    }

    /// <summary>
    /// Completes when it is known that another process has taken the store over, with how it is known. From then on
    /// every read and write is refused with Fenced; a store that is opened anew takes over in turn.
    /// </summary>
    public Task<string> WhenFenced => Host.Log.Fence.Known;

    internal ShardHost Host { get; }

    internal ShardDirectory Shards { get; }

    /// <summary>The highest of all open shards.</summary>
    internal ulong LastSequence => Shards.Open.Max(static shard => shard.LastSequence);

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
        objects = await WithCacheAsync(objects, options, cancellationToken).ConfigureAwait(false);
        var logs = new ObjectLogStore(objects, new ObjectLogOptions(), time, EngineScheduler.ThreadPool);
        return await OpenAsync(objects, logs, options, time, EngineScheduler.ThreadPool, null, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>The bucket behind its cache, where the options name one.</summary>
    internal static async ValueTask<IObjectStore> WithCacheAsync(
        IObjectStore objects, EngineOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return options.DiskCacheDirectory is { } folder
                ? await CachingObjectStore.OpenAsync(objects, folder, options.DiskCacheBytes, cancellationToken)
                    .ConfigureAwait(false)
                : objects;
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
            host.Feed = options.Keyspaces is { } keyspaces ? new KeyspaceFeed(host, keyspaces) : null;
            var shards = await OpenShardsAsync(host, cancellationToken).ConfigureAwait(false);
            shards.StartBalancing();
            var store = new TrieStore(host, shards);
            host.Feed?.Start(store);
            return store;
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
    public ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Host.Describe(Shards.Map.Count));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            if (Host.Feed is { } feed)
            {
                await feed.DisposeAsync().ConfigureAwait(false);
            }

            await Shards.CloseAsync().ConfigureAwait(false);
            await Host.DisposeAsync().ConfigureAwait(false);
        }
    }
}
