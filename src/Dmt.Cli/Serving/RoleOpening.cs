using System.Collections.Concurrent;
using Dmt.Cli.Configuration;
using Dmt.Engine;
using Dmt.Engine.Objects;
using Dmt.Engine.Replication;
using Dmt.Hosting.Serving;

namespace Dmt.Cli.Serving;

/// <summary>Opens a store that has a role.</summary>
internal static class RoleOpening
{
    private static readonly ConcurrentDictionary<string, HttpReplicaChannel> Channels = new();

    /// <summary>Opens it as the main of its replicas, or as a replica.</summary>
    public static ValueTask<RoleStore> OpenAsync(
        ServeSettings settings, EngineOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var medium = settings.ToBucket() is { } bucket
            ? ReplicationMedium.Bucket((isMain, stop) => isMain
                ? BucketOpening.OpenObjectsAsync(bucket, stop)
                : ValueTask.FromResult<IObjectStore>(BucketOpening.Open(bucket)))
            : ReplicationMedium.Folder(settings.StoreName);
        var roles = new RoleOptions
        {
            IsReplica = settings.IsReplica,
            Replicas = settings.ReplicaList,
            Connect = static name => Channels.GetOrAdd(name, static name => new HttpReplicaChannel(name)),
            Replication = new ReplicationOptions
            {
                Acks = settings.ReplicaAcks,
                PollInterval = settings.ReplicaPoll,
                StartsAlone = settings.StartWithoutReplicas,
            },
        };
        return RoleStore.OpenAsync(medium, roles, options, time, cancellationToken);
    }
}
