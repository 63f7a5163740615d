// A batch is cut by shards, and each part is a request of its own. Where a part turns out to lie in several shards by
// now, it is cut again, and its pieces are new requests: two pieces of one request could come to lie in one shard again
// when that is merged, and the second would be taken for the first sent twice. Where the part may have been applied
// before it was cut, that is asked first: shards that are carved remember what their parent has applied.
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;

namespace Dmt.Client;

public sealed partial class DmtClient
{
    /// <inheritdoc/>
    /// <remarks>Over several shards, one after the other: each as a whole.</remarks>
    public ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default)
    {
        if (options.Condition.Kind != WriteCondition.Kinds.None)
        {
            throw DmtException.InvalidArgument("a range delete takes no condition");
        }

        return WriteAsync(new WriteBatch().DeleteRange(range), options.Durability, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Over several shards, one after the other in the order of their first operations: each as a whole, and applied
    /// once. When one fails, the error says which were written (<see cref="DmtException.Written"/>). Conditions need all
    /// operations to be in one shard.
    /// </remarks>
    public async ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Count == 0)
        {
            throw DmtException.InvalidArgument("the batch is empty");
        }

        var written = new List<ShardVersion>();
        var left = new Stack<BatchPart>([new BatchPart(batch)]);
        while (left.TryPop(out var part))
        {
            try
            {
                if (await WritePartAsync(part, durability, cancellationToken).ConfigureAwait(false) is { } cut)
                {
                    foreach (var piece in cut.Reverse())
                    {
                        left.Push(new BatchPart(piece.Part));
                    }
                }
                else
                {
                    written.Add(part.Written);
                }
            }
            catch (DmtException e) when (written.Count > 0)
            {
                throw new DmtException(
                    e.Kind, $"{e.Message} ({written.Count} of {written.Count + 1 + left.Count} parts of the batch were "
                        + "written)", e)
                {
                    Written = written,
                };
            }
        }

        return written.Max(static one => one.Version);
    }

    /// <returns>Null when it is written; or the pieces that it must be written in.</returns>
    private async ValueTask<IReadOnlyList<(uint Shard, WriteBatch Part)>?> WritePartAsync(
        BatchPart part, Durability? durability, CancellationToken cancellationToken)
    {
        try
        {
            return await _retries.RunAsync(
                () => $"a batch of {part.Batch.Count} operations could not be written",
                part,
                (part, stop) => TryWritePartAsync(part, durability, stop),
                async (part, stop) => await _routing.RefreshAsync(part.Map, stop).ConfigureAwait(false),
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            part.Numbers?.End(part.Request);
        }
    }

    private async ValueTask<IReadOnlyList<(uint Shard, WriteBatch Part)>?> TryWritePartAsync(
        BatchPart part, Durability? durability, CancellationToken cancellationToken)
    {
        part.Map = await _routing.MapAsync(cancellationToken).ConfigureAwait(false);
        var parts = BatchParts.Of(part.Batch, part.Map);
        var shard = _routing[parts[0].Shard];
        if (parts.Count > 1)
        {
            if (part.Batch.HasConditions)
            {
                throw DmtException.InvalidArgument(
                    $"a batch with conditions lies in {parts.Count} shards: expected one, it is atomic within a shard "
                    + "only");
            }

            if (part.IsInDoubt && await shard.Grain.FindRequestAsync(part.Request, cancellationToken)
                .ConfigureAwait(false) is { } applied)
            {
                part.Written = new ShardVersion(parts[0].Shard, applied);
                return null;
            }

            return parts;
        }

        if (part.Numbers is null)
        {
            (part.Numbers, part.Request) = (shard.Numbers, shard.Numbers.Begin());
        }

        var write = new ShardWrite
        {
            Kind = ShardWriteKind.Batch,
            Value = part.Batch.Encoded.ToArray(),
            Durability = durability,
            Request = part.Batch.Request ?? part.Numbers.Renew(part.Request),
        };
        try
        {
            var version = await shard.Grain.WriteAsync(write, cancellationToken).ConfigureAwait(false);
            part.Written = new ShardVersion(parts[0].Shard, version);
            return null;
        }
        catch (Exception e) when (e is not DmtException { Kind: DmtErrorKind.NotOwner })
        {
            part.IsInDoubt = true;
            throw;
        }
    }

    /// <summary>What lay in one shard when the batch was cut.</summary>
    private sealed class BatchPart(WriteBatch batch)
    {
        public WriteBatch Batch { get; } = batch;

        public ShardMap? Map { get; set; }

        /// <summary>Those that its request is of; null before it was sent.</summary>
        public RequestNumbers? Numbers { get; set; }

        public RequestId Request { get; set; }

        /// <summary>It may have been applied, though nobody said so.</summary>
        public bool IsInDoubt { get; set; }

        public ShardVersion Written { get; set; }
    }
}
