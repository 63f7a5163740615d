using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;

namespace Dmt.Grains.Shards;

/// <summary>Writes as they come in messages, done to a shard.</summary>
internal static class ShardWrites
{
    public static ValueTask<ulong> ApplyAsync(HostedShard shard, in ShardWrite write, CancellationToken stop)
    {
        ReservedKeys.Refuse(write.Key.Span);
        return write.Kind switch
        {
            ShardWriteKind.Put => shard.PutAsync(write.Key, write.Value, OptionsOf(write), stop),
            ShardWriteKind.Delete => shard.DeleteAsync(write.Key, OptionsOf(write), stop),
            ShardWriteKind.Batch => shard.WriteAsync(BatchOf(write), write.Durability, stop),
            _ => throw DmtException.InvalidArgument(
                $"a write of kind {write.Kind} is not known here: the client is of a newer version than this silo"),
        };
    }

    /// <summary>The error is the outcome: writes that come together fail one by one.</summary>
    public static ValueTask<WriteOutcome> TryAsync(HostedShard shard, in ShardWrite write, CancellationToken stop)
    {
        try
        {
            var writing = ApplyAsync(shard, write, stop);
            return writing.IsCompletedSuccessfully
                ? new ValueTask<WriteOutcome>(new WriteOutcome { Version = writing.Result })
                : FinishAsync(writing);
        }
        catch (DmtException e)
        {
            return new ValueTask<WriteOutcome>(WriteOutcome.Of(e));
        }
    }

    private static async ValueTask<WriteOutcome> FinishAsync(ValueTask<ulong> writing)
    {
        try
        {
            return new WriteOutcome { Version = await writing };
        }
        catch (DmtException e)
        {
            return WriteOutcome.Of(e);
        }
    }

    private static WriteOptions OptionsOf(in ShardWrite write) => new()
    {
        Condition = write.Condition,
        Durability = write.Durability,
        Metadata = write.Metadata,
        TimeToLive = write.TimeToLive,
        Request = write.Request,
    };

    private static WriteBatch BatchOf(in ShardWrite write)
    {
        try
        {
            var batch = WriteBatch.Of(write.Value.Span);
            batch.Request = write.Request;
            foreach (var operation in batch)
            {
                ReservedKeys.Refuse(operation.Key);
            }

            return batch;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
        {
            throw DmtException.InvalidArgument($"the batch is none: {e.Message}"); // Nothing that is stored is damaged.
        }
    }
}
