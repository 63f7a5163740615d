using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Replication;

/// <summary>The log of a main: what is appended to it goes to the replicas, too.</summary>
internal sealed class ShippingLog(INodeLog inner, Shipper shipper) : INodeLog
{
    public string Incarnation => inner.Incarnation;

    public Fence Fence => inner.Fence;

    public long End => inner.End;

    public long DurableEnd => inner.DurableEnd;

    public long BytesWritten => inner.BytesWritten;

    public long LiveBytes => inner.LiveBytes;

    public long Objects => inner.Objects;

    public string? RefusedBecause => inner.RefusedBecause ?? shipper.RefusedBecause;

    public long AloneAt => inner.AloneAt;

    public ValueTask ConfirmAsync(CancellationToken cancellationToken) => inner.ConfirmAsync(cancellationToken);

    public bool HasRoom => inner.HasRoom;

    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) =>
        inner.WaitForRoomAsync(cancellationToken);

    public long Append(
        uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations, Durability durability)
    {
        shipper.ThrowIfNotMain();
        var position = inner.Append(shard, epoch, firstSeq, count, operations, durability);
        shipper.Add(shard, epoch, firstSeq, count, operations);
        return position;
    }

    public long Append(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation, Durability durability)
    {
        shipper.ThrowIfNotMain();
        var position = inner.Append(shard, epoch, firstSeq, operation, durability);
        shipper.Add(shard, epoch, firstSeq, operation);
        return position;
    }

    public ValueTask WaitDurableAsync(long position, CancellationToken cancellationToken) =>
        shipper.Acks == 0
            ? inner.WaitDurableAsync(position, cancellationToken)
            : WaitDurableAndShippedAsync(position, cancellationToken);

    /// <summary>Completes when everything that was appended is durable here, whatever replicas have.</summary>
    public ValueTask WaitUploadedAsync(CancellationToken cancellationToken) =>
        inner.WaitDurableAsync(inner.End, cancellationToken);

    public long ReplayFrom(long position) => inner.ReplayFrom(position);

    public IReadOnlyList<string> Release(long position) => inner.Release(position);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask WaitDurableAndShippedAsync(long position, CancellationToken cancellationToken)
    {
        // Both at once: the replicas' disks turn while this one's does.
        var shipped = shipper.WaitAcknowledgedAsync(shipper.LastSequence, cancellationToken);
        await inner.WaitDurableAsync(position, cancellationToken).ConfigureAwait(false);
        await shipped.ConfigureAwait(false);
    }
}

/// <summary>Logs whose new ones ship.</summary>
internal sealed class ShippingLogStore(ILogStore inner, Shipper shipper) : ILogStore
{
    public bool IsExclusive => inner.IsExclusive;

    public INodeLog Create(string incarnation) => new ShippingLog(inner.Create(incarnation), shipper);

    public IReadOnlyList<string> ListOwnIncarnations() => inner.ListOwnIncarnations();

    public ValueTask SealAsync(LogRange range, CancellationToken cancellationToken) =>
        inner.SealAsync(range, cancellationToken);

    public void Check(LogRange range) => inner.Check(range);

    public ValueTask ReplayAsync(
        LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken) =>
        inner.ReplayAsync(range, shard, handler, cancellationToken);

    public void Delete(string incarnation) => inner.Delete(incarnation);
}
