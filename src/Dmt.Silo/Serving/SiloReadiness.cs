using Dmt.Api;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Silo.Serving;

/// <summary>
/// This silo is an active member of its cluster, and the bucket answers it. Other silos are not asked: one that is down
/// must not make the others look as if they were.
/// </summary>
/// <param name="membership">The cluster, as this silo knows it.</param>
/// <param name="self">This silo.</param>
/// <param name="bucket">The bucket; null for a folder.</param>
/// <param name="time">The clock.</param>
internal sealed class SiloReadiness(
    IClusterMembershipService membership, SiloAddress self, IObjectStore? bucket, TimeProvider time) : IReadiness
{
    /// <summary>Never written: the answer is that it is not there, and costs one request.</summary>
    private const string ProbeName = "cluster/ready";

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);

    private long _answered = long.MinValue; // when the bucket last did; MinValue before

    public async ValueTask<string?> CheckAsync(CancellationToken cancellationToken)
    {
        var status = membership.CurrentSnapshot.GetSiloStatus(self);
        if (status != SiloStatus.Active)
        {
            throw DmtException.Unavailable($"this silo is no active member of the cluster: {status}");
        }

        if (bucket is not null)
        {
            await ProbeAsync(bucket, cancellationToken);
        }

        return null;
    }

    /// <summary>Once in a while, however often readiness is asked for.</summary>
    private async Task ProbeAsync(IObjectStore bucket, CancellationToken cancellationToken)
    {
        var answered = Volatile.Read(ref _answered);
        if (answered != long.MinValue && time.GetElapsedTime(answered) < ProbeInterval)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(ProbeTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await bucket.GetAsync(ProbeName, both.Token);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested)
        {
            throw DmtException.Unavailable(
                $"{bucket.Description} has not answered within {ProbeTimeout.TotalSeconds:F0} s", e);
        }

        Volatile.Write(ref _answered, time.GetTimestamp());
    }
}
