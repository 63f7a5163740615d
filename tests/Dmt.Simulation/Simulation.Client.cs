using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;

namespace Dmt.Simulation;

internal sealed partial class Simulation
{
    /// <summary>Does one operation after the other on a node until there are none left or the node has ended.</summary>
    private sealed class SimClient(Simulation simulation, SimNode node)
    {
        private const int Keys = 60;

        private readonly SimWorld _world = node.World;
        private readonly TrieStore _store = node.Store!;

        private Random Random => _world.Random;

        public async Task RunAsync()
        {
            while (node.IsUsable && simulation.TakeOperation())
            {
                var (what, operation) = Draw();
                node.PendingCalls.Add(what);
                try
                {
                    await operation().ConfigureAwait(false);
                }
                catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
                {
                    _world.Note($"node {node.Number}, {what}: conflict");
                }
                catch (Exception e)
                {
                    simulation.CheckError(node, what, e);
                }

                node.PendingCalls.Remove(what);
                await node.Delay(Random.Next(4) == 0 ? Random.Next(30) : 0.01).ConfigureAwait(false);
            }
        }

        private (string What, Func<Task> Operation) Draw() => Random.Next(100) switch
        {
            < 22 => ("a strict put", () => PutAsync(Durability.Strict, default)),
            < 36 => ("a put", () => PutAsync(Durability.Default, default)),
            < 44 => ("a put with a request", RequestAsync),
            < 47 => ("a put every 3", () => PutAsync(Durability.EveryOperations(3), default)),
            < 52 => ("a conditional put", () => PutAsync(DrawDurability(), DrawCondition())),
            < 58 => ("a delete", DeleteAsync),
            < 62 => ("a range delete", DeleteRangeAsync),
            < 70 => ("a batch", BatchAsync),
            < 84 => ("a get", GetAsync),
            < 90 => ("a scan", ScanAsync),
            < 93 => ("a sync", SyncAsync),
            < 95 => ("a flush", FlushAsync),
            < 96 => ("a collection", () => _store.CollectGarbageAsync().AsTask()),
            < 97 => ("a checkpoint", CheckpointAsync),
            < 98 => ("deleting a checkpoint", DeleteCheckpointAsync),
            _ => ("a compaction", () => _store.CompactAsync().AsTask()),
        };

        private async Task PutAsync(Durability durability, WriteCondition condition)
        {
            var (key, value) = (DrawKey(), DrawValue());
            var options = new WriteOptions { Durability = durability, Condition = condition };
            var began = _world.Now;
            var sequence = await _store.PutAsync(Bytes(key), Bytes(value), options).ConfigureAwait(false);
            Acknowledged(sequence, new SimOperation(WriteOperationKind.Put, key, value), durability, began);
        }

        /// <summary>A new one, or one that was sent before, here or elsewhere, whatever came of it.</summary>
        private async Task RequestAsync()
        {
            const int PendingMax = 30;
            var sent = simulation._requests;
            var number = sent.Count > 0 && Random.Next(2) == 0
                ? sent.Count - Random.Next(Math.Min(sent.Count, PendingMax))
                : sent.Count + 1;
            if (number > sent.Count)
            {
                sent.Add((DrawKey(), DrawValue()));
            }

            var (key, value) = sent[number - 1];
            var (durability, began) = (DrawDurability(), _world.Now);
            var options = new WriteOptions
            {
                Durability = durability,
                Request = new RequestId(7, (ulong)number, (ulong)Math.Max(1, number - (2 * PendingMax))),
            };
            var last = node.History!.Last;
            var sequence = await _store.PutAsync(Bytes(key), Bytes(value), options).ConfigureAwait(false);

            // One that was applied before is in the log already, which may be sealed by now.
            Acknowledged(
                sequence, new SimOperation(WriteOperationKind.Put, key, value), durability, began, sequence > last);
        }

        private async Task DeleteAsync()
        {
            var (key, durability, began) = (DrawKey(), DrawDurability(), _world.Now);
            var options = new WriteOptions { Durability = durability };
            var sequence = await _store.DeleteAsync(Bytes(key), options).ConfigureAwait(false);
            Acknowledged(sequence, new SimOperation(WriteOperationKind.Delete, key, ""), durability, began);
        }

        private async Task DeleteRangeAsync()
        {
            var (start, end) = DrawRange(6);
            var (durability, began) = (DrawDurability(), _world.Now);
            var sequence = await _store
                .DeleteRangeAsync(new KeyRange(Bytes(start), Bytes(end)), new WriteOptions { Durability = durability })
                .ConfigureAwait(false);
            Acknowledged(sequence, new SimOperation(WriteOperationKind.DeleteRange, start, end), durability, began);
        }

        private async Task BatchAsync()
        {
            var batch = new WriteBatch();
            var last = default(SimOperation);
            for (var left = Random.Next(2, 6); left > 0; left--)
            {
                var (key, value) = (DrawKey(), DrawValue());
                if (Random.Next(4) > 0)
                {
                    batch.Put(Bytes(key), Bytes(value));
                    last = new SimOperation(WriteOperationKind.Put, key, value);
                }
                else
                {
                    batch.Delete(Bytes(key));
                    last = new SimOperation(WriteOperationKind.Delete, key, "");
                }
            }

            var (durability, began) = (DrawDurability(), _world.Now);
            var sequence = await _store.WriteAsync(batch, durability).ConfigureAwait(false);
            Acknowledged(sequence, last, durability, began);
        }

        private async Task GetAsync()
        {
            var key = DrawKey();
            SimEntry? expected = node.History!.State.TryGetValue(key, out var entry) ? entry : null;
            var result = await _store.GetAsync(Bytes(key)).ConfigureAwait(false);
            SimEntry? found = result is { } value ? ToEntry(value) : null;
            if (found != expected)
            {
                _world.Fail($"node {node.Number} read {found} for {key}: expected {expected}");
            }
        }

        private async Task ScanAsync()
        {
            var (start, end) = DrawRange(25);
            var expected = node.History!.Range(start, end);
            var reverse = Random.Next(3) == 0;
            expected = reverse ? Enumerable.Reverse(expected).ToList() : expected;
            var request = new ScanRequest { Range = new KeyRange(Bytes(start), Bytes(end)), Reverse = reverse };
            var page = await _store.ScanAsync(request).ConfigureAwait(false);
            simulation.Compare(node, $"scan of [{start}, {end})", expected, page.Entries);
        }

        private async Task SyncAsync()
        {
            var (sequence, began) = (_store.Shards.Root.LastSequence, _world.Now);
            await _store.SyncAsync().ConfigureAwait(false);
            simulation.CheckDurable(node, sequence, began, byLog: false);
        }

        private async Task FlushAsync()
        {
            var (sequence, began) = (_store.Shards.Root.LastSequence, _world.Now);
            await _store.FlushAsync().ConfigureAwait(false);
            simulation.CheckDurable(node, sequence, began, byLog: false);
        }

        private async Task CheckpointAsync()
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{node.Number}-{node.Checkpoints++}");
            await _store.CheckpointAsync(name).ConfigureAwait(false);
            simulation._bucket.NoteCheckpoint(name);
        }

        private async Task DeleteCheckpointAsync()
        {
            if (simulation._bucket.ForgetCheckpoint(Random) is { } name)
            {
                await _store.DeleteCheckpointAsync(name).ConfigureAwait(false);
            }
        }

        private void Acknowledged(
            ulong sequence, SimOperation operation, Durability durability, long began, bool byLog = true)
        {
            _world.Note($"node {node.Number} acknowledges {sequence} {operation.Kind} {operation.Key}, {durability}");
            if (node.History![sequence] != operation)
            {
                _world.Fail($"node {node.Number} acknowledged {operation} as {sequence}, which is something else");
            }

            if (durability.IsStrict)
            {
                simulation.CheckDurable(node, sequence, began, byLog);
            }
        }

        private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

        private string DrawKey() => KeyOf(Random.Next(Keys));

        private static string KeyOf(int number) =>
            string.Create(CultureInfo.InvariantCulture, $"{(char)('a' + (number % 3))}/{number / 3:D2}");

        /// <summary>Unlike any other: shows whose it is.</summary>
        private string DrawValue() =>
            string.Create(
                CultureInfo.InvariantCulture, $"{node.Number}-{simulation._operationsLeft}-{Random.Next(1000)}")
                .PadRight(Random.Next(8) == 0 ? 300 : Random.Next(20, 80), '.');

        private (string Start, string End) DrawRange(int widthMax)
        {
            var first = Random.Next(Keys / 3);
            var letter = (char)('a' + Random.Next(3));
            return (
                string.Create(CultureInfo.InvariantCulture, $"{letter}/{first:D2}"),
                string.Create(CultureInfo.InvariantCulture, $"{letter}/{first + Random.Next(1, widthMax):D2}"));
        }

        private Durability DrawDurability() => Random.Next(2) == 0 ? Durability.Strict : Durability.Default;

        private WriteCondition DrawCondition() => Random.Next(3) switch
        {
            0 => WriteCondition.Absent,
            1 => WriteCondition.Present,
            _ => WriteCondition.VersionIs(
                Math.Max(1, node.History!.Last - (ulong)Random.Next(10) % (node.History.Last + 1))),
        };
    }
}
