using Dmt.Contracts.Messages;

namespace Dmt.Contracts;

/// <summary>What one silo has open; the key is the silo's address, and that is where it lives.</summary>
[Alias("dmt.node")]
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>Returns once everything that the silo acknowledged so far is durable.</summary>
    [Alias("sync")]
    ValueTask SyncAsync(CancellationToken cancellationToken = default);

    [Alias("describe")]
    ValueTask<NodeDescription> DescribeAsync(CancellationToken cancellationToken = default);
}
