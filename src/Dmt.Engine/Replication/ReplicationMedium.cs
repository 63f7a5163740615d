using System.Security.Cryptography;
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Replication;

/// <summary>Where a main and its replicas keep what they have.</summary>
public abstract class ReplicationMedium
{
    /// <summary>Every process has a folder of its own.</summary>
    /// <param name="directory">That of this process.</param>
    public static ReplicationMedium Folder(string directory) => new FolderMedium(directory);

    /// <summary>All processes share one bucket.</summary>
    /// <param name="open">
    /// Opens it anew, for a main or, with false, for reading alone; whoever gets it disposes it.
    /// </param>
    public static ReplicationMedium Bucket(Func<bool, CancellationToken, ValueTask<IObjectStore>> open) =>
        new BucketMedium(open);

    /// <summary>Replicas read the main's tables themselves.</summary>
    internal abstract bool IsShared { get; }

    internal abstract ValueTask<TrieStore> OpenMainAsync(
        EngineOptions options, TimeProvider time, Shipper shipper, CancellationToken cancellationToken);

    internal abstract ValueTask<Follower> FollowAsync(
        EngineOptions options,
        ReplicationOptions replication,
        TimeProvider time,
        CancellationToken cancellationToken);

    /// <summary>Over folders the messages carry the tables of one shard.</summary>
    internal static DmtException OneShardOnly(string what) => DmtException.InvalidArgument(
        $"{what} while replicas keep copies in folders of their own: expected a store of one shard, or a bucket");

    private sealed class FolderMedium(string directory) : ReplicationMedium
    {
        internal override bool IsShared => false;

        internal override async ValueTask<TrieStore> OpenMainAsync(
            EngineOptions options, TimeProvider time, Shipper shipper, CancellationToken cancellationToken)
        {
            if (options.KFactor > 0 || options.ShardBytesMax is not null)
            {
                throw OneShardOnly("a store cannot be cut into shards");
            }

            var objects = new DirectoryObjectStore(directory, time);
            try
            {
                if (await new MapStore(objects).LoadLatestAsync(cancellationToken).ConfigureAwait(false)
                    is { Count: > 1 } map)
                {
                    throw OneShardOnly($"{directory} has {map.Count} shards, which is not possible");
                }

                if (await objects.GetAsync(FolderFollower.Marker, cancellationToken).ConfigureAwait(false) is not null)
                {
                    throw DmtException.InvalidArgument(
                        $"{directory} is the copy of a replica: start it with is_replica, and make it the main with "
                            + "dmt promote");
                }
            }
            catch
            {
                await objects.DisposeAsync().ConfigureAwait(false);
                throw;
            }

            return await TrieStore.OpenAsync(
                objects,
                new ShippingLogStore(Logs(options, time), shipper),
                options,
                time,
                EngineScheduler.ThreadPool,
                null,
                cancellationToken).ConfigureAwait(false);
        }

        internal override async ValueTask<Follower> FollowAsync(
            EngineOptions options,
            ReplicationOptions replication,
            TimeProvider time,
            CancellationToken cancellationToken) =>
            await FolderFollower.StartAsync(
                new DirectoryObjectStore(directory, time),
                Logs(options, time),
                options,
                time,
                EngineScheduler.ThreadPool,
                new Random(RandomNumberGenerator.GetInt32(int.MaxValue)),
                cancellationToken).ConfigureAwait(false);

        private FileLogStore Logs(EngineOptions options, TimeProvider time) =>
            new(Path.Combine(directory, "log"), new FileLogOptions { SegmentBytes = options.LogSegmentBytes }, time);
    }

    private sealed class BucketMedium(Func<bool, CancellationToken, ValueTask<IObjectStore>> open) : ReplicationMedium
    {
        internal override bool IsShared => true;

        internal override async ValueTask<TrieStore> OpenMainAsync(
            EngineOptions options, TimeProvider time, Shipper shipper, CancellationToken cancellationToken)
        {
            var objects = await OpenAsync(isMain: true, options, cancellationToken).ConfigureAwait(false);
            var logs = new ObjectLogStore(objects, new ObjectLogOptions(), time, EngineScheduler.ThreadPool);
            return await TrieStore.OpenAsync(
                objects,
                new ShippingLogStore(logs, shipper),
                options,
                time,
                EngineScheduler.ThreadPool,
                null,
                cancellationToken).ConfigureAwait(false);
        }

        internal override async ValueTask<Follower> FollowAsync(
            EngineOptions options,
            ReplicationOptions replication,
            TimeProvider time,
            CancellationToken cancellationToken) =>
            await BucketFollower.StartAsync(
                await OpenAsync(isMain: false, options, cancellationToken).ConfigureAwait(false),
                options,
                replication,
                time,
                EngineScheduler.ThreadPool,
                cancellationToken).ConfigureAwait(false);

        private async ValueTask<IObjectStore> OpenAsync(
            bool isMain, EngineOptions options, CancellationToken cancellationToken) =>
            await TrieStore.WithCacheAsync(
                await open(isMain, cancellationToken).ConfigureAwait(false), options, cancellationToken)
                .ConfigureAwait(false);
    }
}
