// What must hold of shards, whoever opens them where:
//   - who opens a shard has a prefix of what its predecessor had, with all that was ever acknowledged as durable;
//   - a shard that was closed, and one that has given itself up, has left all that it acknowledged in its tables;
//   - what is carved begins with all that was under its prefix, and nothing is written under it before or after by the
//     shard that it was carved out of;
//   - what was merged is in one shard again, with everything that it had;
//   - an epoch has one owner, a shard one parent, and none is dropped;
//   - a version of the map neither names what is not there nor leaves out what was named and is there.
// Manifests tell what was carved and merged, the log what was written; the book keeps what it amounts to.
using System.Text;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine;
using Dmt.Engine.Manifests;

namespace Dmt.Simulation.Shards;

internal sealed class ShardBook
{
    private readonly SimWorld _world;
    private readonly SimBucket _bucket;
    private readonly SimCounts _counts;
    private readonly List<ShardOwner> _owners = [];
    private readonly Dictionary<uint, SimHistory> _born = []; // what shards were carved with
    private readonly Dictionary<uint, (Manifest Manifest, ShardOwner Owner)> _merged = [];
    private readonly HashSet<string> _written = []; // values, each of one write

    public ShardBook(SimWorld world, SimBucket bucket, SimCounts counts)
    {
        (_world, _bucket, _counts) = (world, bucket, counts);
        bucket.ManifestWritten = NoteManifest;
        bucket.MapWritten = NoteMap;
    }

    public bool HasWritten(string value) => _written.Contains(value);

    /// <summary>Nobody has opened the shard after this owner.</summary>
    public bool IsNewest(ShardOwner owner) =>
        !_owners.Exists(other => other.Shard == owner.Shard && other.Epoch > owner.Epoch);

    /// <summary>A shard was opened: what it recovered is what it must have.</summary>
    public ShardOwner NoteOpened(ShardSimNode node, HostedShard shard)
    {
        var recovered = shard.Describe().LastSequence;
        var earlier = _owners.FindAll(other => other.Shard == shard.Id);
        if (earlier.Find(other => other.Epoch == shard.Epoch) is { } twin)
        {
            _world.Fail($"epoch {shard.Epoch} of shard {shard.Id} has two owners: nodes {twin.Node.Number} and "
                + $"{node.Number}");
        }

        earlier.RemoveAll(other => other.Epoch > shard.Epoch);
        foreach (var before in earlier.Where(before => Math.Max(before.Durable, before.Recovered) > recovered))
        {
            _world.Fail($"node {node.Number} recovered shard {shard.Id} up to {recovered}: node {before.Node.Number} "
                + $"had recovered up to {before.Recovered} and acknowledged up to {before.Durable}");
        }

        var history = earlier.MaxBy(static other => other.Epoch)?.History
            ?? _born.GetValueOrDefault(shard.Id, SimHistory.Empty);
        if (recovered > history.Last)
        {
            _world.Fail(
                $"node {node.Number} recovered shard {shard.Id} up to {recovered}: there is up to {history.Last}");
        }

        // One of an earlier epoch was taken over while it opened, and does not know: its log is sealed.
        if (_merged.TryGetValue(shard.Id, out var merged) && merged.Manifest.Epoch < shard.Epoch)
        {
            _world.Fail($"node {node.Number} opened shard {shard.Id}, which was merged");
        }

        var owner = new ShardOwner(node, shard.Id, shard.Epoch, Text(shard.Prefix.Span), history.Prefix(recovered))
        {
            Incarnation = shard.Describe().Incarnation,
        };
        _bucket.Latest(shard.Id)!.Carved.ToList().ForEach(one => owner.Carved.Add(Text(one.Prefix)));
        _owners.Add(owner);
        return owner;
    }

    public void NoteAppend(ShardSimNode node, uint shard, ulong epoch, ulong sequence, in WriteOperation operation)
    {
        var owner = Find(shard, epoch);
        var key = Text(operation.Key);
        if (owner is null || owner.Node != node || sequence != owner.History.Last + 1)
        {
            _world.Fail(
                $"node {node.Number} logs {sequence} of shard {shard}, epoch {epoch}, after {owner?.History.Last}");
            return;
        }

        if (owner.IsMerged || !owner.Owns(key))
        {
            _world.Fail($"node {node.Number} logs {key} in shard {shard}, which does not own it any more");
        }

        if (operation.Kind == WriteOperationKind.Put)
        {
            _written.Add(Text(operation.Value));
        }

        if (owner.History.Add(operation) is { } wrong)
        {
            _world.Fail($"node {node.Number}, shard {shard}: {wrong}");
        }
    }

    /// <summary>Everything up to a sequence number was acknowledged as durable.</summary>
    /// <param name="owner">By whom.</param>
    /// <param name="sequence">The last one.</param>
    /// <param name="began">When the call began.</param>
    /// <param name="byLog">It lies in the log; otherwise it may lie in tables.</param>
    public void NoteDurable(ShardOwner owner, ulong sequence, long began, bool byLog)
    {
        _counts.StrictAcknowledged++;
        owner.Durable = Math.Max(owner.Durable, sequence);
        if (byLog && sequence > owner.Recovered && began > _bucket.FencedAt(owner.Incarnation))
        {
            _world.Fail($"node {owner.Node.Number} acknowledged {sequence} of shard {owner.Shard}, which it began "
                + "after its log was sealed");
        }

        var lacking = _owners.Find(other =>
            other.Shard == owner.Shard && other.Epoch > owner.Epoch && other.Recovered < sequence);
        if (lacking is not null)
        {
            _world.Fail($"node {owner.Node.Number} acknowledged {sequence} of shard {owner.Shard} as durable: node "
                + $"{lacking.Node.Number}, which has taken over, recovered up to {lacking.Recovered}");
        }

        if (_merged.TryGetValue(owner.Shard, out var last) && last.Manifest.FlushedSequence < sequence)
        {
            _world.Fail($"node {owner.Node.Number} acknowledged {sequence} of shard {owner.Shard} as durable: it was "
                + $"merged with up to {last.Manifest.FlushedSequence}");
        }
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes);

    private ShardOwner? Find(uint shard, ulong epoch) =>
        _owners.FindLast(other => other.Shard == shard && other.Epoch == epoch);

    private void NoteManifest(Manifest? before, Manifest now)
    {
        var owner = Find(now.Shard, now.Epoch);
        var what = $"{now.ObjectName}, epoch {now.Epoch}";
        if (before is not null && !now.IsOf(before) && now.Epoch != before.Epoch + 1)
        {
            _world.Fail($"{what} follows epoch {before.Epoch}");
        }

        if (before is { MergedInto: > 0 } && !(now.IsOf(before) && now.MergedInto == before.MergedInto))
        {
            _world.Fail($"{what} follows the last manifest of a shard that was merged");
        }

        if (now.ClosedCleanly && owner is not null && now.FlushedSequence != owner.History.Last)
        {
            _world.Fail($"{what} closes the shard with up to {now.FlushedSequence} in tables: it has up to "
                + $"{owner.History.Last}");
        }

        if (now.MergedInto > 0)
        {
            if (owner is null)
            {
                _world.Fail($"{what} gives up a shard that nobody has opened");
                return;
            }

            owner.IsMerged = true;
            _merged.TryAdd(now.Shard, (now, owner));
        }

        if (before is not null)
        {
            NoteMerged(owner, before, now, what);
            NoteCarved(owner, before, now, what);
        }

        CheckParents();
    }

    private void NoteCarved(ShardOwner? owner, Manifest before, Manifest now, string what)
    {
        foreach (var part in now.Carved.Where(one => !Has(before, one.Shard) && !_born.ContainsKey(one.Shard)))
        {
            var prefix = Text(part.Prefix);
            if (owner is null || _bucket.Latest(part.Shard) is not { } child || Text(child.Prefix) != prefix)
            {
                _world.Fail($"{what} names shard {part.Shard}, which has no manifest with its prefix");
                continue;
            }

            var entries = owner.History.Under(prefix);
            if (!owner.History.Prefix(child.FlushedSequence).Under(prefix).SequenceEqual(entries))
            {
                _world.Fail(
                    $"{what} carves shard {part.Shard} with up to {child.FlushedSequence}: later writes are lost");
            }

            _counts.Carves++;
            _born[part.Shard] = SimHistory.Of(entries, child.FlushedSequence);
            owner.History.Carve(prefix);
            owner.Carved.Add(prefix);
        }
    }

    private void NoteMerged(ShardOwner? owner, Manifest before, Manifest now, string what)
    {
        foreach (var gone in before.Carved.Where(one => !Has(now, one.Shard)))
        {
            var between = now.Carved.FirstOrDefault(one => !Has(before, one.Shard)
                && _bucket.Latest(one.Shard) is { } child && Has(child, gone.Shard));
            if (between is not null)
            {
                owner?.Carved.Remove(Text(gone.Prefix)); // it lies under what is between, and may come back with it
                continue;
            }

            if (owner is null || !_merged.TryGetValue(gone.Shard, out var last))
            {
                _world.Fail($"{what} drops shard {gone.Shard}");
                continue;
            }

            _counts.Merges++;
            owner.History.Merge(last.Owner.History.State, last.Manifest.FlushedSequence);
            if (now.FlushedSequence != owner.History.Last)
            {
                _world.Fail($"{what} takes shard {gone.Shard} in at {now.FlushedSequence}, not {owner.History.Last}");
            }

            owner.Carved.Remove(Text(gone.Prefix));
            last.Manifest.Carved.ToList().ForEach(one => owner.Carved.Add(Text(one.Prefix)));
        }
    }

    private static bool Has(Manifest manifest, uint shard) => manifest.Carved.Any(one => one.Shard == shard);

    private void CheckParents()
    {
        var twice = _bucket.Living.SelectMany(static one => one.Carved).GroupBy(static one => one.Shard)
            .FirstOrDefault(static group => group.Skip(1).Any());
        if (twice is not null)
        {
            _world.Fail($"shard {twice.Key} has two parents");
        }
    }

    private void NoteMap(ShardMap before, ShardMap now)
    {
        var names = now.Entries.Select(static one => $"{one.Shard}={Text(one.Prefix.Span)}");
        _world.Note($"{now}: {string.Join(' ', names)}");
        var living = _bucket.Living.Select(static one => one.Shard).ToHashSet();
        foreach (var entry in now.Entries.Where(one => !before.TryGet(one.Shard, out _) && !living.Contains(one.Shard)))
        {
            _world.Fail($"{now} begins to name shard {entry.Shard}, which no manifest names");
        }

        foreach (var entry in before.Entries.Where(one => !now.TryGet(one.Shard, out _) && living.Contains(one.Shard)))
        {
            _world.Fail($"{now} leaves out shard {entry.Shard}, which is there");
        }
    }
}
