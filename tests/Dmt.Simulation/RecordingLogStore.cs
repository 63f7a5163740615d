using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;

namespace Dmt.Simulation;

/// <summary>
/// The engine's own log store; what passes through is noted, so that the checks know which operation has which sequence
/// number.
/// </summary>
/// <param name="node">Whose it is.</param>
/// <param name="inner">The real one.</param>
/// <param name="switches">What is broken on purpose.</param>
internal sealed class RecordingLogStore(SimProcess node, ILogStore inner, SimSwitches switches) : ILogStore
{
    public bool IsExclusive => inner.IsExclusive;

    public INodeLog Create(string incarnation)
    {
        var log = new RecordingLog(node, inner.Create(incarnation), switches.HasFlag(SimSwitches.SkipLeases));
        node.Log = log;
        return log;
    }

    public IReadOnlyList<string> ListOwnIncarnations() => inner.ListOwnIncarnations();

    public ValueTask SealAsync(LogRange range, CancellationToken cancellationToken) =>
        switches.HasFlag(SimSwitches.SkipSeal) ? ValueTask.CompletedTask : inner.SealAsync(range, cancellationToken);

    public void Check(LogRange range) => inner.Check(range);

    public ValueTask ReplayAsync(
        LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken) =>
        inner.ReplayAsync(range, shard, handler, cancellationToken);

    public void Delete(string incarnation) => inner.Delete(incarnation);

    private sealed class RecordingLog(SimProcess node, INodeLog inner, bool isAlwaysAlone) : INodeLog
    {
        public string Incarnation => inner.Incarnation;

        public Fence Fence => inner.Fence;

        public long End => inner.End;

        public long DurableEnd => inner.DurableEnd;

        public long BytesWritten => inner.BytesWritten;

        public long LiveBytes => inner.LiveBytes;

        public long Objects => inner.Objects;

        public string? RefusedBecause => inner.RefusedBecause;

        public long AloneAt => isAlwaysAlone ? long.MaxValue : inner.AloneAt;

        public ValueTask ConfirmAsync(CancellationToken cancellationToken) => inner.ConfirmAsync(cancellationToken);

        public bool HasRoom => inner.HasRoom;

        public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) =>
            inner.WaitForRoomAsync(cancellationToken);

        public long Append(
            uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations, Durability durability)
        {
            var position = inner.Append(shard, epoch, firstSeq, count, operations, durability);
            var sequence = firstSeq;
            var each = new WriteBatch.Enumerator(operations);
            while (each.MoveNext())
            {
                node.NoteAppend(shard, epoch, sequence++, each.Current);
            }

            return position;
        }

        public long Append(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation, Durability durability)
        {
            var position = inner.Append(shard, epoch, firstSeq, operation, durability);
            node.NoteAppend(shard, epoch, firstSeq, operation);
            return position;
        }

        public ValueTask WaitDurableAsync(long position, CancellationToken cancellationToken) =>
            inner.WaitDurableAsync(position, cancellationToken);

        public long ReplayFrom(long position) => inner.ReplayFrom(position);

        public IReadOnlyList<string> Release(long position) => inner.Release(position);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
