using System.Diagnostics.Metrics;

namespace Dmt.Engine.Replication;

/// <summary>What a role shows of itself, under the meter <c>Dmt.Engine</c>.</summary>
internal sealed class ReplicationMetrics : IDisposable
{
    private readonly Meter _meter = new(EngineMetrics.MeterName);

    public ReplicationMetrics(RoleStore store)
    {
        _meter.CreateObservableGauge(
            "dmt_is_replica", () => store.Lag is null ? 0 : 1, null, "1 on a read replica, 0 on a main");
        _meter.CreateObservableGauge(
            "dmt_replica_lag_operations",
            () =>
                store.Lag is { } lag ? [new Measurement<long>((long)lag.Operations)] : Array.Empty<Measurement<long>>(),
            null,
            "On a replica: operations of the main that are not here");
        _meter.CreateObservableGauge(
            "dmt_replica_lag_seconds",
            () => store.Lag is { Milliseconds: { } ms }
                ? [new Measurement<double>(ms / 1000.0)]
                : Array.Empty<Measurement<double>>(),
            "s",
            "On a replica: time since it was last known to have everything");
        _meter.CreateObservableGauge(
            "dmt_replication_lag_operations",
            () => store.Replicas.Select(static r =>
                new Measurement<long>((long)r.LagOperations, new KeyValuePair<string, object?>("replica", r.Name))),
            null,
            "On a main: operations that a replica is not known to have");
        _meter.CreateObservableGauge(
            "dmt_replication_connected",
            () => store.Replicas.Select(static r =>
                new Measurement<int>(r.Connected ? 1 : 0, new KeyValuePair<string, object?>("replica", r.Name))),
            null,
            "On a main: 1 while a replica answers");
        _meter.CreateObservableCounter(
            "dmt_replication_shipped_bytes", () => store.BytesShipped, "By", "On a main: bytes sent to replicas");
    }

    public void Dispose() => _meter.Dispose();
}
