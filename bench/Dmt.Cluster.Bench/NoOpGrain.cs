using Orleans.Concurrency;

namespace Dmt.Cluster.Bench;

/// <summary>The ceiling: a call through Orleans that does nothing.</summary>
[Alias("dmt.bench.no-op")]
internal interface INoOpGrain : IGrainWithIntegerKey
{
    [Alias("call")]
    ValueTask CallAsync();
}

[Reentrant]
internal sealed class NoOpGrain : Grain, INoOpGrain
{
    public ValueTask CallAsync() => ValueTask.CompletedTask;
}
