// One replica, as its main drives it. Everything is an exchange: a message there, an answer back; the answer says where
// the replica is, and that decides what comes next. So a lost, repeated or late message does no harm, and a replica
// that was away needs nothing special.
//
// Two loops, so that a large table does not hold up records:
//   records    where the replica has the state of this main's epoch, the records after its position, as many as have
//              gathered; with nothing to send, a heartbeat. Where the buffer begins only later, or the replica has
//              another main's state: a bucket's replica is told to read the bucket, and up to which position everything
//              is there; a folder's gets a flush and the new manifest.
//   tables     folders only: each new manifest, and before it the tables that the replica says it lacks. They are held
//              open meanwhile, so a compaction here does not delete them under way.
//
// A replica that holds another epoch's state begins anew from a manifest, whatever it has: a main that was replaced may
// have shipped operations that its successor never saw.
using Dmt.Core;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Replication;

internal sealed class ReplicaLink(Shipper shipper, string name, IReplicaChannel channel, Random random)
{
    private readonly ReplicationOptions _options = shipper.Options;
    private volatile bool _isConnected;
    private volatile string? _problem = "it has not answered yet";
    private volatile string? _tablesProblem;
    private volatile bool _needsFlush;
    private long _manifest = -1; // of this main, that the replica has; -1 while it has not said
    private volatile bool _isFenced;
    private ulong _position;
    private ulong _readsTo; // a replica of a bucket is to read everything up to there; 0 before the first time
    private long _bytesShipped;

    public string Name => name;

    /// <summary>What the replica confirmed. Guarded by the shipper.</summary>
    public ulong Acknowledged { get; set; }

    public long BytesShipped => Volatile.Read(ref _bytesShipped);

    public ReplicaStatistics Statistics(ulong last)
    {
        var position = Volatile.Read(ref _position);
        return new ReplicaStatistics(
            name, _isConnected, position, last > position ? last - position : 0, _problem ?? _tablesProblem);
    }

    public Task RunAsync(CancellationToken stop) => Task.WhenAll(
        RepeatAsync(ShipRecordsAsync, Disconnected, stop),
        shipper.IsShared
            ? Task.CompletedTask
            : RepeatAsync(ShipManifestsAsync, problem => _tablesProblem = problem, stop));

    private void Disconnected(string problem) => (_isConnected, _problem) = (false, problem);

    /// <summary>Runs a loop again when it fails, later each time.</summary>
    private async Task RepeatAsync(
        Func<CancellationToken, Task> loop, Action<string> report, CancellationToken stop)
    {
        var delay = _options.RetryDelayMin;
        var pause = TimeSpan.Zero;
        while (!_isFenced)
        {
            var started = shipper.Time.GetTimestamp();
            try
            {
                await PauseAsync(pause, stop).ConfigureAwait(false);
                await loop(stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it is, the link goes on: nothing else would bring the replica back. Operators see it as the
                // replica's problem.
                report(e.Message);
                if (shipper.Time.GetElapsedTime(started) > _options.RetryDelayMax)
                {
                    delay = _options.RetryDelayMin; // It went well for a while.
                }

                pause = delay * (0.5 + NextDouble());
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, _options.RetryDelayMax.Ticks));
            }
        }
    }

    private async Task ShipRecordsAsync(CancellationToken stop)
    {
        var reply = await ExchangeAsync(Head(MessageKind.Records), stop).ConfigureAwait(false);
        while (!_isFenced)
        {
            var isThere = shipper.TryCollect(reply.LastSequence + 1, out var records);
            if (IsOurs(reply) && isThere)
            {
                reply = await ShipNewsAsync(reply, records, stop).ConfigureAwait(false);
                continue;
            }

            if (!shipper.IsShared)
            {
                // With the newest manifest, and still before the buffer: only a flush can bring it into reach.
                _needsFlush |= IsOurs(reply) && reply.ManifestNumber >= shipper.ManifestNumber;
                shipper.ManifestNews.WakeAll();
            }
            else if (_readsTo == 0 || (IsOurs(reply) && reply.LastSequence >= _readsTo))
            {
                _readsTo = await shipper.WaitUploadedAsync(stop).ConfigureAwait(false);
            }

            await PauseAsync(_options.RetryDelayMin, stop).ConfigureAwait(false);
            reply = await ExchangeAsync(
                Head(MessageKind.Records) with { CatchesUp = true, Offset = (long)_readsTo }, stop)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Ships what the replica has not, or, where it has everything, a heartbeat when it is time.</summary>
    private async ValueTask<ReplicationReply> ShipNewsAsync(
        ReplicationReply reply, byte[] records, CancellationToken stop)
    {
        // Collected after the records, so that a shard's manifest does not come behind what was written after it.
        var until = 0L;
        byte[] changes = shipper.IsShared ? shipper.CollectChanges(reply.ManifestNumber, out until) : [];
        if (records.Length == 0 && changes.Length == 0)
        {
            await WaitForNewsAsync(reply, stop).ConfigureAwait(false);
            return await ExchangeAsync(Head(MessageKind.Records), stop).ConfigureAwait(false);
        }

        var message = Head(MessageKind.Records) with
        {
            Offset = (long)reply.LastSequence + 1,
            Body = changes.Length == 0 ? records : [.. changes, .. records],
        };
        var next = await ExchangeAsync(
            shipper.IsShared ? message with { ManifestNumber = until } : message, stop).ConfigureAwait(false);
        if (records.Length > 0 && IsOurs(next) && next.LastSequence == reply.LastSequence)
        {
            await PauseAsync(_options.RetryDelayMin, stop).ConfigureAwait(false); // It needs the bucket for it first.
        }

        return next;
    }

    private async Task ShipManifestsAsync(CancellationToken stop)
    {
        while (!_isFenced)
        {
            var news = shipper.ManifestNews.Enlist();
            if (!_needsFlush && Volatile.Read(ref _manifest) >= shipper.Shard.Owned.Manifest.Number)
            {
                await shipper.ManifestNews.WaitAsync(news, stop).ConfigureAwait(false);
                continue;
            }

            shipper.ManifestNews.Leave(news);
            if (_needsFlush)
            {
                _needsFlush = false;
                await shipper.Shard.FlushAsync(stop).ConfigureAwait(false);
            }

            await ShipManifestAsync(stop).ConfigureAwait(false);
            _tablesProblem = null;
        }
    }

    /// <summary>Brings the replica to the newest manifest.</summary>
    private async ValueTask ShipManifestAsync(CancellationToken stop)
    {
        var (manifest, view) = await shipper.Shard.PinAsync(stop).ConfigureAwait(false);
        try
        {
            var tables = manifest.Levels.SelectMany(static level => level)
                .ToDictionary(static table => table.Id.ObjectName);
            var message = Head(MessageKind.Manifest) with
            {
                ManifestNumber = manifest.Number,
                Body = ManifestCodec.Encode(manifest),
            };
            while (!_isFenced)
            {
                var reply = await ExchangeAsync(message, stop).ConfigureAwait(false);
                if (reply.Status != ReplyStatus.TablesMissing)
                {
                    shipper.News.WakeAll(); // Records may fit now.
                    return;
                }

                foreach (var missing in reply.Missing)
                {
                    if (!tables.TryGetValue(missing, out var table))
                    {
                        throw DmtException.Unavailable($"{name} asks for {missing}, which no manifest names");
                    }

                    await ShipTableAsync(table, stop).ConfigureAwait(false);
                }
            }

        }
        finally
        {
            view.RemoveReference();
        }
    }

    private async ValueTask ShipTableAsync(TableInfo table, CancellationToken stop)
    {
        var reader = shipper.Objects.OpenRead(table.Id.ObjectName, table.Length);
        await using (reader.ConfigureAwait(false))
        {
            for (long offset = 0; offset < table.Length && !_isFenced;)
            {
                var piece = new byte[Math.Min(_options.TableChunkBytes, table.Length - offset)];
                await reader.ReadAsync(offset, piece, stop).ConfigureAwait(false);
                var message = Head(MessageKind.Table) with
                {
                    Name = table.Id.ObjectName,
                    Offset = offset,
                    Length = table.Length,
                    Body = piece,
                };
                var reply = await ExchangeAsync(message, stop).ConfigureAwait(false);
                offset = reply.Offset;
            }
        }
    }

    /// <summary>What every message begins with.</summary>
    private ReplicationRequest Head(MessageKind kind) => new()
    {
        Kind = kind,
        Shard = shipper.Shard.Id,
        Epoch = shipper.Shard.Epoch,
        Incarnation = shipper.Incarnation,
        Url = shipper.Url,
        LastSequence = shipper.LastSequence,
        ManifestNumber = shipper.IsShared ? 0 : shipper.ManifestNumber, // There it goes with what changed.
    };

    private bool IsOurs(ReplicationReply reply) =>
        reply.Epoch == shipper.Shard.Epoch && reply.Incarnation == shipper.Incarnation;

    /// <summary>One message and its answer, taken in.</summary>
    /// <exception cref="DmtException">Unavailable, Corruption: no answer that could be used.</exception>
    private async ValueTask<ReplicationReply> ExchangeAsync(ReplicationRequest request, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(_options.ExchangeTimeout, shipper.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        byte[] answer;
        try
        {
            var message = ReplicationMessage.Encode(request);
            answer = await channel.ExchangeAsync(message, either.Token).ConfigureAwait(false);
            Interlocked.Add(ref _bytesShipped, message.Length);
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw DmtException.Unavailable($"{name} did not answer in {_options.ExchangeTimeout.TotalSeconds} s", e);
        }

        var reply = ReplicationMessage.DecodeReply(answer);
        switch (reply.Status)
        {
            case ReplyStatus.Fenced:
                (_isFenced, _isConnected, _problem) = (true, true, reply.Text);
                shipper.OnFenced(this, reply.Text);
                break;
            case ReplyStatus.Refused:
                throw DmtException.Unavailable($"{name}: {reply.Text}");
            default:
                (_isConnected, _problem) = (true, null);
                TakeIn(reply);
                break;
        }

        return reply;
    }

    private void TakeIn(ReplicationReply reply)
    {
        var position = IsOurs(reply) ? reply.LastSequence : 0;
        Volatile.Write(ref _position, position);
        Volatile.Write(ref _manifest, IsOurs(reply) ? reply.ManifestNumber : 0);
        shipper.OnAcknowledged(this, position);
    }

    /// <summary>Waits until there is something that the replica has not, but not longer than a heartbeat.</summary>
    private async ValueTask WaitForNewsAsync(ReplicationReply reply, CancellationToken stop)
    {
        var news = shipper.News.Enlist();
        if (shipper.LastSequence > reply.LastSequence
            || (shipper.IsShared && shipper.ManifestNumber > reply.ManifestNumber))
        {
            shipper.News.Leave(news);
            return;
        }

        using var beat = new CancellationTokenSource(_options.Heartbeat, shipper.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(beat.Token, stop);
        try
        {
            await shipper.News.WaitAsync(news, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Time for a heartbeat.
        }
    }

    private Task PauseAsync(TimeSpan delay, CancellationToken stop) =>
        shipper.Scheduler.DelayAsync(delay, shipper.Time, stop);

    private double NextDouble()
    {
        lock (random)
        {
            return random.NextDouble();
        }
    }
}
