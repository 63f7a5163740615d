// A clone of a store by reference: a second store in the same bucket, which begins with the tables of a checkpoint of
// the first without copying them. From then on they go different ways; each has its own manifests, log and owner.
//
// What keeps the tables is a pin: a checkpoint of the source, `clone-{ulid}`, that is the clone's own. The clone writes
// and deletes nothing else there. Made in this order, so that whatever fails leaves no clone or a whole one:
//
// 1. The checkpoint is read. Its tables are kept as long as it is there.
// 2. The pin is made, a copy of the checkpoint.
// 3. The checkpoint is looked for again. If it is there, no collector of the source can have missed both: it reads the
//    checkpoints twice (CheckpointStore.LoadAllAsync), and one that missed the checkpoint, because it has gone since,
//    began its second reading when the pin was there.
// 4. The tables are looked for. The checkpoint of an owner that had been taken over may name some that are gone.
// 5. The first manifest of the clone is created, if absent: now it is there. Its epoch is that of the source at the
//    checkpoint, and opening it counts on from there, so that no table of the clone has the id of a borrowed one.
// 6. The pin is looked for again: an operator may have taken it for a leftover.
//
// A crash, or a call whose outcome is not known, may leave a pin that no clone needs. It costs space; `dmt checkpoint
// list` shows it, and it can be deleted once it is an hour old and its clone does not need it.
//
// The clone's collector deletes the pin when no manifest and no checkpoint of the clone names a table under it, no
// table under it is being read, and the minimum age has passed (GarbageCollector.cs). A clone of a clone borrows tables
// of both: its pin in the second store is a checkpoint there, and so keeps the second's pin in the first.
using Dmt.Core;
using Dmt.Engine.Garbage;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Checkpoints;

/// <param name="source">The store that is, or was, cloned.</param>
/// <param name="time">The clock.</param>
internal sealed class StoreClone(IObjectStore source, TimeProvider time)
{
    /// <summary>A pin that is younger may belong to a clone that is being made.</summary>
    public static readonly TimeSpan PinAgeMin = TimeSpan.FromHours(1);

    /// <summary>Folders in which no other store may lie.</summary>
    private static readonly string[] OwnFolders =
        ["shards/", "log/", Checkpoint.Folder, ObjectStoreProbe.Folder];

    private readonly CheckpointStore _checkpoints = new(source);

    /// <summary>Makes a clone of a checkpoint.</summary>
    /// <param name="id">A ULID that nobody used before.</param>
    /// <param name="name">The checkpoint.</param>
    /// <param name="root">
    /// Where the clone begins, in the space of names that the source lies in; nothing is there.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The pin.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for the checkpoint or the place; Conflict where something is there; Corruption; Unavailable,
    /// after which the clone may be there, whole, or not.
    /// </exception>
    public async ValueTask<CheckpointInfo> CreateAsync(
        string id, string name, string root, CancellationToken cancellationToken)
    {
        var target = CheckPlace(root);
        await using var closing = target.ConfigureAwait(false);
        var checkpoint = await FindAsync(name, cancellationToken).ConfigureAwait(false);
        var state = checkpoint.Manifests.Count == 1 ? checkpoint.Manifests[0] : throw DmtException.InvalidArgument(
            $"the checkpoint \"{name}\" has {checkpoint.Manifests.Count} shards: only a store of one can be cloned");
        await ThrowIfTakenAsync(target, cancellationToken).ConfigureAwait(false);

        var pin = checkpoint with { Name = "clone-" + id, CreatedAt = time.GetUtcNow(), ClonedTo = root };
        if (!await _checkpoints.TryCreateAsync(pin, cancellationToken).ConfigureAwait(false))
        {
            throw new DmtException(DmtErrorKind.Conflict, $"there is a checkpoint \"{pin.Name}\" already");
        }

        var first = FirstManifest(state, pin, id);
        try
        {
            var again = await FindAsync(name, cancellationToken).ConfigureAwait(false);
            if (again.CreatedAt != checkpoint.CreatedAt || again.Manifests[0].Number != state.Number)
            {
                throw new DmtException(
                    DmtErrorKind.Conflict, $"the checkpoint \"{name}\" was replaced by another while it was cloned");
            }

            await ThrowIfIncompleteAsync(name, first, cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind != DmtErrorKind.Unavailable)
        {
            // Nothing refers to it yet.
            await _checkpoints.DeleteAsync(pin.Name, cancellationToken).ConfigureAwait(false);
            throw;
        }

        await WriteAsync(target, first, pin, cancellationToken).ConfigureAwait(false);
        return await _checkpoints.FindAsync(pin.Name, cancellationToken).ConfigureAwait(false) is not null
            ? pin.Info
            : throw DmtException.Unavailable(
                $"the checkpoint \"{pin.Name}\" was deleted while {target.Description} was cloned: the clone will lose "
                    + "tables; delete it and clone again");
    }

    /// <summary>Refuses to let go of a pin that a clone needs, or may be about to need.</summary>
    /// <exception cref="DmtException">
    /// Conflict; whatever reading the clone throws: then it is not known whether it needs the pin.
    /// </exception>
    public async ValueTask ThrowIfNeededAsync(Checkpoint pin, CancellationToken cancellationToken)
    {
        if (pin.ClonedTo is not { } root || source.Root is null || source.OpenSibling(root) is not { } clone)
        {
            return;
        }

        await using var closing = clone.ConfigureAwait(false);
        var name = new Origin("", PathOf(source.Root, pin.Name)).PinName;
        var needed = (await new CheckpointStore(clone).LoadAllAsync(cancellationToken).ConfigureAwait(false))
            .SelectMany(static checkpoint => checkpoint.Manifests)
            .Concat(await LoadNewestAsync(clone, cancellationToken).ConfigureAwait(false))
            .SelectMany(static manifest => manifest.Levels).SelectMany(static level => level)
            .Count(table => table.HeldBy == name);
        if (needed > 0)
        {
            throw new DmtException(
                DmtErrorKind.Conflict,
                $"the checkpoint \"{pin.Name}\" keeps tables that {clone.Description}, a clone, needs: it goes by "
                    + $"itself "
                    + "once that has replaced them");
        }

        var age = time.GetUtcNow() - pin.CreatedAt;
        if (age < PinAgeMin)
        {
            throw new DmtException(
                DmtErrorKind.Conflict,
                $"the checkpoint \"{pin.Name}\" is for {clone.Description}, which may just be being made: it can be "
                    + $"deleted in {Math.Ceiling((PinAgeMin - age).TotalMinutes)} minutes");
        }
    }

    /// <summary>The store in which the clone is made.</summary>
    private IObjectStore CheckPlace(string root)
    {
        if (source.Root is not { } here)
        {
            throw DmtException.InvalidArgument(
                $"{source.Description} cannot be cloned by reference: a store in a folder shares nothing with others; "
                    + "copy the folder while no server has it, and restore the checkpoint there");
        }

        var (from, to) = (Below(here), Below(root));
        if (from == to || OwnFolders.Any(folder =>
            to.StartsWith(from + folder, StringComparison.Ordinal)
            || from.StartsWith(to + folder, StringComparison.Ordinal)))
        {
            throw DmtException.InvalidArgument(
                $"{source.Description} cannot be cloned to \"{root}\": expected another prefix, outside of its folders "
                    + string.Join(", ", OwnFolders));
        }

        return source.OpenSibling(root)!;
    }

    private static async ValueTask ThrowIfTakenAsync(IObjectStore target, CancellationToken cancellationToken)
    {
        await foreach (var info in target.ListAsync("", null, cancellationToken).ConfigureAwait(false))
        {
            throw new DmtException(
                DmtErrorKind.Conflict,
                $"{target.Description} is not empty, it has {info.Name}: a clone is made where nothing is");
        }
    }

    private async ValueTask<Checkpoint> FindAsync(string name, CancellationToken cancellationToken) =>
        await _checkpoints.FindAsync(name, cancellationToken).ConfigureAwait(false)
        ?? throw DmtException.InvalidArgument($"there is no checkpoint \"{name}\" in {source.Description}");

    /// <summary>What the clone begins with, as if it had been closed cleanly.</summary>
    private Manifest FirstManifest(Manifest state, Checkpoint pin, string incarnation)
    {
        var path = PathOf(source.Root!, pin.Name);
        var levels = state.Levels
            .Select(level => level
                .Select(table => table with { Origin = new Origin(table.Origin?.Root ?? source.Root!, path) })
                .ToArray())
            .ToArray();
        return state with
        {
            Number = 1,
            Incarnation = incarnation,
            ClosedCleanly = true,
            LogRanges = [],
            Levels = levels,
            Origins = [.. levels.SelectMany(static level => level).Select(static table => table.Origin!).Distinct()],
        };
    }

    /// <exception cref="DmtException">Corruption, naming a table that is not there.</exception>
    private async ValueTask ThrowIfIncompleteAsync(
        string checkpoint, Manifest manifest, CancellationToken cancellationToken)
    {
        var tables = manifest.Levels.SelectMany(static level => level);
        foreach (var group in tables.GroupBy(static table => (table.Origin!.Root, table.Id.Shard)))
        {
            var missing = group.ToDictionary(static table => table.Id.ObjectName);
            var store = source.OpenSibling(group.Key.Root)!;
            await using var closing = store.ConfigureAwait(false);
            var listing = store.ListAsync(TableId.Folder(group.Key.Shard), null, cancellationToken);
            await foreach (var info in listing.ConfigureAwait(false))
            {
                if (missing.TryGetValue(info.Name, out var table) && table.Length == info.Length)
                {
                    missing.Remove(info.Name);
                }
            }

            if (missing.Count > 0)
            {
                throw DmtException.Corruption(
                    missing.Values.First().Name, 0, $"the checkpoint \"{checkpoint}\" names it, and it is not there");
            }
        }
    }

    private async ValueTask WriteAsync(
        IObjectStore target, Manifest first, Checkpoint pin, CancellationToken cancellationToken)
    {
        var manifests = new ManifestStore(target, first.Shard);
        try
        {
            await manifests.WriteAsync(first, cancellationToken).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced)
        {
            // Another's manifest is there: of somebody who has opened the clone at once, or of another store.
            var latest = await manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false);
            var path = PathOf(source.Root!, pin.Name);
            if (latest is null || latest.Origins.All(origin => origin.Pin != path))
            {
                await _checkpoints.DeleteAsync(pin.Name, cancellationToken).ConfigureAwait(false);
                throw new DmtException(
                    DmtErrorKind.Conflict, $"another process has made a store at {target.Description} meanwhile", e);
            }
        }
    }

    private static async ValueTask<List<Manifest>> LoadNewestAsync(
        IObjectStore objects, CancellationToken cancellationToken)
    {
        SortedSet<uint> shards = [];
        await foreach (var info in objects.ListAsync("shards/", null, cancellationToken).ConfigureAwait(false))
        {
            if (References.ShardOf(info.Name) is { } shard)
            {
                shards.Add(shard);
            }
        }

        List<Manifest> newest = [];
        foreach (var shard in shards)
        {
            var manifests = new ManifestStore(objects, shard);
            if (await manifests.LoadLatestAsync(cancellationToken).ConfigureAwait(false) is { } manifest)
            {
                newest.Add(manifest);
            }
        }

        return newest;
    }

    private static string Below(string root) => root.Length == 0 ? "" : root + "/";

    private static string PathOf(string root, string checkpoint) => Below(root) + Checkpoint.NameOf(checkpoint);
}
