// A batch is cut by shards, and all its parts carry the number of one request: each shard applies its part once. Where
// shards were carved or merged between two attempts, what is left is cut anew; shards remember for which keys a request
// was applied, so that no piece is taken for another.
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Diagnostics;
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

        var batch = new WriteBatch { Request = options.Request }.DeleteRange(ReservedKeys.ClipWritten(range));
        return WriteAsync(batch, options.Durability, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Over several shards, one after the other in the order of their first operations: each as a whole, and applied
    /// once. When one fails, the error says which were written (<see cref="DmtException.Written"/>). Conditions need
    /// all operations to be in one shard.
    /// </remarks>
    public async ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ThrowIfClosed();
        if (batch.Count == 0)
        {
            throw DmtException.InvalidArgument("the batch is empty");
        }

        foreach (var operation in batch)
        {
            ReservedKeys.Refuse(operation.Key);
        }

        using var span = ClientSpans.Start("dmt.write")?.SetTag("dmt.operations", batch.Count);
        var call = new BatchCall(batch, durability);
        try
        {
            return await _retries.RunAsync(
                () => $"a batch of {batch.Count} operations could not be written",
                call,
                WriteLeftAsync,
                RefreshAsync,
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (span.Failed(e))
        {
            throw;
        }
        catch (DmtException e) when (call.Written.Count > 0)
        {
            throw new DmtException(
                e.Kind, $"{e.Message} ({call.Written.Count} shards of the batch were written)", e)
            {
                Written = call.Written,
            };
        }
        finally
        {
            call.Numbers?.End(call.Request);
        }
    }

    private async ValueTask<ulong> WriteLeftAsync(BatchCall call, CancellationToken cancellationToken)
    {
        call.Map = await _routing.MapAsync(cancellationToken).ConfigureAwait(false);
        var parts = BatchParts.Of(call.Left, call.Map);
        if (call.Left.HasConditions && parts.Count > 1)
        {
            throw DmtException.InvalidArgument(
                $"a batch with conditions lies in {parts.Count} shards: expected one, it is atomic within a shard "
                    + "only");
        }

        for (var i = 0; i < parts.Count; i++)
        {
            var (id, part) = parts[i];
            var shard = _routing[id];
            var write = new ShardWrite
            {
                Kind = ShardWriteKind.Batch,
                Value = part.Encoded.ToArray(),
                Durability = call.Durability,
                Request = call.NextRequest(shard),
            };
            var version = await call.NoteRefusal(id, shard.Grain.WriteAsync(write, cancellationToken))
                .ConfigureAwait(false);
            call.Written.Add(new ShardVersion(id, version));
            call.Left = i + 1 < parts.Count ? BatchParts.After(parts, i + 1) : new WriteBatch();
        }

        return call.Written.Max(static one => one.Version);
    }

    /// <summary>A batch on its way.</summary>
    private sealed class BatchCall(WriteBatch batch, Durability? durability) : RoutedCall
    {
        private readonly RequestId? _given = batch.Request;

        public Durability? Durability { get; } = durability;

        /// <summary>What no shard has said to be written.</summary>
        public WriteBatch Left { get; set; } = batch;

        public List<ShardVersion> Written { get; } = [];

        /// <summary>Where its number is from; null before it has one, and where the caller has given it.</summary>
        public RequestNumbers? Numbers { get; private set; }

        public RequestId Request { get; private set; }

        public RequestId NextRequest(ShardHandle shard)
        {
            if (_given is { } given)
            {
                return given;
            }

            if (Numbers is null)
            {
                (Numbers, Request) = (shard.Numbers, shard.Numbers.Begin());
            }

            return Numbers.Renew(Request);
        }
    }
}
