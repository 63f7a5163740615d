using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Replication;

/// <summary>What stands in the place of the log of a process that only follows: it takes nothing.</summary>
internal sealed class FollowerLog(string incarnation) : INodeLog, ILogStore
{
    public string Incarnation => incarnation;

    public Fence Fence { get; } = new();

    public long End => 0;

    public long DurableEnd => 0;

    public long BytesWritten => 0;

    public long LiveBytes => 0;

    public long Objects => 0;

    public string? RefusedBecause => null;

    public bool HasRoom => true;

    public bool IsExclusive => true;

    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public long Append(
        uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations, Durability durability) =>
        throw Refusal();

    public long Append(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation, Durability durability) =>
        throw Refusal();

    public ValueTask WaitDurableAsync(long position, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public long ReplayFrom(long position) => position;

    public IReadOnlyList<string> Release(long position) => [];

    public INodeLog Create(string name) => throw Refusal();

    public IReadOnlyList<string> ListOwnIncarnations() => [];

    public ValueTask SealAsync(LogRange range, CancellationToken cancellationToken) => throw Refusal();

    public void Check(LogRange range)
    {
        // It has no ranges.
    }

    public ValueTask ReplayAsync(
        LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken) => throw Refusal();

    public void Delete(string name)
    {
        // It has no logs.
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static InvalidOperationException Refusal() => new("a follower has no log to write or to replay");
}
