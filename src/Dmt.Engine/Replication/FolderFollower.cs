// A replica that keeps its own copy in a folder: the main's tables, manifests of its own that name them, and a log of
// its own with what was shipped behind them. The folder is a store like any other, so becoming the main is opening it.
//
//   replica                       marks the folder as a copy; a main does not open it
//   shards/{id}/tables/…          as the main wrote them
//   shards/{id}/manifest/{n}      the main's epoch, owner and tables; numbers and log ranges of this folder
//   log/{incarnation}/…           what was shipped, one incarnation for each start of the replica
//
// Order of a new manifest: its tables are here and synced (they come first), then the manifest, which makes them count,
// then what nothing names any more goes. A crash between any two leaves the state before, or this one.
// Order of a record: into the log's buffer, into the memtable, synced, answered. So what was confirmed is here.
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Garbage;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Replication;

internal sealed class FolderFollower : Follower, IShardSource
{
    /// <summary>The object that marks a copy.</summary>
    public const string Marker = "replica";

    /// <summary>
    /// A promotion skips so many epochs: an old main that is started again and again, each time with the next epoch,
    /// never comes up with the new one.
    /// </summary>
    private const ulong PromotionEpochs = 1 << 20;

    /// <summary>Where a position in the log is noted for the sequence number that it follows.</summary>
    private const long MarkBytes = 64 << 10;

    /// <summary>Over folders a store has one shard; see ReplicationMedium.cs.</summary>
    private const uint ShardId = ShardMap.Root;

    private readonly ILogStore _logs;
    private readonly ManifestStore _manifests;
    private readonly List<OldLog> _oldLogs = [];
    private readonly List<(ulong Sequence, long Position)> _marks = [];
    private readonly HashSet<string> _tables = []; // whole ones in the folder; guarded by Tables
    private volatile Shard? _shard; // null while there is nothing to read
    private ulong _confirmed; // everything up to it is on the disk
    private INodeLog _log = null!; // set by StartAsync
    private Manifest? _own; // this folder's newest
    private bool _isUnsure; // whether it is: the last attempt to write one failed
    private IObjectWriter? _incoming;
    private bool _isOver; // the folder is a main's now, or the replica was closed; guarded by Tables and by Records
    private string _incomingName = "";
    private long _incomingBytes;

    private FolderFollower(ShardHost host, ILogStore logs)
        : base(host) => (_logs, _manifests) = (logs, new ManifestStore(host.Objects, ShardId));

    public override Shard? Root => _shard;

    public override IShardSource Shards => this;

    public override IEnumerable<Shard> Open => _shard is { } shard ? [shard] : [];

    public ShardMap Map => ShardMap.Initial;

    public override ulong Position => _shard?.LastSequence ?? 0;

    protected override (ulong Epoch, string Incarnation) Term =>
        _shard?.Owned.Manifest is { } manifest ? (manifest.Epoch, manifest.Incarnation) : (0, "");

    public bool TryFindWhole(KeyRange range, [MaybeNullWhen(false)] out Shard shard) => (shard = _shard) is not null;

    public ValueTask<Shard> GetAsync(uint id, CancellationToken cancellationToken) => _shard is { } shard
        ? ValueTask.FromResult(shard)
        : throw DmtException.Unavailable("this replica has no copy of its main yet");

    /// <summary>A log that this folder's manifest still names, and the last operation in it.</summary>
    private readonly record struct OldLog(LogRange Range, ulong LastSequence);

    /// <summary>Opens the copy as it is, and follows from there.</summary>
    /// <exception cref="DmtException">
    /// InvalidArgument where the folder is that of a main; Unavailable; Corruption.
    /// </exception>
    public static async ValueTask<FolderFollower> StartAsync(
        IObjectStore objects,
        ILogStore logs,
        EngineOptions options,
        TimeProvider time,
        EngineScheduler scheduler,
        Random random,
        CancellationToken cancellationToken)
    {
        var oldLogs = logs.ListOwnIncarnations();
        var incarnation = Ulid.Create(time, random, oldLogs.Count > 0 ? oldLogs[^1] : null);
        var host = ShardHost.Follow(objects, new FollowerLog(incarnation), options, time, scheduler);
        var follower = new FolderFollower(host, logs);
        try
        {
            await follower.OpenAsync(incarnation, oldLogs, cancellationToken).ConfigureAwait(false);
            return follower;
        }
        catch
        {
            await follower.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Makes the folder that of a main: what was confirmed is on the disk, and the epoch is above all that the old main
    /// can reach. The follower can only be disposed after it.
    /// </summary>
    /// <exception cref="DmtException">Unavailable where there is no copy yet.</exception>
    public async ValueTask BecomeMainAsync(CancellationToken cancellationToken)
    {
        using var tables = await Tables.AcquireAsync(cancellationToken).ConfigureAwait(false);
        using var records = await Records.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (_own is not { } own)
        {
            throw DmtException.Unavailable("this replica has no copy yet: there is nothing to be the main of");
        }

        _isOver = true;
        await _log.DisposeAsync().ConfigureAwait(false);
        await _manifests.WriteAsync(
            own with { Number = own.Number + 1, Epoch = own.Epoch + PromotionEpochs }, cancellationToken)
            .ConfigureAwait(false);
        await Host.Objects.DeleteAsync([Marker], cancellationToken).ConfigureAwait(false);
    }

    public override async ValueTask DisposeAsync()
    {
        // What is under way ends first; nothing comes after it.
        using var tables = await Tables.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        using var records = await Records.AcquireAsync(CancellationToken.None).ConfigureAwait(false);
        _isOver = true;
        if (_incoming is not null)
        {
            await _incoming.DisposeAsync().ConfigureAwait(false);
        }

        try
        {
            if (_log is not null)
            {
                await _log.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await Host.DisposeAsync().ConfigureAwait(false);
        }
    }

    protected override ulong Confirmed => Volatile.Read(ref _confirmed);

    protected override async ValueTask<ReplicationReply> TakeRecordsAsync(
        ReplicationRequest request, CancellationToken cancellationToken)
    {
        using var held = await Records.AcquireAsync(cancellationToken).ConfigureAwait(false);
        ThrowIfOver();
        Apply(request, (in LogRecord record) =>
        {
            _log.Append(
                record.Shard, record.Epoch, record.FirstSeq, record.Count, record.Operations, Durability.Default);
            Apply(record);
        });
        if (_shard is { } shard && shard.LastSequence > Confirmed)
        {
            await _log.WaitDurableAsync(_log.End, CancellationToken.None).ConfigureAwait(false);
            Volatile.Write(ref _confirmed, shard.LastSequence);
            if (_marks.Count == 0 || _log.End - _marks[^1].Position >= MarkBytes)
            {
                _marks.Add((shard.LastSequence, _log.End));
            }
        }

        return Reply();
    }

    protected override async ValueTask<ReplicationReply> TakeTableAsync(
        ReplicationRequest request, CancellationToken cancellationToken)
    {
        using var held = await Tables.AcquireAsync(cancellationToken).ConfigureAwait(false);
        ThrowIfOver();
        if (_tables.Contains(request.Name))
        {
            return Reply() with { Offset = request.Length };
        }

        if (request.Offset == 0 || request.Name != _incomingName)
        {
            await BeginTableAsync(request.Name).ConfigureAwait(false);
        }

        if (request.Offset != _incomingBytes)
        {
            return Reply() with { Offset = _incomingBytes };
        }

        // Not cancelled from here on, and begun anew where it fails: half a piece must not be continued.
        var (incoming, name) = (_incoming!, _incomingName);
        _incomingName = "";
        await incoming.WriteAsync(request.Body, CancellationToken.None).ConfigureAwait(false);
        _incomingBytes += request.Body.Length;
        if (_incomingBytes == request.Length)
        {
            await incoming.CompleteAsync(CancellationToken.None).ConfigureAwait(false);
            _tables.Add(name);
        }
        else
        {
            _incomingName = name;
        }

        return Reply() with { Offset = _incomingBytes };
    }

    protected override async ValueTask<ReplicationReply> TakeManifestAsync(
        ReplicationRequest request, CancellationToken cancellationToken)
    {
        var manifest = ManifestCodec.Decode(request.Body.Span, Manifest.NameOf(ShardId, request.ManifestNumber));
        if (manifest.Carved.Count > 0)
        {
            throw ReplicationMedium.OneShardOnly("the main has more than one shard, which is not possible");
        }

        using var tables = await Tables.AcquireAsync(cancellationToken).ConfigureAwait(false);
        ThrowIfOver();
        List<string> missing =
        [
            .. manifest.Levels.SelectMany(static level => level).Select(static table => table.Id.ObjectName)
                .Where(name => !_tables.Contains(name)),
        ];
        if (missing.Count > 0)
        {
            return Reply(ReplyStatus.TablesMissing) with { Missing = missing };
        }

        var isSame = _shard is { } shard && shard.Owned.Manifest.IsOf(manifest);
        if (!isSame || manifest.Number > ManifestNumber)
        {
            using var records = await Records.AcquireAsync(cancellationToken).ConfigureAwait(false);
            await InstallAsync(manifest, isSame).ConfigureAwait(false);
        }

        return Reply();
    }

    private async ValueTask OpenAsync(
        string incarnation, IReadOnlyList<string> oldLogs, CancellationToken cancellationToken)
    {
        _own = await _manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        var marker = await Host.Objects.GetAsync(Marker, cancellationToken).ConfigureAwait(false);
        if (_own is not null && marker is null)
        {
            throw DmtException.InvalidArgument(
                $"{Host.Objects.Description} is the folder of a main, not of a replica: give the replica an empty "
                    + $"one, or "
                    + "leave is_replica out");
        }

        if (marker is null)
        {
            await Host.Objects.PutAsync(Marker, Encoding.ASCII.GetBytes("a copy; see docs/operations.md\n"),
                cancellationToken).ConfigureAwait(false);
        }

        await foreach (var info in Host.Objects.ListAsync(
            TableId.Folder(ShardId), null, cancellationToken).ConfigureAwait(false))
        {
            _tables.Add(info.Name);
        }

        if (_own is { } own)
        {
            await ShowAsync(own, cancellationToken).ConfigureAwait(false);
            foreach (var range in own.LogRanges)
            {
                await _logs.ReplayAsync(
                    range, ShardId, (in LogRecord record) => Replay(record), cancellationToken).ConfigureAwait(false);
                _oldLogs.Add(new OldLog(range, _shard!.LastSequence));
            }
        }

        Volatile.Write(ref _confirmed, _shard?.LastSequence ?? 0);
        _log = _logs.Create(incarnation);
        if (_own is { } last)
        {
            await WriteAsync(last).ConfigureAwait(false);
        }

        foreach (var old in oldLogs.Where(old => !_oldLogs.Exists(log => log.Range.Incarnation == old)))
        {
            _logs.Delete(old);
        }
    }

    /// <summary>Hands the records of a message to <paramref name="apply"/> that come next. Under Records.</summary>
    private void Apply(ReplicationRequest request, LogRecordHandler apply)
    {
        if (_shard is not { } shard || !IsOf(request))
        {
            return;
        }

        var body = request.Body.Span;
        for (var at = 0; at < body.Length;)
        {
            if (!LogFormat.TryReadRecord(body, ref at, "a replication message", 0, 0, out var record))
            {
                throw DmtException.Corruption("a replication message", at, "the bytes make no record");
            }

            if (record.Shard == ShardId && record.FirstSeq == shard.LastSequence + 1)
            {
                apply(record);
            }
        }
    }

    /// <summary>Under Records.</summary>
    private void Apply(in LogRecord record)
    {
        if (!_shard!.TryApplyShipped(record, isOwners: false))
        {
            throw DmtException.Corruption(
                record.File, record.Offset, $"operation {record.FirstSeq} of epoch {record.Epoch} does not come next");
        }
    }

    /// <summary>Shows a manifest: the first, a newer one, or one of another owner. Under Tables.</summary>
    private async ValueTask ShowAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        if (_shard is { } shard)
        {
            await shard.AdoptAsync(manifest, !shard.Owned.Manifest.IsOf(manifest), cancellationToken)
                .ConfigureAwait(false);
        }
        else
        {
            _shard = await Host.FollowShardAsync(manifest, cancellationToken).ConfigureAwait(false);
        }

        Obey(manifest.Epoch, manifest.Incarnation);
    }

    private void ThrowIfOver()
    {
        if (_isOver)
        {
            throw DmtException.Closed("the replica");
        }
    }

    private void Replay(in LogRecord record)
    {
        var last = _shard!.LastSequence;
        if (record.Shard != ShardId || record.FirstSeq + (ulong)record.Count - 1 <= last)
        {
            return;
        }

        if (record.FirstSeq != last + 1)
        {
            throw DmtException.Corruption(
                record.File, record.Offset, $"sequence number {record.FirstSeq} follows {last}: records are missing");
        }

        Apply(record);
    }

    private async ValueTask BeginTableAsync(string name)
    {
        // Only what a table can be called: a message must not write anywhere else.
        if (References.ShardOf(name) is not { } shard || References.EpochOf(name, shard) is null)
        {
            throw DmtException.Unavailable($"\"{name}\" is not the name of a table");
        }

        if (_incoming is not null)
        {
            await _incoming.DisposeAsync().ConfigureAwait(false);
        }

        (_incoming, _incomingName, _incomingBytes) = (Host.Objects.OpenWrite(name), name, 0);
    }

    /// <summary>Makes a manifest of the main's this folder's state. Under Tables and Records.</summary>
    /// <remarks>Not cancelled: half of it would be neither state.</remarks>
    private async ValueTask InstallAsync(Manifest manifest, bool isSame)
    {
        if (!isSame || manifest.FlushedSequence > (_shard?.LastSequence ?? 0))
        {
            // What was logged does not lead on to this state: the log begins here.
            _oldLogs.Clear();
            _marks.Clear();
            _marks.Add((manifest.FlushedSequence, _log.End));
        }

        var before = _own;
        _oldLogs.RemoveAll(log => log.LastSequence <= manifest.FlushedSequence);
        _marks.RemoveRange(0, Math.Max(0, _marks.FindLastIndex(m => m.Sequence <= manifest.FlushedSequence)));
        await WriteAsync(manifest).ConfigureAwait(false);
        await ShowAsync(_own!, CancellationToken.None).ConfigureAwait(false);
        ManifestNumber = manifest.Number;
        Volatile.Write(
            ref _confirmed, isSame ? Math.Max(_confirmed, manifest.FlushedSequence) : manifest.FlushedSequence);
        await DropAsync(before).ConfigureAwait(false);
    }

    /// <summary>Writes this folder's next manifest: a state of the main's with what this folder's logs add.</summary>
    private async ValueTask WriteAsync(Manifest state)
    {
        if (_isUnsure)
        {
            // An attempt that seemed to fail may have written its number.
            _own = await _manifests.LoadLatestAsync(CancellationToken.None).ConfigureAwait(false);
        }

        _isUnsure = true;
        var from = _marks.Count > 0 && _marks[0].Sequence <= state.FlushedSequence ? _marks[0].Position : 0;
        var own = state with
        {
            Number = (_own?.Number ?? 0) + 1,
            ClosedCleanly = false,
            LogRanges = [.. _oldLogs.Select(static log => log.Range), new LogRange(_log.Incarnation, from)],
        };
        _own = await _manifests.WriteAsync(own, CancellationToken.None).ConfigureAwait(false);
        _isUnsure = false;
        _log.Release(from);
    }

    /// <summary>Deletes what the new manifest does not name.</summary>
    private async ValueTask DropAsync(Manifest? before)
    {
        var needed = _own!.Levels.SelectMany(static level => level).Select(static t => t.Id.ObjectName).ToHashSet();
        List<string> garbage = [.. _tables.Where(name => !needed.Contains(name) && !Host.IsInUse(name))];
        _tables.ExceptWith(garbage);
        garbage.AddRange(ManifestStore.Superseded(ShardId, _own.Number));
        if (garbage.Count > 0)
        {
            await Host.Objects.DeleteAsync(garbage, CancellationToken.None).ConfigureAwait(false);
        }

        var named = _own.LogRanges.Select(static range => range.Incarnation).ToHashSet();
        foreach (var range in before?.LogRanges ?? [])
        {
            if (!named.Contains(range.Incarnation))
            {
                _logs.Delete(range.Incarnation);
            }
        }
    }
}
