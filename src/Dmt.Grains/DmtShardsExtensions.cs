using Dmt.Engine.Objects;
using Dmt.Grains.Placement;
using Dmt.Grains.Shards;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dmt.Grains;

/// <summary>Shards of a DMT store as grains.</summary>
public static class DmtShardsExtensions
{
    /// <summary>The grain storage of the shard map's grain, and the key of what else is DMT's own.</summary>
    public const string StorageName = "dmt";

    /// <summary>
    /// Lets the silo own shards of the store. It needs an <c>ITrieStore</c> over the cluster for what its own grains
    /// keep: <c>AddDmtClient</c> of Dmt.Client.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="store">Opens the bucket that all silos share; closed with the silo.</param>
    /// <param name="configure">Settings, the same on all silos.</param>
    /// <remarks>
    /// The engine's clock is a <see cref="TimeProvider"/> with the key <see cref="StorageName"/>, or else the system's.
    /// </remarks>
    public static ISiloBuilder AddDmtShards(
        this ISiloBuilder builder,
        Func<IServiceProvider, IObjectStore> store,
        Action<DmtNodeOptions>? configure = null)
    {
        builder.AddLsmGrainStorage(StorageName)
            .AddPlacementDirector<ShardPlacement, ShardPlacementDirector>()
            .AddPlacementDirector<NodePlacement, NodePlacementDirector>();
        builder.Services.Configure(configure ?? (static _ => { }))
            .AddSingleton<IConfigurationValidator, DmtNodeOptionsValidator>()
            .AddSingleton(services => new SiloNode(
                () => store(services),
                services.GetRequiredService<IOptions<DmtNodeOptions>>(),
                services.GetKeyedService<TimeProvider>(StorageName) ?? TimeProvider.System,
                services.GetRequiredService<ILogger<SiloNode>>()))
            .AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<SiloNode>())
            .AddSingleton<ILifecycleParticipant<ISiloLifecycle>, ShardMover>()
            .AddSingleton<ILifecycleParticipant<ISiloLifecycle>, ReplicaKeeper>()
            .AddSingleton<ShardMapCache>()
            .AddSingleton<LocalShards>()
            .AddSingleton<LocalReplicas>()
            .AddSingleton<MergeFinisher>()
            .AddSingleton<ShardHomes>();
        return builder;
    }
}
