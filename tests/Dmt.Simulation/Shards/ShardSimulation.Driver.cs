using System.Text;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Shards;

namespace Dmt.Simulation.Shards;

/// <content>Who opens what where, and what becomes of shards.</content>
internal sealed partial class ShardSimulation
{
    private const double CallTimeoutMs = 20_000;

    /// <summary>Where shards are, as the driver thinks.</summary>
    private readonly Dictionary<uint, Activation> _placed = [];
    private readonly HashSet<uint> _opening = [];

    /// <summary>The node that could not open the shard last, and when it is tried again.</summary>
    private readonly Dictionary<uint, (ShardSimNode Node, long Until)> _failed = [];

    /// <summary>What a call came to: a result, an error, or nothing that was heard of.</summary>
    private readonly record struct Reply<T>(bool IsOk, T? Value, DmtErrorKind? Kind);

    /// <summary>Asks something of a node, from outside of it.</summary>
    private Task<Reply<T>> CallAsync<T>(ShardSimNode node, string what, Func<Task<T>> call)
    {
        var reply = new TaskCompletionSource<Reply<T>>();
        _world.Post(SimWorld.Milliseconds(CallTimeoutMs), () => reply.TrySetResult(default));
        node.Post(SimWorld.Milliseconds(Random.NextDouble()), () => _ = RunAsync());
        return reply.Task;

        async Task RunAsync()
        {
            node.PendingCalls.Add(what);
            Reply<T> result;
            try
            {
                result = new Reply<T>(true, await call().ConfigureAwait(false), null);
            }
            catch (Exception e)
            {
                result = new Reply<T>(false, default, KindOf(node, what, e));
            }

            node.PendingCalls.Remove(what);
            _world.Post(SimWorld.Milliseconds(Random.NextDouble()), () => reply.TrySetResult(result));
        }
    }

    /// <summary>A call failed: was it allowed to, so?</summary>
    private DmtErrorKind? KindOf(ShardSimNode node, string what, Exception error)
    {
        var kind = (error as DmtException)?.Kind;
        var changesShards = what.Contains("carve", StringComparison.Ordinal)
            || what.Contains("merge", StringComparison.Ordinal);
        var allowed = kind is DmtErrorKind.Unavailable or DmtErrorKind.Fenced or DmtErrorKind.NotOwner
            or DmtErrorKind.Closed or DmtErrorKind.Conflict || (kind == DmtErrorKind.InvalidArgument && changesShards)
            || (kind == DmtErrorKind.Corruption && MayMissLog(what, error));
        if (!allowed)
        {
            _world.Fail($"node {node.Number}, {what}: {error}");
        }

        _counts.Refused++;
        _world.Note($"node {node.Number}, {what}: {kind} {(error as DmtException)?.Message}");
        return kind;
    }

    /// <summary>
    /// What an opening before has left names the log of a node that lives, and lets go of what it does not need: where
    /// garbage is young, under the eyes of who replays it. That is what the usual age is for.
    /// </summary>
    private bool MayMissLog(string what, Exception error) => _isGarbageYoung
        && what.StartsWith("opening", StringComparison.Ordinal)
        && error.Message.StartsWith("log/", StringComparison.Ordinal)
        && error.Message.EndsWith("is missing", StringComparison.Ordinal);

    /// <summary>Where a shard is; it is opened somewhere where it is nowhere. Null where that fails.</summary>
    private async Task<Activation?> FindAsync(uint shard)
    {
        if (_placed.TryGetValue(shard, out var placed) && placed.IsUsable)
        {
            return placed;
        }

        var isLeft = _failed.TryGetValue(shard, out var last) && last.Until > _world.Now;
        if (isLeft || !_opening.Add(shard))
        {
            // Of several who await one task, all but one would go on in the thread pool.
            await DelayAsync(100).ConfigureAwait(false);
            return _placed.GetValueOrDefault(shard) is { IsUsable: true } opened ? opened : null;
        }

        try
        {
            return await OpenAsync(shard, null).ConfigureAwait(false);
        }
        finally
        {
            _opening.Remove(shard);
        }
    }

    /// <summary>A cluster computes where a shard is to be: often where an opening has just failed.</summary>
    private ShardSimNode ChooseNode(uint shard)
    {
        var usable = Usable;
        return _failed.TryGetValue(shard, out var last) && last.Node.IsUsable && _world.Chance(0.9) ? last.Node
            : usable.Count > 0 ? usable[Random.Next(usable.Count)] : StartNode();
    }

    /// <summary>
    /// An opening failed, and may have left a manifest behind: until it is tried again the node goes on with its other
    /// shards, and lets go of what they do not need of its log.
    /// </summary>
    private void LeaveForAWhile(uint shard, ShardSimNode node)
    {
        var wait = _world.Chance(0.4) ? 0 : SimWorld.Milliseconds(Random.Next(200, 1500));
        _failed[shard] = (node, _world.Now + wait);
        foreach (var other in _placed.Values.Where(one => one.Node == node && one.IsUsable && wait > 0))
        {
            _world.Post(Random.NextInt64(wait / 2), () => _ = WriteAsync(other, thenDie: false));
        }
    }

    /// <summary>Writes, and puts it into tables, or dies before anybody can.</summary>
    private async Task WriteAsync(Activation at, bool thenDie)
    {
        for (var left = 5; left > 0; left--)
        {
            var key = DrawKey();
            if (at.Owner.Owns(key))
            {
                await WriteAsync(at, Put(key, out var value), Last(key, value), Durability.Strict, value)
                    .ConfigureAwait(false);
            }
        }

        if (!thenDie)
        {
            await FlushAsync(at).ConfigureAwait(false);
        }
        else if (at.IsUsable && _operationsLeft > 0)
        {
            Kill(at.Node);
        }
    }

    /// <summary>Opens a shard, whoever has it; where it was merged, sees to it that its parent absorbs it.</summary>
    private async Task<Activation?> OpenAsync(uint shard, ShardSimNode? where)
    {
        var node = where ?? ChooseNode(shard);
        node.IsOpeningBadly = where is null && _world.Chance(0.3);
        var reply = await CallAsync(node, $"opening shard {shard}", async () =>
        {
            var opening = await node.Node.OpenAsync(shard).ConfigureAwait(false);
            return (Activation: opening.Shard is { } opened
                ? new Activation(node, opened, _book.NoteOpened(node, opened)) : null, opening.MergedInto);
        }).ConfigureAwait(false);
        node.IsOpeningBadly = false;
        if (!reply.IsOk)
        {
            LeaveForAWhile(shard, node);
            return null;
        }

        if (reply.Value.MergedInto is { } into)
        {
            _placed.Remove(shard);
            await AbsorbAsync(shard, into, where).ConfigureAwait(false);
            return null;
        }

        _counts.Openings++;
        _world.Note($"{reply.Value.Activation}");
        _placed[shard] = reply.Value.Activation!;
        if (_failed.Remove(shard, out var last) && last.Node == node && _world.Chance(0.3))
        {
            // What both openings have left is all that a successor has.
            _ = WriteAsync(reply.Value.Activation!, thenDie: true);
        }

        await CheckContentsAsync(reply.Value.Activation!).ConfigureAwait(false);
        return reply.Value.Activation;
    }

    private async Task AbsorbAsync(uint child, uint into, ShardSimNode? where)
    {
        for (var attempts = 0; attempts < 8; attempts++)
        {
            var parent = where is null ? await FindAsync(into).ConfigureAwait(false)
                : _placed.TryGetValue(into, out var placed) && placed.Node == where ? placed
                : await OpenAsync(into, where).ConfigureAwait(false);
            if (parent is null)
            {
                // It may have been merged itself: then what the child said is old.
                into = _bucket.Latest(into) is { MergedInto: > 0 and var next } ? next : into;
                continue;
            }

            var reply = await CallAsync(
                parent.Node, $"merge of shard {child} into {parent}",
                async () => await parent.Shard.AbsorbAsync(child).ConfigureAwait(false)).ConfigureAwait(false);
            if (!reply.IsOk)
            {
                parent.IsBad = reply.Kind
                    is null or DmtErrorKind.Fenced or DmtErrorKind.Closed or DmtErrorKind.NotOwner;
                continue;
            }

            if (reply.Value is { } between && !_switches.HasFlag(SimSwitches.ForgetShardsBetween))
            {
                into = between;
                continue;
            }

            if (_bucket.Living.Any(one => one.Carved.Any(carved => carved.Shard == child)))
            {
                _world.Fail($"{parent} says that shard {child} is merged: a manifest names it still");
            }

            return;
        }
    }

    private async Task MoveAsync(Activation from)
    {
        _counts.Moves++;
        _placed.Remove(from.Shard.Id);
        await CallAsync(from.Node, $"closing {from}", () => from.Shard.DisposeAsync().AsTask().Then(true))
            .ConfigureAwait(false);
        await FindAsync(from.Shard.Id).ConfigureAwait(false);
    }

    /// <summary>Another node is told to open what somebody has, who is not told.</summary>
    private async Task TakeOverAsync(Activation from)
    {
        var others = Usable.FindAll(node => node != from.Node);
        if (others.Count > 0)
        {
            _counts.Takeovers++;
            await OpenAsync(from.Shard.Id, others[Random.Next(others.Count)]).ConfigureAwait(false);
        }
    }

    private async Task CarveAsync(Activation parent)
    {
        string[] candidates = ["a/", "b/", "c/", "a/0", "a/1", "b/0", "b/1", "c/0", "a/05"];
        List<ReadOnlyMemory<byte>> prefixes = _world.Chance(0.3)
            ? [.. parent.Shard.PickCarve().Select(static prefix => (ReadOnlyMemory<byte>)prefix)]
            : [.. candidates.Where(one => one.Length > parent.Owner.Prefix.Length && parent.Owner.Owns(one)
                && Random.Next(4) == 0 && (one.Length == 2 || Random.Next(2) == 0)).Select(Encoding.ASCII.GetBytes)];
        prefixes.RemoveAll(one => prefixes.Exists(other =>
            other.Length < one.Length && one.Span.StartsWith(other.Span)));
        if (prefixes.Count == 0)
        {
            return;
        }

        var errors = parent.Node.Errors;
        var reply = await CallAsync(
            parent.Node, $"carve of {parent}",
            async () => await parent.Shard.CarveAsync(prefixes).ConfigureAwait(false)).ConfigureAwait(false);
        if (!reply.IsOk || parent.Node.Errors != errors || parent.Shard.WhenFenced.IsCompleted)
        {
            return; // It could not close what it carved.
        }

        foreach (var child in reply.Value!.Children(parent.Shard.Id))
        {
            var isNew = prefixes.Exists(prefix => prefix.Span.SequenceEqual(child.Prefix.Span));
            if (isNew && _bucket.Latest(child.Shard) is { Epoch: 1, ClosedCleanly: false })
            {
                _world.Fail($"{parent} carved shard {child.Shard}, which is open though the map names it");
            }
        }
    }

    private async Task MergeAsync(Activation child)
    {
        // By a map that may be old.
        var map = _world.Chance(0.7) ? _bucket.Map : _someMap;
        if (child.Shard.Id == ShardMap.Root || !map.TryGet(child.Shard.Id, out _))
        {
            return;
        }

        var parent = map.Parent(child.Shard.Id)!.Shard;
        var reply = await CallAsync(
            child.Node, $"merge of {child} into shard {parent}",
            () => child.Shard.GiveUpAsync(parent).AsTask().Then(true)).ConfigureAwait(false);
        if (!reply.IsOk)
        {
            return;
        }

        var draw = Random.Next(4);
        if (draw == 0)
        {
            if (_world.Chance(0.5))
            {
                Kill(child.Node);
            }

            return; // Nobody says so to the parent: whoever looks for the child will find out.
        }

        if (draw > 1)
        {
            await CallAsync(child.Node, $"closing {child}", () => child.Shard.DisposeAsync().AsTask().Then(true))
                .ConfigureAwait(false);
        }

        await AbsorbAsync(child.Shard.Id, parent, null).ConfigureAwait(false);
    }

    /// <summary>Broken on purpose: somebody who may have been taken over writes what it thinks into the map.</summary>
    private async Task StaleMapAsync(Activation activation)
    {
        if (!_switches.HasFlag(SimSwitches.LetStaleOwnersWriteMaps))
        {
            return;
        }

        var carved = _bucket.Latest(activation.Shard.Id)!.Carved;
        await CallAsync(activation.Node, "a change of the map", async () =>
        {
            await activation.Node.Delay(Random.Next(3000)).ConfigureAwait(false);
            var maps = new MapStore(new SimObjectStore(activation.Node, _bucket, () => _faults));
            return await maps.UpdateAsync(
                map => MapAgreement.Of(map, activation.Shard.Id, carved), CancellationToken.None).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
