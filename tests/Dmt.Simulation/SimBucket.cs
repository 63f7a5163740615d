using System.Globalization;
using Dmt.Core;
using Dmt.Core.Hashing;
using Dmt.Core.Sharding;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;

namespace Dmt.Simulation;

/// <summary>
/// The store that all nodes share. Each method is the effect of a request, at one moment; it also sees to it that the
/// rules are kept that hold for the objects themselves.
/// </summary>
/// <param name="world">Where violations go.</param>
/// <param name="switches">What it breaks on purpose.</param>
/// <param name="forbidsStaleReads">Objects are deleted so late that not even who was taken over may miss one; null
/// where it is not known here who owns what.</param>
internal sealed class SimBucket(SimWorld world, SimSwitches switches, bool? forbidsStaleReads)
{
    private readonly SortedDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _createdAt = [];
    private readonly HashSet<string> _deleted = [];
    private readonly HashSet<string> _deletedFences = [];
    private readonly Dictionary<string, long> _fencedAt = [];
    private readonly Dictionary<string, HashSet<string>> _checkpoints = []; // by name, the tables it keeps
    private readonly Dictionary<uint, Manifest> _latest = [];

    /// <summary>Told of every manifest that is there now, and of the one before it.</summary>
    public Action<Manifest?, Manifest>? ManifestWritten { get; set; }

    /// <summary>Told of every version of the shard map, and of the one before it.</summary>
    public Action<ShardMap, ShardMap>? MapWritten { get; set; }

    /// <summary>The newest version of the shard map.</summary>
    public ShardMap Map { get; private set; } = ShardMap.Initial;

    /// <summary>The newest manifests of all shards that the root's leads to.</summary>
    public IEnumerable<Manifest> Living
    {
        get
        {
            var left = new Stack<uint>([ShardMap.Root]);
            while (left.TryPop(out var shard))
            {
                if (_latest.TryGetValue(shard, out var manifest))
                {
                    yield return manifest;
                    manifest.Carved.ToList().ForEach(one => left.Push(one.Shard));
                }
            }
        }
    }

    /// <summary>Reads of deleted objects by nodes that had been taken over.</summary>
    public int StaleReads { get; private set; }

    /// <summary>When the log of an incarnation was sealed; the end of time if it has none.</summary>
    public long FencedAt(string incarnation) => _fencedAt.GetValueOrDefault(incarnation, long.MaxValue);

    /// <summary>The newest manifest of a shard; null where there is none.</summary>
    public Manifest? Latest(uint shard) => _latest.GetValueOrDefault(shard);

    /// <summary>It owns the root, which in a store that one process opens is to own it.</summary>
    public bool IsOwner(SimProcess node) =>
        node.Log is { } log && Latest(ShardMap.Root)?.Incarnation == log.Incarnation;

    /// <summary>A checkpoint was acknowledged: its tables are there, and stay.</summary>
    public void NoteCheckpoint(string name)
    {
        var objectName = Checkpoint.NameOf(name);
        var checkpoint = CheckpointCodec.Decode(_objects[objectName], objectName);
        var tables = checkpoint.Manifests.SelectMany(static manifest => manifest.Levels)
            .SelectMany(static level => level).Select(static table => table.Id.ObjectName).ToHashSet();
        _checkpoints[name] = tables;
        if (tables.FirstOrDefault(table => !_objects.ContainsKey(table)) is { } missing)
        {
            world.Fail($"the checkpoint {name} names {missing}, which is not there");
        }
    }

    /// <summary>Somebody is about to delete one; null where there is none.</summary>
    public string? ForgetCheckpoint(Random random)
    {
        var name = _checkpoints.Keys.Order(StringComparer.Ordinal).ElementAtOrDefault(random.Next(4));
        _checkpoints.Remove(name ?? "");
        return name;
    }

    public byte[]? Get(string name) => _objects.GetValueOrDefault(name);

    public byte[] Read(SimProcess node, string name, long offset, int length)
    {
        if (!_objects.TryGetValue(name, out var content))
        {
            if (_deleted.Contains(name) && forbidsStaleReads is { } always && (always || IsOwner(node)))
            {
                world.Fail($"node {node.Number} reads {name}, which was deleted");
            }

            StaleReads++;
            throw DmtException.Corruption(name, offset, "the object is missing");
        }

        return offset + length <= content.Length
            ? content.AsSpan((int)offset, length).ToArray()
            : throw DmtException.Corruption(name, offset, $"{length} bytes expected, it ends at {content.Length}");
    }

    public bool TryCreate(string name, byte[] content)
    {
        var isManifest = name.Contains("/manifest/", StringComparison.Ordinal);
        var manifest = isManifest ? ManifestCodec.Decode(content, name) : null;
        if (_objects.ContainsKey(name)
            && !(manifest is not null && switches.HasFlag(SimSwitches.OverwriteManifests)))
        {
            return false;
        }

        if (manifest is { Shard: > ShardMap.Root, Number: 2, Epoch: 1, ClosedCleanly: true }
            && switches.HasFlag(SimSwitches.LeaveChildrenOpen))
        {
            return true;
        }

        _objects[name] = content;
        _createdAt[name] = Now;
        if (manifest is not null)
        {
            NoteManifest(manifest);
        }
        else if (name.StartsWith(ShardMap.Folder, StringComparison.Ordinal))
        {
            NoteMap(ShardMapCodec.Decode(content.AsSpan(..^sizeof(uint)), name));
        }
        else if (name.StartsWith("log/", StringComparison.Ordinal))
        {
            NoteSeal(name.Split('/')[1]);
        }

        return true;
    }

    /// <summary>
    /// A log is sealed once a fence follows its batches without a gap: one that was planted ahead of a busy owner only
    /// stops it, and the numbers below may still be its own. One in the place of a batch that was deleted is no seal:
    /// it is behind where the owner writes, and stands for a shard that has nothing there.
    /// </summary>
    private void NoteSeal(string incarnation)
    {
        for (var number = 0L; ; number++)
        {
            var name = ObjectLogFormat.NameOf(incarnation, number);
            if (_deleted.Contains(name) && !_deletedFences.Contains(name))
            {
                continue;
            }

            if (!_objects.TryGetValue(name, out var batch))
            {
                return;
            }

            if (ObjectLogFormat.ReadHeader(batch, name).Kind == ObjectBatchKind.Fence)
            {
                _fencedAt.TryAdd(incarnation, world.Now);
                return;
            }
        }
    }

    public bool Put(string name, byte[] content)
    {
        if (_objects.TryGetValue(name, out var before) && !before.AsSpan().SequenceEqual(content))
        {
            world.Fail($"{name} was overwritten");
        }

        _objects[name] = content;
        _createdAt[name] = Now;
        return true;
    }

    public bool Delete(IEnumerable<string> names)
    {
        var living = Living.ToList();
        var needed = living.SelectMany(TablesOf).Concat(living.Select(static one => one.ObjectName)).ToHashSet();
        foreach (var name in names)
        {
            if (needed.Contains(name) || IsLogThatIsNeeded(living, name))
            {
                world.Fail($"{name} was deleted, which a newest manifest needs");
            }

            if (_checkpoints.FirstOrDefault(pair => pair.Value.Contains(name)).Key is { } checkpoint)
            {
                world.Fail($"{name} was deleted, which the checkpoint {checkpoint} needs");
            }

            if (_objects.Remove(name, out var content))
            {
                _deleted.Add(name);
                NoteFenceDeleted(name, content);
            }
        }

        return true;
    }

    public List<ObjectInfo> List(string prefix, string? startAfter, int limit) =>
    [
        .. _objects
            .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)
                && (startAfter is null || string.CompareOrdinal(pair.Key, startAfter) > 0))
            .Take(limit)
            .Select(pair => new ObjectInfo(pair.Key, pair.Value.Length, _createdAt[pair.Key])),
    ];

    /// <summary>Notes everything in it, for the hash of the end state.</summary>
    public void NoteContents()
    {
        foreach (var (name, content) in _objects)
        {
            world.Note(string.Create(
                CultureInfo.InvariantCulture, $"{name} {content.Length} {XxHash64.Compute(content)}"));
        }
    }

    private DateTimeOffset Now => SimTime.Beginning + new TimeSpan(world.Now);

    /// <summary>A manifest has it replayed, and it has records of that shard. A node that failed to open a shard has
    /// its log named as well, where nothing of the shard is.</summary>
    private bool IsLogThatIsNeeded(List<Manifest> living, string name)
    {
        if (name.Split('/') is not ["log", var incarnation, var number] || !_objects.TryGetValue(name, out var batch)
            || ObjectLogFormat.ReadHeader(batch, name).Kind == ObjectBatchKind.Fence)
        {
            return false;
        }

        var sections = ObjectLogFormat.ReadFooter(batch, batch.Length, name);
        return living.Exists(manifest => sections.Exists(section => section.Shard == manifest.Shard
                && section.LastSequence > manifest.FlushedSequence)
            && manifest.LogRanges.Any(range => range.Incarnation == incarnation
                && long.Parse(number, CultureInfo.InvariantCulture) >= range.From));
    }

    /// <summary>After a month, when who lives must have noticed: what has no shard may begin its log anew.</summary>
    private void NoteFenceDeleted(string name, byte[] content)
    {
        if (name.Split('/') is ["log", var incarnation, _]
            && ObjectLogFormat.ReadHeader(content, name).Kind == ObjectBatchKind.Fence)
        {
            _fencedAt.Remove(incarnation);
            _deletedFences.Add(name);
        }
    }

    private static IEnumerable<string> TablesOf(Manifest manifest) =>
        manifest.Levels.SelectMany(static level => level).Select(static table => table.Id.ObjectName);

    private void NoteManifest(Manifest manifest)
    {
        var latest = Latest(manifest.Shard);
        if (latest is not null && latest.Number > manifest.Number)
        {
            return; // A latecomer that made an old number again: nobody may go by it.
        }

        _latest[manifest.Shard] = manifest;
        foreach (var living in Living.Where(one => one == manifest || manifest.Carved.Any(c => c.Shard == one.Shard)))
        {
            if (TablesOf(living).FirstOrDefault(name => !_objects.ContainsKey(name)) is { } missing)
            {
                world.Fail($"{living.ObjectName} names {missing}, which is not there");
            }
        }

        ManifestWritten?.Invoke(latest, manifest);
    }

    private void NoteMap(ShardMap map)
    {
        if (map.Version > Map.Version)
        {
            var before = Map;
            Map = map;
            MapWritten?.Invoke(before, map);
        }
    }
}
