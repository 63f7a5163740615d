using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Shards;

namespace Dmt.Simulation.Shards;

/// <content>Clients: they know a map, which may be old, and where shards were when they looked last.</content>
internal sealed partial class ShardSimulation
{
    private const int Keys = 60;
    private const int AttemptsMax = 4;

    private ShardMap _someMap = ShardMap.Initial; // what some client knows
    private int _values;

    private async Task RunClientAsync()
    {
        var (map, known) = (ShardMap.Initial, new Dictionary<uint, Activation>());
        while (_operationsLeft > 0)
        {
            _operationsLeft--;
            _counts.Operations++;
            var key = DrawKey();
            for (var attempts = 0; attempts < AttemptsMax; attempts++)
            {
                var shard = map.Find(Bytes(key)).Shard;
                var activation = known.TryGetValue(shard, out var last) && last.IsUsable && _world.Chance(0.9)
                    ? last : await FindAsync(shard).ConfigureAwait(false);
                if (activation is not null)
                {
                    known[shard] = activation;
                    var kind = await DoAsync(activation, map, key).ConfigureAwait(false);
                    if (kind is null or DmtErrorKind.Conflict)
                    {
                        break;
                    }

                    known.Remove(shard);
                    activation.IsBad |= kind is DmtErrorKind.Fenced or DmtErrorKind.Closed
                        || (kind == DmtErrorKind.NotOwner && _world.Chance(0.3));
                }

                map = await LoadMapAsync(map).ConfigureAwait(false);
            }

            await DelayAsync(Random.Next(4) == 0 ? Random.Next(150) : 0.01).ConfigureAwait(false);
        }
    }

    private async Task<ShardMap> LoadMapAsync(ShardMap old)
    {
        await DelayAsync(Random.Next(1, 100)).ConfigureAwait(false);
        var usable = Usable;
        if (usable.Count == 0)
        {
            return old;
        }

        var node = usable[Random.Next(usable.Count)];
        var reply = await CallAsync(node, "the map", () => node.Node.LoadMapAsync().AsTask()).ConfigureAwait(false);
        return reply.IsOk ? _someMap = reply.Value! : old;
    }

    private Task DelayAsync(double milliseconds)
    {
        var over = new TaskCompletionSource();
        _world.Post(SimWorld.Milliseconds(milliseconds), over.SetResult);
        return over.Task;
    }

    /// <returns>What kind of error it was; null when all went well, or nothing was heard of it.</returns>
    private Task<DmtErrorKind?> DoAsync(Activation at, ShardMap map, string key) => Random.Next(100) switch
    {
        < 25 => WriteAsync(at, Put(key, out var value), Last(key, value), Durability.Strict, value),
        < 50 => WriteAsync(at, Put(key, out var value), Last(key, value), Durability.Default, value),
        < 54 => WriteAsync(at, Put(key, out var value), Last(key, value), Durability.EveryOperations(3), value),
        < 60 => WriteAsync(at, Put(key, out var value, DrawCondition(at)), Last(key, value), DrawDurability(), value),
        < 67 => WriteAsync(
            at, new WriteBatch().Delete(Bytes(key)), new SimOperation(WriteOperationKind.Delete, key, ""),
            DrawDurability(), null),
        < 70 => DeleteRangeAsync(at, key),
        < 76 => BatchAsync(at, map, key),
        < 90 => GetAsync(at, key),
        < 96 => ScanAsync(at),
        < 98 => SyncAsync(at),
        _ => FlushAsync(at),
    };

    private async Task<DmtErrorKind?> WriteAsync(
        Activation at, WriteBatch batch, SimOperation last, Durability durability, string? value)
    {
        var owner = at.Owner;
        var reply = await CallAsync(at.Node, $"write of {last.Key} to {at}", async () =>
        {
            var (began, isStale) = (_world.Now, IsTakenOver(at));
            var sequence = await at.Shard.WriteAsync(batch, durability).ConfigureAwait(false);
            CheckMayAnswer(at, isStale);
            _world.Note($"{at} acknowledges {sequence} {last.Kind} {last.Key}, {durability}");
            if (owner.History[sequence] != last)
            {
                _world.Fail($"{at} acknowledged {last} as {sequence}, which is {owner.History[sequence]}");
            }

            if (durability.IsStrict)
            {
                _book.NoteDurable(owner, sequence, began, byLog: true);
            }

            return sequence;
        }).ConfigureAwait(false);
        var isRefused = reply.Kind is DmtErrorKind.NotOwner or DmtErrorKind.Conflict;
        if (isRefused && value is not null && _book.HasWritten(value))
        {
            _world.Fail($"{at} refused a write of {last.Key} with {reply.Kind}: it is there");
        }

        return reply.Kind;
    }

    private Task<DmtErrorKind?> DeleteRangeAsync(Activation at, string key)
    {
        var end = key[..^1] + (char)(key[^1] + Random.Next(1, 6));
        var batch = new WriteBatch().DeleteRange(new KeyRange(Bytes(key), Bytes(end)));
        return WriteAsync(
            at, batch, new SimOperation(WriteOperationKind.DeleteRange, key, end), DrawDurability(), null);
    }

    private Task<DmtErrorKind?> BatchAsync(Activation at, ShardMap map, string key)
    {
        var batch = new WriteBatch();
        var last = default(SimOperation);
        var value = "";
        for (var left = Random.Next(2, 5); left > 0; left--)
        {
            value = DrawValue();
            batch.Put(Bytes(key), Bytes(value));
            last = Last(key, value);
            var next = DrawKey();
            key = map.Owns(at.Shard.Id, Bytes(next)) ? next : key;
        }

        return WriteAsync(at, batch, last, DrawDurability(), value);
    }

    private async Task<DmtErrorKind?> GetAsync(Activation at, string key)
    {
        var reply = await CallAsync(at.Node, $"get of {key} from {at}", async () =>
        {
            var isStale = IsTakenOver(at);
            SimEntry? expected = at.Owner.History.State.TryGetValue(key, out var entry) ? entry : null;
            var isOwned = at.Owner.Owns(key);
            var found = await at.Shard.GetAsync(Bytes(key)).ConfigureAwait(false) is { } result
                ? ToEntry(result) : default(SimEntry?);
            CheckMayAnswer(at, isStale);
            if (isOwned && found != expected)
            {
                _world.Fail($"{at} read {found} for {key}: expected {expected}");
            }

            return true;
        }).ConfigureAwait(false);
        return reply.Kind;
    }

    private async Task<DmtErrorKind?> ScanAsync(Activation at)
    {
        var ranges = new Ownership(_bucket.Latest(at.Shard.Id)!).Ranges;
        if (ranges.Count > 0)
        {
            await ScanAsync(at, ranges[Random.Next(ranges.Count)], Random.Next(3) == 0).ConfigureAwait(false);
        }

        return null;
    }

    private async Task<DmtErrorKind?> SyncAsync(Activation at) => (await CallAsync(at.Node, $"sync of {at}", async () =>
    {
        var (sequence, began) = (at.Owner.History.Last, _world.Now);
        await at.Shard.SyncAsync().ConfigureAwait(false);
        _book.NoteDurable(at.Owner, sequence, began, byLog: false);
        return true;
    }).ConfigureAwait(false)).Kind;

    private async Task<DmtErrorKind?> FlushAsync(Activation at) =>
        (await CallAsync(at.Node, $"flush of {at}", async () =>
        {
            var (sequence, began) = (at.Owner.History.Last, _world.Now);
            await at.Shard.FlushAsync().ConfigureAwait(false);
            _book.NoteDurable(at.Owner, sequence, began, byLog: false);
            return true;
        }).ConfigureAwait(false)).Kind;

    private WriteBatch Put(string key, out string value, WriteCondition condition = default)
    {
        value = DrawValue();
        return new WriteBatch().Put(Bytes(key), Bytes(value), condition: condition);
    }

    private static SimOperation Last(string key, string value) => new(WriteOperationKind.Put, key, value);

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private string DrawKey()
    {
        var number = Random.Next(Keys);
        return string.Create(CultureInfo.InvariantCulture, $"{(char)('a' + (number % 3))}/{number / 3:D2}");
    }

    /// <summary>Unlike any other.</summary>
    private string DrawValue() => string.Create(CultureInfo.InvariantCulture, $"v{_values++}")
        .PadRight(Random.Next(8) == 0 ? 300 : Random.Next(10, 60), '.');

    private Durability DrawDurability() => Random.Next(2) == 0 ? Durability.Strict : Durability.Default;

    private WriteCondition DrawCondition(Activation at) => Random.Next(3) switch
    {
        0 => WriteCondition.Absent,
        1 => WriteCondition.Present,
        _ => WriteCondition.VersionIs(
            Math.Max(1, at.Owner.History.Last - ((ulong)Random.Next(10) % (at.Owner.History.Last + 1)))),
    };
}
