// Each call goes to the shard that the client's map names. A shard refuses what is not its own before it does anything;
// then the map is asked for again, and the call sent again. What else passes is tried again, too (Retries.cs). Writes
// carry the number of their request, so sending one again is safe wherever its shard is by then.
using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Diagnostics;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;

namespace Dmt.Client;

/// <summary>
/// A DMT store whose shards are spread over an Orleans cluster. Safe for concurrent use; one for a process is enough:
/// calls that come at the same time share messages. Disposing it closes it; the Orleans client is the host's.
/// </summary>
public sealed partial class DmtClient : ITrieStore, IShardAdministration
{
    private readonly IGrainFactory _grains;
    private readonly RoutingCache _routing;
    private readonly Retries _retries;
    private readonly int _callsPerMessageMax;
    private volatile bool _closed;

    /// <param name="grains">Of an Orleans client, or of a silo.</param>
    /// <param name="options">Limits; the defaults are good for most.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <exception cref="DmtException">InvalidArgument for an option.</exception>
    public DmtClient(IGrainFactory grains, DmtClientOptions? options = null, TimeProvider? time = null)
    {
        options ??= new DmtClientOptions();
        options.Validate();
        (_grains, _callsPerMessageMax) = (grains, options.CallsPerMessageMax);
        _routing = new RoutingCache(grains, options);
        _retries = new Retries(options, time ?? TimeProvider.System);
    }

    /// <inheritdoc/>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        Key.Validate(key.Span);
        if (ReservedKeys.Contains(key.Span))
        {
            return default;
        }

        return GetAsync(key, _routing.Known, cancellationToken);
    }

    /// <summary>What a replica of the key's shard holds: a little late, and without asking the shard's owner.</summary>
    /// <param name="key">1 to 1,024 bytes.</param>
    /// <param name="copy">Which replica, from 1; as many as the silos are set to keep.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>The entry, null where it was absent; and how old that is at most.</returns>
    /// <exception cref="DmtException">InvalidArgument; Unavailable.</exception>
    public ValueTask<(Entry? Entry, TimeSpan Lag)> GetEventualAsync(
        ReadOnlyMemory<byte> key, int copy = 1, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        Key.Validate(key.Span);
        if (copy is < 1 or >= Placement.CopiesMax)
        {
            throw DmtException.InvalidArgument($"replica {copy}: expected 1 to {Placement.CopiesMax - 1}");
        }

        return _retries.RunAsync(
            () => $"the key \"{Key.ToDisplay(key.Span)}\" could not be read from replica {copy}",
            new PointCall(key),
            async (call, stop) =>
            {
                call.Map = await _routing.MapAsync(stop).ConfigureAwait(false);
                var name = GrainKeys.OfReplica(call.Map.Find(key.Span).Shard, copy);
                var read = await _grains.GetGrain<IShardReplicaGrain>(name).GetAsync(key, stop).ConfigureAwait(false);
                return (read.Entry, TimeSpan.FromMilliseconds(read.LagMs));
            },
            RefreshAsync,
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default) => WriteOneAsync(
            new ShardWrite
            {
                Kind = ShardWriteKind.Put,
                Key = key,
                Value = value,
                Metadata = options.Metadata,
                TimeToLive = options.TimeToLive,
                Condition = options.Condition,
                Durability = options.Durability,
                Request = options.Request,
            },
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        WriteOneAsync(
            new ShardWrite
            {
                Kind = ShardWriteKind.Delete,
                Key = key,
                Condition = options.Condition,
                Durability = options.Durability,
                Request = options.Request,
            },
            cancellationToken);

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return ValueTask.CompletedTask;
    }

    private void ThrowIfClosed()
    {
        if (_closed)
        {
            throw DmtException.Closed("the client");
        }
    }

    private async ValueTask<ulong> WriteOneAsync(ShardWrite write, CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        Key.Validate(write.Key.Span);
        ReservedKeys.Refuse(write.Key.Span);
        using var span = ClientSpans.Start(write.Kind == ShardWriteKind.Put ? "dmt.put" : "dmt.delete");
        var call = new PointCall(write.Key) { Map = _routing.Known };
        var first = call.Map is { } map
            ? _routing[map.Find(write.Key.Span).Shard]
            : await FindFirstAsync(call, cancellationToken).ConfigureAwait(false);
        var request = write.Request ?? first.Numbers.Begin();
        try
        {
            Exception failed;
            try
            {
                var outcome = await first.WriteAsync(write with { Request = request }, cancellationToken)
                    .ConfigureAwait(false);
                return outcome.VersionOrThrow();
            }
            catch (Exception e) when (Retries.IsPassing(e))
            {
                failed = e;
            }

            return await _retries.RunAsync(
                () => $"the key \"{Key.ToDisplay(write.Key.Span)}\" could not be written",
                call,
                async (call, stop) =>
                {
                    var shard = await FindAsync(call, stop).ConfigureAwait(false);
                    var again = write with { Request = write.Request ?? first.Numbers.Renew(request) };
                    return await call.NoteRefusal(shard, WriteAsync(shard, again, stop)).ConfigureAwait(false);
                },
                RefreshAsync,
                cancellationToken,
                failed).ConfigureAwait(false);
        }
        catch (Exception e) when (span.Failed(e))
        {
            throw;
        }
        finally
        {
            if (write.Request is null)
            {
                first.Numbers.End(request);
            }
        }
    }

    private async ValueTask<ulong> WriteAsync(uint shard, ShardWrite write, CancellationToken cancellationToken)
    {
        var outcome = await _routing[shard].WriteAsync(write, cancellationToken).ConfigureAwait(false);
        return outcome.VersionOrThrow();
    }

    /// <summary>The first attempt is most often the last: it is made without what others need.</summary>
    private async ValueTask<Entry?> GetAsync(
        ReadOnlyMemory<byte> key, ShardMap? map, CancellationToken cancellationToken)
    {
        using var span = ClientSpans.Start("dmt.get");
        try
        {
            Exception? failed = null;
            try
            {
                if (map is not null)
                {
                    return await _routing[map.Find(key.Span).Shard].GetAsync(key, cancellationToken)
                        .ConfigureAwait(false);
                }
            }
            catch (Exception e) when (Retries.IsPassing(e))
            {
                failed = e;
            }

            return await GetAsync(new PointCall(key) { Map = map }, failed, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (span.Failed(e))
        {
            throw;
        }
    }

    private ValueTask<Entry?> GetAsync(PointCall call, Exception? failed, CancellationToken cancellationToken) =>
        _retries.RunAsync(
            () => $"the key \"{Key.ToDisplay(call.Key.Span)}\" could not be read",
            call,
            async (call, stop) =>
            {
                var shard = await FindAsync(call, stop).ConfigureAwait(false);
                return await call.NoteRefusal(shard, _routing[shard].GetAsync(call.Key, stop)).ConfigureAwait(false);
            },
            RefreshAsync,
            cancellationToken,
            failed);

    /// <summary>The shard of a key; the map itself may have to be tried for.</summary>
    private ValueTask<ShardHandle> FindFirstAsync(PointCall call, CancellationToken cancellationToken) =>
        _retries.RunAsync(
            static () => "the shard map could not be read",
            call,
            async (call, stop) => _routing[await FindAsync(call, stop).ConfigureAwait(false)],
            RefreshAsync,
            cancellationToken);

    private async ValueTask<uint> FindAsync(PointCall call, CancellationToken cancellationToken)
    {
        call.Map = await _routing.MapAsync(cancellationToken).ConfigureAwait(false);
        return call.Map.Find(call.Key.Span).Shard;
    }

    /// <summary>
    /// A shard that the map names has refused keys. Where there is no newer map, it is the map that is wrong: the shard
    /// is asked to mend it.
    /// </summary>
    private async ValueTask RefreshAsync(RoutedCall call, CancellationToken cancellationToken)
    {
        var map = await _routing.RefreshAsync(call.Map, cancellationToken).ConfigureAwait(false);
        if (call.FindDissenter(map) is { } shard)
        {
            await _routing[shard].Grain.AgreeAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A call about one key on its way.</summary>
    private sealed class PointCall(ReadOnlyMemory<byte> key) : RoutedCall
    {
        public ReadOnlyMemory<byte> Key { get; } = key;
    }
}
