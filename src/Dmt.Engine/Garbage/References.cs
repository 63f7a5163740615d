// What the manifests and checkpoints of a store need. An object that is not understood is needed: only tables,
// manifests and log batches whose names parse can ever be garbage.
//
//   table       needed by the newest manifest of any shard, or by a checkpoint
//   pin         of tables that are borrowed from another store; needed as long as one of them is
//   manifest    needed while it is among the last few of its shard
//   log batch   needed by the newest manifest of any shard that replays its incarnation from there or before
//
// The fence that seals a log is a batch like others, but stays far longer (FenceAgeMin): an owner that was stalled and
// wakes up would find its number free, create it, and acknowledge a write that nobody will ever replay.
using System.Globalization;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Log;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Garbage;

internal sealed class References
{
    private readonly Dictionary<uint, Manifest> _newest;
    private readonly HashSet<string> _tables = [];
    private readonly HashSet<uint> _living;
    private readonly Dictionary<string, long> _logs = [];

    /// <param name="newest">The newest manifest of each shard.</param>
    /// <param name="owned">What this process will make its next manifests from.</param>
    /// <param name="checkpoints">All checkpoints.</param>
    /// <param name="living">The shards that there are.</param>
    public References(
        IEnumerable<Manifest> newest,
        IEnumerable<Manifest> owned,
        IEnumerable<Checkpoint> checkpoints,
        HashSet<uint> living)
    {
        _living = living;
        _newest = newest.ToDictionary(static manifest => manifest.Shard);
        var manifests = _newest.Values.Where(manifest => living.Contains(manifest.Shard)).Concat(owned)
            .Concat(checkpoints.SelectMany(static c => c.Manifests));
        foreach (var manifest in manifests)
        {
            _tables.UnionWith(
                manifest.Levels.SelectMany(static level => level).Select(static table => table.HeldBy));
            foreach (var range in manifest.LogRanges)
            {
                _logs[range.Incarnation] =
                    Math.Min(range.From, _logs.GetValueOrDefault(range.Incarnation, long.MaxValue));
            }
        }
    }

    public Manifest? Newest(uint shard) => _newest.GetValueOrDefault(shard);

    /// <summary>A table of the newest epoch of its shard: its owner may be about to name it.</summary>
    public bool MayBeNamedSoon(string name) => ShardOf(name) is { } shard && _living.Contains(shard)
        && _newest.TryGetValue(shard, out var newest) && EpochOf(name, shard) == newest.Epoch;

    /// <summary>Why nothing needs the object; null when something does, or may.</summary>
    public string? WhyUnneeded(string name)
    {
        if (Origin.PinOf(name) is not null)
        {
            return _tables.Contains(name) ? null : "no table is borrowed under it any more";
        }

        if (ShardOf(name) is { } shard)
        {
            if (!_living.Contains(shard))
            {
                return ManifestNumberOf(name, shard) is not null || EpochOf(name, shard) is not null
                    ? _tables.Contains(name) ? null : "its shard is gone"
                    : null;
            }

            if (!_newest.TryGetValue(shard, out var newest))
            {
                return null;
            }

            return ManifestNumberOf(name, shard) is { } number
                ? number <= newest.Number - ManifestStore.Kept ? $"superseded by manifest {newest.Number}" : null
                : EpochOf(name, shard) is not null && !_tables.Contains(name)
                    ? "no manifest and no checkpoint names it"
                    : null;
        }

        if (LogOf(name) is not { } batch)
        {
            return null;
        }

        return !_logs.TryGetValue(batch.Incarnation, out var from) ? "no manifest names this log"
            : batch.Number < from ? $"all of it is in tables: the log is needed from {from} on"
            : null;
    }

    /// <summary>The shard in whose folder the object lies; null for other objects.</summary>
    public static uint? ShardOf(string name)
    {
        const string Folder = "shards/";
        if (!name.StartsWith(Folder, StringComparison.Ordinal))
        {
            return null;
        }

        var rest = name.AsSpan(Folder.Length);
        var end = rest.IndexOf('/');
        return end > 0 && uint.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var shard)
            ? shard
            : null;
    }

    /// <summary>The epoch in a table's name; null for other objects.</summary>
    public static ulong? EpochOf(string name, uint shard)
    {
        var folder = TableId.Folder(shard);
        return name.StartsWith(folder, StringComparison.Ordinal)
            && name.EndsWith(TableId.Suffix, StringComparison.Ordinal)
            && name.AsSpan(folder.Length).IndexOf('-') is > 0 and var dash
            && ulong.TryParse(
                name.AsSpan(folder.Length, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? epoch
            : null;
    }

    /// <summary>Whose log a batch belongs to, and its number; null for other objects.</summary>
    public static (string Incarnation, long Number)? LogOf(string name)
    {
        var parts = name.Split('/');
        return parts is ["log", var incarnation, _]
            && ObjectLogFormat.NumberOf(name, ObjectLogFormat.Folder(incarnation)) is { } number
            ? (incarnation, number)
            : null;
    }

    private static long? ManifestNumberOf(string name, uint shard)
    {
        var folder = Manifest.Folder(shard);
        return name.StartsWith(folder, StringComparison.Ordinal) && name.Length == folder.Length + 16
            && long.TryParse(
                name.AsSpan(folder.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
    }
}
