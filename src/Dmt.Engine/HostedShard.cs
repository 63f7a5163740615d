using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <summary>
/// A shard that this process owns. Keys that it does not own are refused with NotOwner, before anything is done: look
/// into the map again. Safe for concurrent use. Disposing it flushes and closes it cleanly, so that its next owner
/// neither fences nor replays.
/// </summary>
public sealed partial class HostedShard : IAsyncDisposable
{
    private readonly ShardHost _host;
    private readonly Shard _shard;
    private readonly MapStore _maps;
    private readonly UndurableWrites _undurable;
    private readonly OwnerLease _lease;
    private int _disposed;

    internal HostedShard(ShardHost host, Shard shard, MapStore maps)
    {
        (_host, _shard, _maps, _undurable) = (host, shard, maps, shard.NoteUndurable());
        _lease = host.Lease ?? throw new InvalidOperationException("shards that may move need a lease");
    }

    public uint Id => _shard.Id;

    /// <summary>Counts the openings of the shard for writing.</summary>
    public ulong Epoch => _shard.Epoch;

    /// <summary>What all its keys begin with.</summary>
    public ReadOnlyMemory<byte> Prefix => _shard.Prefix;

    /// <summary>Completes, with how it is known, when it is known that another process has taken over.</summary>
    public Task<string> WhenFenced => _host.Log.Fence.Known;

    /// <summary>Everything that it holds is in tables, nothing in the log only.</summary>
    public bool IsFlushed => _shard.ActiveBytes == 0;

    /// <inheritdoc cref="ITrieStore.GetAsync"/>
    /// <remarks>Where a strict write of the key is on its way, it is waited for: see <see cref="UndurableWrites"/>.
    /// That nobody has taken the shard over is known, or asked for: see <see cref="OwnerLease"/>.</remarks>
    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        try
        {
            var reading = _shard.GetAsync(key, null, cancellationToken);
            if (!reading.IsCompletedSuccessfully)
            {
                return FinishGetAsync(reading, key, cancellationToken);
            }

            var waiting = _undurable.WaitAsync(key.Span, cancellationToken);
            if (!waiting.IsCompletedSuccessfully)
            {
                return FinishGetAsync(reading.Result, waiting, cancellationToken);
            }

            var holding = _lease.HoldAsync(cancellationToken);
            return holding.IsCompletedSuccessfully ? reading : AfterAsync(holding, reading.Result);
        }
        catch (DmtException e) when (IsClosing(e))
        {
            throw Moved(e);
        }
    }

    /// <inheritdoc cref="ITrieStore.PutAsync"/>
    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default) =>
        GuardAsync(_shard.PutAsync, key, value, options, cancellationToken);

    /// <inheritdoc cref="ITrieStore.DeleteAsync"/>
    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        GuardAsync(
            (k, _, o, stop) => _shard.DeleteAsync(k, o, stop), key, default, options, cancellationToken);

    /// <summary>Applies all operations, or none: the keys of all must be the shard's.</summary>
    /// <inheritdoc cref="ITrieStore.WriteAsync"/>
    public async ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        try
        {
            var version = await _shard.WriteAsync(batch, durability, cancellationToken).ConfigureAwait(false);
            await _lease.HoldAsync(cancellationToken).ConfigureAwait(false);
            return version;
        }
        catch (DmtException e) when (IsClosing(e))
        {
            throw Moved(e);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
        {
            await WaitAllAsync(cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>One page of a range that is the shard's as a whole.</summary>
    /// <inheritdoc cref="ITrieStore.ScanAsync"/>
    public async ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        request.Validate();
        var page = new PageBuilder(request);
        using var scan = OpenScan(request.RangeLeft, request.Reverse);
        var more = false;
        while (!more && await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            if (page.IsFull)
            {
                more = true;
            }
            else
            {
                page.Add(scan.Current);
            }
        }

        await WaitAllAsync(cancellationToken).ConfigureAwait(false);
        return page.Build(more);
    }

    /// <summary>The number of keys in a range that is the shard's as a whole, in one snapshot.</summary>
    /// <inheritdoc cref="ITrieStore.CountAsync"/>
    public async ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        using var scan = OpenScan(range, reverse: false);
        long count = 0;
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            count++;
        }

        await WaitAllAsync(cancellationToken).ConfigureAwait(false);
        return count;
    }

    /// <summary>Returns once everything acknowledged so far, by all shards of the node, is durable.</summary>
    public ValueTask SyncAsync(CancellationToken cancellationToken = default) => _shard.SyncAsync(cancellationToken);

    /// <summary>Writes what is in memory into tables.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await _shard.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (IsClosing(e))
        {
            throw Moved(e);
        }
    }

    /// <summary>What it holds and does, for those who decide about carves and merges.</summary>
    public HostedShardStatistics Describe()
    {
        var (tables, memtableBytes, memtableEntries) = _shard.Describe();
        var infos = tables.Levels.SelectMany(static level => level).Select(static table => table.Info).ToList();
        return new HostedShardStatistics
        {
            DataBytes = _shard.DataBytes,
            DataBytesMost = _shard.DataBytesMost,
            MemtableBytes = memtableBytes,
            TableBytes = infos.Sum(static info => info.Bytes),
            EntriesMax = memtableEntries + infos.Sum(static info => info.Entries),
            LastSequence = _shard.LastSequence,
            Epoch = _shard.Epoch,
            Incarnation = _host.Log.Incarnation,
            UserBytesWritten = _shard.UserBytesWritten,
            Problem = _shard.Problem ?? _shard.BackgroundProblem,
            OperationsPerSecond = _shard.Load.PerSecond,
            IsHot = _shard.Load.IsHot,
            CoolFor = _shard.Load.CoolFor,
        };
    }

    /// <summary>Prefixes at which a carve would balance the shard best; none where it has no good ones.</summary>
    public IReadOnlyList<byte[]> PickCarve() =>
        CarvePicker.Pick(_shard.Prefix, _shard.OwnedRanges, ShardBalancer.SamplesOf(_shard.Describe().Tables));

    /// <summary>Prefixes at which a carve would balance its load best, as far as <see
    /// cref="EngineOptions.ShardLoadMax"/> has it counted; none where one key has most of it.</summary>
    public IReadOnlyList<byte[]> PickCarveByLoad() =>
        CarvePicker.Pick(_shard.Prefix, _shard.OwnedRanges, _shard.Load.Keys());

    /// <summary>
    /// Makes the keys under the prefixes shards of their own, which nobody has open: by their numbers they can be
    /// opened anywhere. The map is up to date when this returns.
    /// </summary>
    /// <param name="prefixes">At least one, all the shard's, none under another.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    /// <returns>The map that has them.</returns>
    /// <exception cref="DmtException">InvalidArgument; NotOwner; Fenced; Unavailable; Closed.</exception>
    public async ValueTask<ShardMap> CarveAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken = default)
    {
        ShardPrefixes.Validate(prefixes);
        using (await _host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false))
        {
            uint first = 0;
            await _maps.UpdateAsync(map => map.Reserve(prefixes.Count, out first), cancellationToken)
                .ConfigureAwait(false);
            CarvedShard[] parts =
                [.. prefixes.Select((prefix, i) => new CarvedShard(first + (uint)i, prefix.ToArray()))];
            var children = await _shard.CarveAsync(parts, Adopt, cancellationToken).ConfigureAwait(false);

            // Closed before anybody can find them: who opens one must not meet this node as its owner.
            foreach (var child in children)
            {
                await _host.ReleaseAsync(child).ConfigureAwait(false);
            }

            _shard.Load.Restart();
        }

        return await AgreeAsync(CancellationToken.None).ConfigureAwait(false);

        void Adopt(IReadOnlyList<Shard> children)
        {
            foreach (var child in children)
            {
                _host.Adopt(child);
            }
        }
    }

    /// <summary>
    /// The first half of a merge: the shard has no keys any more, and its parent, wherever it is open, is to absorb it.
    /// </summary>
    /// <param name="parent">The shard above it in the map.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    /// <exception cref="DmtException">InvalidArgument for the root; Fenced; Unavailable; Closed.</exception>
    public async ValueTask GiveUpAsync(uint parent, CancellationToken cancellationToken = default)
    {
        using var kept = await _host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        await _shard.GiveUpAsync(parent, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The second half of a merge: takes over what gave itself up to this shard. Does nothing where that is done.
    /// </summary>
    /// <param name="child">The shard that gave up.</param>
    /// <param name="cancellationToken">Gives up, before the commit.</param>
    /// <returns>Null when it is done; or the shard that was carved out between the two meanwhile, which is to absorb
    /// it.
    /// </returns>
    /// <exception cref="DmtException">InvalidArgument where the shard did not give up; Fenced; Unavailable.</exception>
    public async ValueTask<uint?> AbsorbAsync(uint child, CancellationToken cancellationToken = default)
    {
        using var kept = await _host.Collector.Exclusive.AcquireAsync(cancellationToken).ConfigureAwait(false);
        var last = await new ManifestStore(_host.Objects, child).LoadLatestAsync(cancellationToken)
            .ConfigureAwait(false);
        if (last is not { MergedInto: > 0 })
        {
            throw DmtException.InvalidArgument($"shard {child} has not been merged: there is nothing to absorb");
        }

        var carved = _shard.Carved;
        if (carved.All(one => one.Shard != child)
            && carved.FirstOrDefault(one => last.Prefix.AsSpan().StartsWith(one.Prefix)) is { } between)
        {
            return between.Shard;
        }

        await _shard.AbsorbAsync(last, static () => { }, cancellationToken).ConfigureAwait(false);
        if (carved.All(one => one.Shard != child))
        {
            // Only the owner can say that it is done: to one from before the carve it looks the same.
            await _shard.ThrowIfTakenOverAsync(cancellationToken).ConfigureAwait(false);
        }

        // What was carved out of the child is this one's now, and the map may never have been told of it.
        await UpdateMapAsync(
            map => MapAgreement.Of(MapAgreement.Without(map, child), _shard.Id, _shard.Carved), CancellationToken.None)
            .ConfigureAwait(false);
        return null;
    }

    /// <summary>
    /// Sees to it that the map has what was carved out of the shard, and nothing else, below it: whoever carved before
    /// may not have come to say so.
    /// </summary>
    /// <returns>The map.</returns>
    /// <exception cref="DmtException">Fenced where another process has taken the shard over, and the map is not what
    /// this one thinks; Unavailable.</exception>
    public ValueTask<ShardMap> AgreeAsync(CancellationToken cancellationToken = default) =>
        UpdateMapAsync(map => MapAgreement.Of(map, _shard.Id, _shard.Carved), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _host.ReleaseAsync(_shard).ConfigureAwait(false);
        }
    }

    /// <summary>What somebody who was taken over knows of the shard's children is old.</summary>
    private ValueTask<ShardMap> UpdateMapAsync(
        Func<ShardMap, ShardMap> change, CancellationToken cancellationToken) =>
        _maps.UpdateAsync(change, cancellationToken, _shard.ThrowIfTakenOverAsync);

    private ShardScan OpenScan(KeyRange range, bool reverse)
    {
        try
        {
            return _shard.OpenScanUnchecked(range, reverse, null);
        }
        catch (DmtException e) when (IsClosing(e))
        {
            throw Moved(e);
        }
    }

    private async ValueTask<ulong> GuardAsync(
        Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, WriteOptions, CancellationToken, ValueTask<ulong>> write,
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options,
        CancellationToken cancellationToken)
    {
        try
        {
            var version = await write(key, value, options, cancellationToken).ConfigureAwait(false);
            await _lease.HoldAsync(cancellationToken).ConfigureAwait(false);
            return version;
        }
        catch (DmtException e) when (IsClosing(e))
        {
            throw Moved(e);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
        {
            // What does not hold must not be something that may be lost either.
            await _undurable.WaitAsync(key.Span, cancellationToken).ConfigureAwait(false);
            await _lease.HoldAsync(cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<Entry?> FinishGetAsync(
        ValueTask<Entry?> reading, ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        var entry = await reading.ConfigureAwait(false);
        await _undurable.WaitAsync(key.Span, cancellationToken).ConfigureAwait(false);
        await _lease.HoldAsync(cancellationToken).ConfigureAwait(false);
        return entry;
    }

    private async ValueTask<Entry?> FinishGetAsync(
        Entry? entry, ValueTask waiting, CancellationToken cancellationToken)
    {
        await waiting.ConfigureAwait(false);
        await _lease.HoldAsync(cancellationToken).ConfigureAwait(false);
        return entry;
    }

    private static async ValueTask<Entry?> AfterAsync(ValueTask holding, Entry? entry)
    {
        await holding.ConfigureAwait(false);
        return entry;
    }

    /// <summary>Completes when what was read of any key may be told.</summary>
    private async ValueTask WaitAllAsync(CancellationToken cancellationToken)
    {
        await _undurable.WaitAllAsync(cancellationToken).ConfigureAwait(false);
        await _lease.HoldAsync(cancellationToken).ConfigureAwait(false);
    }

    private bool IsClosing(DmtException error) => error.Kind == DmtErrorKind.Closed && _shard.IsRetired;

    private DmtException Moved(DmtException closed) => new(
        DmtErrorKind.NotOwner, $"shard {Id} was closed here: look for its owner again", closed);
}

/// <summary>What a hosted shard holds. Sizes in bytes.</summary>
public sealed record HostedShardStatistics
{
    /// <summary>Data in tables; of a table that it shares with other shards about its own part.</summary>
    public long DataBytes { get; init; }

    /// <summary>The most that <see cref="DataBytes"/> was since the opening.</summary>
    public long DataBytesMost { get; init; }

    public long MemtableBytes { get; init; }

    /// <summary>Tables as they lie in the store.</summary>
    public long TableBytes { get; init; }

    /// <summary>Entries in tables and memory, overwritten ones included; after a carve or a merge an
    /// estimate.</summary>
    public long EntriesMax { get; init; }

    public ulong LastSequence { get; init; }

    public ulong Epoch { get; init; }

    public required string Incarnation { get; init; }

    /// <summary>Keys, values and metadata written since the opening.</summary>
    public long UserBytesWritten { get; init; }

    /// <summary>What keeps it from working as it should; null when all is well.</summary>
    public string? Problem { get; init; }

    /// <summary>Reads, writes and scans a second during the last 10 to 20 seconds, from samples.</summary>
    public double OperationsPerSecond { get; init; }

    /// <summary>In the last whole 10 seconds there were more than <see cref="EngineOptions.ShardLoadMax"/>.</summary>
    public bool IsHot { get; init; }

    /// <summary>For so long there were less than an eighth of that.</summary>
    public TimeSpan CoolFor { get; init; }
}
