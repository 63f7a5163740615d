// A checkpoint of a store whose shards are owned by many nodes. None of them stops for it, and no clock is relied on:
//
// 1. From the root on, every shard is flushed by its owner, who says under which epoch it owns it. Then the shard's
//    newest manifest is read. If it is of that epoch, what the owner had acknowledged is in its tables; if not, the
//    shard has moved meanwhile, and all begins again.
// 2. A manifest names the shards that were carved out of it, and those come next. So each key is in one of the
//    manifests: what is carved out later is still in the tables that were read, and a shard that was merged in between
//    says so, and all begins again.
// 3. A pin is made, `making-{incarnation}-{n}`: a checkpoint like any other, but of what may be gone already.
// 4. The newest manifests are read again. Where one does not name all that the pin names of its shard (a compaction has
//    replaced tables meanwhile) it takes the other's place in the pin, and is looked at again. Where the shard's
//    children are others, all begins again.
// 5. When everything was named by a newest manifest after it was pinned, the checkpoint is created, and then the pin is
//    deleted.
//
// No collector can have missed all of that (GarbageCollector.cs). If it read the newest manifests before 4 did, it saw
// the tables named, for a table that is not named any more never is again. If later, it has read the checkpoints once
// more after that, and saw the pin, or, because it reads them twice, the checkpoint that came before the pin went.
//
// A crash may leave a pin. It costs space; `dmt checkpoint list` shows it, and it can be deleted like any other, while
// no checkpoint is being made.
using System.Globalization;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Checkpoints;

/// <summary>Makes checkpoints of a store that many nodes share.</summary>
/// <param name="objects">The store.</param>
/// <param name="time">The clock: stamps the checkpoint.</param>
/// <param name="scheduler">Waits between attempts.</param>
/// <param name="flush">Has a shard flushed by its owner, wherever that is; returns the owner's epoch.</param>
internal sealed class SpreadCheckpoint(
    IObjectStore objects,
    TimeProvider time,
    EngineScheduler scheduler,
    Func<uint, CancellationToken, ValueTask<ulong>> flush)
{
    private const int AttemptsMax = 8;
    private const int ShardsAtOnce = 16;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    private readonly CheckpointStore _checkpoints = new(objects);

    /// <param name="name">Its name.</param>
    /// <param name="incarnation">Of the node that makes it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DmtException">InvalidArgument for the name; Conflict when there is one of that name; NotOwner
    /// where shards go on moving; Unavailable, and what <c>flush</c> throws.</exception>
    public async ValueTask<CheckpointInfo> MakeAsync(
        string name, string incarnation, CancellationToken cancellationToken)
    {
        if (await _checkpoints.FindAsync(name, cancellationToken).ConfigureAwait(false) is not null)
        {
            throw Taken(name);
        }

        for (var attempts = 1; ; attempts++)
        {
            try
            {
                var manifests = await WalkAsync(cancellationToken).ConfigureAwait(false);
                return await CreateAsync(name, incarnation, manifests, cancellationToken).ConfigureAwait(false);
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner && attempts < AttemptsMax)
            {
                await scheduler.DelayAsync(RetryDelay * attempts, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Steps 1 and 2.</summary>
    private async ValueTask<Dictionary<uint, Manifest>> WalkAsync(CancellationToken cancellationToken)
    {
        var all = new Dictionary<uint, Manifest>();
        List<uint> level = [ShardMap.Root];
        while (level.Count > 0)
        {
            var below = new List<uint>();
            foreach (var manifest in await ReadAsync(level, FlushAndReadAsync, cancellationToken).ConfigureAwait(false))
            {
                all[manifest.Shard] = manifest;
                below.AddRange(manifest.Carved.Select(static one => one.Shard));
            }

            level = below;
        }

        return all;
    }

    /// <summary>Steps 3 to 5.</summary>
    private async ValueTask<CheckpointInfo> CreateAsync(
        string name, string incarnation, Dictionary<uint, Manifest> manifests, CancellationToken cancellationToken)
    {
        var pin = await PinAsync(incarnation, manifests.Values, cancellationToken).ConfigureAwait(false);
        try
        {
            List<uint> left = [.. manifests.Keys];
            while (left.Count > 0)
            {
                var again = await ReadAsync(left, ReadAsync, cancellationToken).ConfigureAwait(false);
                left.Clear();
                foreach (var newest in again)
                {
                    if (!HasSameChildren(newest, manifests[newest.Shard]))
                    {
                        throw HasMoved(newest.Shard);
                    }

                    if (!NamesAllOf(newest, manifests[newest.Shard]))
                    {
                        manifests[newest.Shard] = newest;
                        left.Add(newest.Shard);
                    }
                }

                if (left.Count > 0)
                {
                    pin = pin with { Manifests = [.. manifests.Values] };
                    await objects.PutAsync(pin.ObjectName, CheckpointCodec.Encode(pin), cancellationToken)
                        .ConfigureAwait(false);
                }
            }

            var checkpoint = pin with { Name = name, CreatedAt = time.GetUtcNow() };
            return await _checkpoints.TryCreateAsync(checkpoint, cancellationToken).ConfigureAwait(false)
                ? checkpoint.Info
                : throw Taken(name);
        }
        finally
        {
            await _checkpoints.DeleteAsync(pin.Name, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>A pin under a name that nobody has: this node may make several at a time.</summary>
    private async ValueTask<Checkpoint> PinAsync(
        string incarnation, IEnumerable<Manifest> manifests, CancellationToken cancellationToken)
    {
        var pin = new Checkpoint("", time.GetUtcNow(), [.. manifests]);
        for (var n = 1; ; n++)
        {
            pin = pin with { Name = string.Create(CultureInfo.InvariantCulture, $"making-{incarnation}-{n}") };
            if (await _checkpoints.TryCreateAsync(pin, cancellationToken).ConfigureAwait(false))
            {
                return pin;
            }
        }
    }

    private static async ValueTask<List<Manifest>> ReadAsync(
        IEnumerable<uint> shards,
        Func<uint, CancellationToken, Task<Manifest>> read,
        CancellationToken cancellationToken)
    {
        var all = new List<Manifest>();
        foreach (var some in shards.Chunk(ShardsAtOnce))
        {
            all.AddRange(
                await Task.WhenAll(some.Select(shard => read(shard, cancellationToken))).ConfigureAwait(false));
        }

        return all;
    }

    private async Task<Manifest> FlushAndReadAsync(uint shard, CancellationToken cancellationToken)
    {
        var epoch = await flush(shard, cancellationToken).ConfigureAwait(false);
        var newest = await ReadAsync(shard, cancellationToken).ConfigureAwait(false);
        return newest.Epoch == epoch ? newest : throw HasMoved(shard);
    }

    private async Task<Manifest> ReadAsync(uint shard, CancellationToken cancellationToken) =>
        await new ManifestStore(objects, shard).LoadLatestAsync(cancellationToken).ConfigureAwait(false)
            is { MergedInto: 0 } newest
            ? newest.WithoutLog()
            : throw HasMoved(shard);

    private static bool HasSameChildren(Manifest one, Manifest other) =>
        one.Carved.Select(static carved => carved.Shard).Order()
            .SequenceEqual(other.Carved.Select(static carved => carved.Shard).Order());

    /// <summary>What keeps the tables (see References.cs): for those that are borrowed, the pin in the other store.
    /// </summary>
    private static bool NamesAllOf(Manifest newest, Manifest pinned) =>
        HeldBy(pinned).ToHashSet().IsSubsetOf(HeldBy(newest));

    private static IEnumerable<string> HeldBy(Manifest manifest) =>
        manifest.Levels.SelectMany(static level => level).Select(static table => table.HeldBy);

    private static DmtException Taken(string name) =>
        new(DmtErrorKind.Conflict, $"there is a checkpoint \"{name}\" already");

    private static DmtException HasMoved(uint shard) =>
        new(DmtErrorKind.NotOwner, $"shard {shard} was moved, carved or merged meanwhile: try again");
}
