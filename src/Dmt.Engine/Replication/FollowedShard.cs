// One shard as the bucket shows it: its newest manifest, and the log behind that.
//
// A look: the manifest first, then the log of each incarnation that it names, up to the first batch that is not there.
// What lies in a log without a gap from where a manifest says is sure to stay: a successor's fence lies behind it. So
// what is shown never goes back, whoever takes the shard over.
//
// A record is applied when it begins right behind the last one and is not of a later epoch than the manifest. One that
// was there before is passed over; one that does not fit says that there is a newer manifest: the look begins again.
//
// A main may send records before they are in the bucket. One that dies takes them with it, and its successor begins
// where the bucket's log ends: then the state begins anew from the bucket.
//
// Where the state cannot be continued (another owner, and not all that was applied is in its tables), a new one is
// built beside it and takes its place when it has everything. Who reads meanwhile reads the old one.
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Replication;

internal sealed class FollowedShard : IAsyncDisposable
{
    /// <summary>The owner may write manifests and drop tables faster than they can be followed.</summary>
    private const int AttemptsMax = 8;

    /// <summary>
    /// Every so many looks the manifests are listed: those that are asked for by name may have been deleted before.
    /// </summary>
    private const int ListedEvery = 64;

    private readonly ShardHost _host;
    private readonly LogTails _tails;
    private readonly ManifestStore _manifests;
    private readonly AsyncLock _looking; // one look at a time; guards _readTo, _looks, _isOver and changes of _shard
    private readonly Lock _applying = new(); // guards what messages apply, against a change of _shard; innermost
    private Dictionary<string, LogEnd> _readTo = []; // of each log that the manifest names
    private long _looks;
    private bool _isOver;
    private Shard? _shard;
    private string? _shippedBy; // whose messages were applied since it was begun; guarded by _applying
    private long _completeAt = long.MinValue;

    public FollowedShard(ShardHost host, LogTails tails, uint id)
    {
        (_host, _tails, Id) = (host, tails, id);
        _manifests = new ManifestStore(host.Objects, id);
        _looking = new AsyncLock(host.Scheduler);
    }

    public uint Id { get; }

    /// <summary>The shard; null before a look found one.</summary>
    public Shard? Shard => Volatile.Read(ref _shard);

    /// <summary>Since when, in milliseconds, what the bucket had then is known to be here; null before that.</summary>
    public long? LagMs => Volatile.Read(ref _completeAt) is var at && at == long.MinValue
        ? null
        : (long)_host.Time.GetElapsedTime(at).TotalMilliseconds;

    /// <summary>Goes to what the bucket has.</summary>
    /// <param name="ageMax">
    /// A log that somebody looked at so short a time ago is not looked at again. Zero for a look that is sure to see
    /// all that there is.
    /// </param>
    /// <param name="cancellationToken">Gives up; what is shown then is an earlier state, as a whole.</param>
    /// <param name="main">
    /// The main of all shards: what the messages of another one brought is given up, it may be in no log.
    /// </param>
    /// <exception cref="DmtException">Unavailable; Corruption; Closed.</exception>
    public async ValueTask LookAsync(TimeSpan ageMax, CancellationToken cancellationToken, string? main = null)
    {
        using var held = await _looking.AcquireAsync(cancellationToken).ConfigureAwait(false);
        await RepeatAsync(
            ageMax == TimeSpan.Zero,
            async newest =>
            {
                var lookedAt = _host.Time.GetTimestamp();
                if (await TryTakeAsync(newest, ageMax, main, cancellationToken).ConfigureAwait(false) is { } logs)
                {
                    Volatile.Write(ref _completeAt, Math.Min(lookedAt, logs));
                    return true;
                }

                return false;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Shows the tables of the newest manifest, and lets go of what is in them; the log is read only where the state
    /// begins anew.
    /// </summary>
    /// <exception cref="DmtException">Unavailable; Corruption; Closed.</exception>
    public async ValueTask LookAtManifestAsync(CancellationToken cancellationToken)
    {
        using var held = await _looking.AcquireAsync(cancellationToken).ConfigureAwait(false);
        await RepeatAsync(
            lists: true,
            async newest => newest is null
                || await TryAdoptAsync(newest, cancellationToken).ConfigureAwait(false)
                || await TryBeginAsync(newest, TimeSpan.Zero, cancellationToken).ConfigureAwait(false) is not null,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Applies a record that the owner sent, where it comes next.</summary>
    /// <param name="record">The record.</param>
    /// <param name="incarnation">Who sent it.</param>
    /// <returns>False where the bucket must be looked at first; true also for one that is here already.</returns>
    public bool TryApply(in LogRecord record, string incarnation)
    {
        lock (_applying)
        {
            if (_shard is not { } shard || shard.Owned.Manifest.Incarnation != incarnation)
            {
                return false;
            }

            if (record.FirstSeq + (ulong)record.Count - 1 <= shard.LastSequence)
            {
                return true;
            }

            if (!shard.TryApplyShipped(record, isOwners: true))
            {
                return false;
            }

            _shippedBy = incarnation;
            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var held = await _looking.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        if (!_isOver && _shard is { } shard)
        {
            await _host.StopFollowingAsync(shard).ConfigureAwait(false);
        }

        _isOver = true;
    }

    /// <summary>Takes the newest manifest, and again where there turns out to be a newer one.</summary>
    /// <param name="lists">Lists the manifests.</param>
    /// <param name="take">
    /// Told of the newest manifest, null where it is the one that is shown; false where there must be a newer one.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    private async ValueTask RepeatAsync(
        bool lists, Func<Manifest?, ValueTask<bool>> take, CancellationToken cancellationToken)
    {
        if (_isOver)
        {
            throw DmtException.Closed("the replica");
        }

        for (var attempts = 1; attempts <= AttemptsMax; attempts++)
        {
            var newest = await LoadAsync(lists || attempts > 1, cancellationToken).ConfigureAwait(false);
            if (newest is null && _shard is null)
            {
                return; // Nobody has opened it yet.
            }

            try
            {
                if (await take(newest).ConfigureAwait(false))
                {
                    return;
                }
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption && attempts < AttemptsMax)
            {
                // The owner may have moved on meanwhile, and deleted what is missing.
                var latest = await _manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
                if (latest is null || latest.Number == (newest ?? _shard!.Owned.Manifest).Number)
                {
                    throw;
                }
            }
        }

        throw DmtException.Unavailable(
            $"the log of shard {Id} goes on behind what its newest manifest leads to: reading again");
    }

    /// <summary>The newest manifest; null where it is the one that is shown.</summary>
    private async ValueTask<Manifest?> LoadAsync(bool lists, CancellationToken cancellationToken)
    {
        if (_shard is not { } shard)
        {
            return await _manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        }

        var known = shard.Owned.Manifest.Number;
        if (!lists && ++_looks % ListedEvery != 0)
        {
            return await _manifests.LoadNewerAsync(known, cancellationToken).ConfigureAwait(false);
        }

        var latest = await _manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        return latest?.Number > known ? latest : null;
    }

    /// <returns>When the logs were looked at; null where they show that there is a newer manifest.</returns>
    private async ValueTask<long?> TryTakeAsync(
        Manifest? newest, TimeSpan ageMax, string? main, CancellationToken cancellationToken)
    {
        if (HoldsOthers(main) || (newest is not null && !await TryAdoptAsync(newest, cancellationToken)
            .ConfigureAwait(false)))
        {
            return await TryBeginAsync(newest ?? _shard!.Owned.Manifest, ageMax, cancellationToken)
                .ConfigureAwait(false);
        }

        return await TryReadLogsAsync(_shard!, _readTo, ageMax, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>It has what another main sent than the present one.</summary>
    private bool HoldsOthers(string? main)
    {
        lock (_applying)
        {
            return main is not null && _shippedBy is { } by && by != main;
        }
    }

    /// <summary>Goes on with a newer manifest.</summary>
    /// <returns>False where it leads not on from what is here: the state must begin anew.</returns>
    private async ValueTask<bool> TryAdoptAsync(Manifest newest, CancellationToken cancellationToken)
    {
        if (_shard is not { } shown
            || (!shown.Owned.Manifest.IsOf(newest) && newest.FlushedSequence < shown.LastSequence))
        {
            return false;
        }

        await shown.AdoptAsync(newest, resets: !shown.Owned.Manifest.IsOf(newest), cancellationToken)
            .ConfigureAwait(false);
        return true;
    }

    /// <summary>Builds the state anew; then it takes the place of the one before.</summary>
    private async ValueTask<long?> TryBeginAsync(
        Manifest newest, TimeSpan ageMax, CancellationToken cancellationToken)
    {
        var shard = await _host.FollowShardAsync(newest, cancellationToken).ConfigureAwait(false);
        var readTo = new Dictionary<string, LogEnd>();
        long? lookedAt = null;
        try
        {
            lookedAt = await TryReadLogsAsync(shard, readTo, ageMax, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (lookedAt is null)
            {
                await _host.StopFollowingAsync(shard).ConfigureAwait(false);
            }
        }

        if (lookedAt is not null)
        {
            Shard? before;
            lock (_applying)
            {
                before = _shard;
                Volatile.Write(ref _shard, shard);
                _shippedBy = null;
            }

            _readTo = readTo;
            if (before is not null)
            {
                await _host.StopFollowingAsync(before).ConfigureAwait(false);
            }
        }

        return lookedAt;
    }

    private async ValueTask<long?> TryReadLogsAsync(
        Shard shard, Dictionary<string, LogEnd> readTo, TimeSpan ageMax, CancellationToken cancellationToken)
    {
        var ranges = shard.Owned.Manifest.LogRanges;
        foreach (var gone in readTo.Keys.Except(ranges.Select(static range => range.Incarnation)).ToList())
        {
            readTo.Remove(gone);
        }

        var lookedAt = long.MaxValue;
        foreach (var range in ranges)
        {
            var from = readTo.GetValueOrDefault(range.Incarnation);
            from = from.Next < range.From ? new LogEnd(range.From, IsSealed: false) : from;
            var reader = new Reader(shard);
            if (!from.IsSealed)
            {
                var read = await ReadLogAsync(range.Incarnation, from.Next, reader, ageMax, cancellationToken)
                    .ConfigureAwait(false);
                if (reader.IsBehind)
                {
                    return null;
                }

                readTo[range.Incarnation] = read.End;
                lookedAt = Math.Min(lookedAt, read.LookedAt);
            }
        }

        return lookedAt;
    }

    private async ValueTask<(LogEnd End, long LookedAt)> ReadLogAsync(
        string incarnation, long next, Reader reader, TimeSpan ageMax, CancellationToken cancellationToken)
    {
        var tail = _tails.Of(incarnation);
        await tail.AdvanceAsync(ageMax, cancellationToken).ConfigureAwait(false);
        var lookedAt = tail.LookedAt;
        while (tail.TryGet(next, out var batch))
        {
            if (batch is null)
            {
                return (new LogEnd(next, tail.IsSealedAt(next)), lookedAt);
            }

            batch.Deliver(Id, reader.Take);
            if (reader.IsBehind)
            {
                return default;
            }

            next++;
        }

        lookedAt = _host.Time.GetTimestamp();
        var end = await _tails.Logs.ReadAsync(
            new LogRange(incarnation, next), Id, reader.Take, cancellationToken).ConfigureAwait(false);
        tail.BeginAt(end, lookedAt);
        return (end, lookedAt);
    }

    /// <summary>Applies the records that come next.</summary>
    private sealed class Reader(Shard shard)
    {
        /// <summary>A record did not fit: there is a newer manifest.</summary>
        public bool IsBehind { get; private set; }

        public void Take(in LogRecord record)
        {
            var last = record.FirstSeq + (ulong)record.Count - 1;
            if (!IsBehind && record.Shard == shard.Id && last > shard.LastSequence)
            {
                // It may just have come by another way.
                IsBehind = !shard.TryApplyShipped(record, isOwners: false) && last > shard.LastSequence;
            }
        }
    }
}
