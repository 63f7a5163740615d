using Dmt.Engine;
using Dmt.Engine.Objects;
using Dmt.Engine.Replication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dmt.Grains.Shards;

/// <summary>The silo's share of the store: started before grains are activated, closed after all have left.</summary>
internal sealed partial class SiloNode(
    Func<IObjectStore> open, IOptions<DmtNodeOptions> options, TimeProvider time, ILogger<SiloNode> log)
    : ILifecycleParticipant<ISiloLifecycle>
{
    private const string NotYet = "the silo has not come to the stage of application services yet";

    private ShardNode? _node;
    private ReplicaNode? _replicas;

    /// <summary>The node, while the silo runs.</summary>
    public ShardNode Node =>
        _node ?? throw new InvalidOperationException(NotYet);

    /// <summary>The replicas of other silos' shards, while the silo runs.</summary>
    public ReplicaNode Replicas =>
        _replicas ?? throw new InvalidOperationException(NotYet);

    /// <summary>The silo is about to leave: shards are not opened here any more.</summary>
    public bool IsLeaving { get; set; }

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(SiloNode), ServiceLifecycleStage.ApplicationServices, StartAsync, StopAsync);

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        var objects = open();
        await ObjectStoreProbe.RunAsync(objects, Guid.NewGuid().ToString("N"), cancellationToken);
        var engine = options.Value.Engine with { ShardLoadMax = options.Value.ShardLoadMax };
        _node = await ShardNode.StartAsync(objects, engine, time, cancellationToken);
        _replicas = _node.OpenReplicas(options.Value.ReplicaPollInterval);
        LogStarted(log, objects.Description);
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_replicas is { } replicas)
        {
            await replicas.DisposeAsync();
        }

        if (_node is { } node)
        {
            await node.DisposeAsync();
        }
    }

    [LoggerMessage(LogLevel.Information, "Shards of {Store} can be opened here")]
    private static partial void LogStarted(ILogger log, string store);
}
