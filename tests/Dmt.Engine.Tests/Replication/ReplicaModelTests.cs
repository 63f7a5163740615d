using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Engine.Tests.Replication;

/// <summary>
/// A main and two replicas under random writes, flushes, compactions, lost and repeated messages, disconnections and
/// restarts: at any time a replica shows what the main had after some operation, and in the end all are equal.
/// </summary>
public sealed class ReplicaModelTests
{
    private static readonly Gen<Step> Steps = Gen.Frequency(
        (30, Gen.Choose(1, 60).Select(static n => new Step(StepKind.Write, n))),
        (2, Gen.Choose(0, 300).Select(static n => new Step(StepKind.DeleteRange, n))),
        (3, Gen.Constant(new Step(StepKind.Flush, 0))),
        (1, Gen.Constant(new Step(StepKind.Compact, 0))),
        (4, Gen.Choose(0, 1).Select(static n => new Step(StepKind.Disconnect, n))),
        (4, Gen.Choose(0, 1).Select(static n => new Step(StepKind.Connect, n))),
        (2, Gen.Choose(0, 1).Select(static n => new Step(StepKind.RestartReplica, n))),
        (1, Gen.Constant(new Step(StepKind.RestartMain, 0))),
        (4, Gen.Choose(0, 1).Select(static n => new Step(StepKind.Check, n))),
        (2, Gen.Constant(new Step(StepKind.Sync, 0))),
        (5, Gen.Choose(0, 39).Select(static n => new Step(StepKind.Carve, n))),
        (4, Gen.Choose(0, 1 << 20).Select(static n => new Step(StepKind.Merge, n))));

    private enum StepKind
    {
        Write,
        DeleteRange,
        Flush,
        Compact,
        Disconnect,
        Connect,
        RestartReplica,
        RestartMain,
        Check,
        Sync,
        Carve,
        Merge,
    }

    [Fact]
    public void Replicas_of_a_bucket_are_a_prefix_of_their_main_and_equal_in_the_end() => Run(isBucket: true);

    [Fact]
    public void Replicas_in_folders_are_a_prefix_of_their_main_and_equal_in_the_end() => Run(isBucket: false);

    private static void Run(bool isBucket) => Torture.Property.Holds(
        Gen.Choose(0, 1 << 30).SelectMany(seed => Steps.ListOf(60).Select(steps => (seed, steps: steps.ToArray()))),

        // By halves: a case that does not come to rest takes a while to fail.
        static value => value.steps.Length < 2
            ? []
            : [(value.seed, value.steps[..(value.steps.Length / 2)]), (value.seed,
                value.steps[(value.steps.Length / 2)..])],
        value => RunAsync(isBucket, value.seed, value.steps).GetAwaiter().GetResult(),
        tests: 30);

    private static async Task RunAsync(bool isBucket, int seed, Step[] steps)
    {
        await using var world = new ReplicaWorld(isBucket, seed);
        await world.StartAsync(1, isReplica: true);
        await world.StartAsync(2, isReplica: true);
        await world.StartAsync(0, isReplica: false);
        var model = new History();
        var random = new Random(seed);
        await world.UntilWritableAsync();
        foreach (var step in steps)
        {
            await DoAsync(world, model, random, step);
        }

        foreach (var replica in world.ReplicaNodes)
        {
            world.Channel(0, replica).IsConnected = true;
        }

        model.Set(await world.Main.PutAsync(Bytes("the end"), Bytes("of it")), "the end", "of it");
        await world.SyncAsync();
        var expected = model.At(ulong.MaxValue);
        Assert.Equal(expected, await ReplicaWorld.ReadAsync(world.Main));
        foreach (var replica in world.ReplicaNodes)
        {
            Assert.Equal(expected, await ReplicaWorld.ReadAsync(world[replica]));
            Assert.Equal(0ul, world[replica].Lag!.Value.Operations);
        }
    }

    private static async Task DoAsync(ReplicaWorld world, History model, Random random, Step step)
    {
        var replica = world.ReplicaNodes.ElementAt(step.Number % 2);
        switch (step.Kind)
        {
            case StepKind.Write:
                await WriteAsync(world, model, random, step.Number);
                break;
            case StepKind.DeleteRange:
                var (from, to) = ($"k{step.Number:D3}", $"k{step.Number + 20:D3}");
                model.DeleteRange(
                    await world.Main.DeleteRangeAsync(new KeyRange(Bytes(from), Bytes(to))), from, to);
                break;
            case StepKind.Flush:
                await world.Main.AsMain!.FlushAsync();
                break;
            case StepKind.Compact:
                await world.Main.AsMain!.CompactAsync();
                break;
            case StepKind.Disconnect or StepKind.Connect:
                world.Channel(0, replica).IsConnected = step.Kind == StepKind.Connect;
                break;
            case StepKind.RestartReplica:
                await world.StopAsync(replica);
                await world.StartAsync(replica, isReplica: true);
                break;
            case StepKind.RestartMain:
                await world.StopAsync(0);
                world.Channel(0, 1).IsConnected = world.Channel(0, 2).IsConnected = true;
                await world.StartAsync(0, isReplica: false);
                await world.UntilWritableAsync();
                break;
            case StepKind.Carve when world.IsBucket:
                // A tenth or a hundredth of the keys.
                var prefix = Bytes($"k{(step.Number < 10 ? step.Number % 3 : step.Number % 30)}");
                if (!(await world.Main.ListShardsAsync()).Any(s => s.Prefix.Span.SequenceEqual(prefix)))
                {
                    await world.Main.SplitShardAsync([prefix]);
                    model.HasShards = true;
                }

                break;
            case StepKind.Merge when world.IsBucket:
                var shards = await world.Main.ListShardsAsync();
                if (shards.Count > 1)
                {
                    Assert.True(await world.Main.MergeShardAsync(shards[1 + (step.Number % (shards.Count - 1))].Shard));
                }

                break;
            case StepKind.Sync when world.Channel(0, 1).IsConnected && world.Channel(0, 2).IsConnected:
                model.Set(await world.Main.PutAsync(Bytes("sync"), Bytes("all")), "sync", "all");
                await world.SyncAsync();
                Assert.Equal(await ReplicaWorld.ReadAsync(world.Main), await ReplicaWorld.ReadAsync(world[replica]));
                break;
            case StepKind.Check when !model.HasShards:
                await CheckAsync(world, model, replica);
                break;
        }
    }

    private static async Task WriteAsync(ReplicaWorld world, History model, Random random, int count)
    {
        for (; count > 0; count--)
        {
            var key = $"k{random.Next(300):D3}";
            if (random.Next(6) == 0)
            {
                model.Set(await world.Main.DeleteAsync(Bytes(key)), key, null);
            }
            else if (random.Next(6) == 0)
            {
                var other = $"{key}x"; // in the same shard
                var last = await world.Main.WriteAsync(
                    new WriteBatch().Put(Bytes(key), Bytes("in a batch")).Put(Bytes(other), Bytes("too")));
                model.Set(last - 1, key, "in a batch");
                model.Set(last, other, "too");
            }
            else
            {
                var value = new string((char)('a' + random.Next(26)), random.Next(400));
                model.Set(await world.Main.PutAsync(Bytes(key), Bytes(value)), key, value);
            }
        }
    }

    /// <summary>A replica that has anything has what the main had after one of its operations.</summary>
    private static async Task CheckAsync(ReplicaWorld world, History model, int replica)
    {
        while (true)
        {
            if (world[replica].AsReplica!.Root is not { } shard)
            {
                return;
            }

            var before = shard.LastSequence;
            var found = await ReplicaWorld.ReadAsync(world[replica]);
            if (shard.LastSequence == before)
            {
                Assert.Equal(model.At(before), found);
                return;
            }
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private readonly record struct Step(StepKind Kind, int Number)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} {Number}");
    }

    /// <summary>All that the main acknowledged, by sequence number.</summary>
    private sealed class History
    {
        private readonly List<(ulong Sequence, string Key, string? Value, string? End)> _operations = [];

        /// <summary>Numbers of operations are each shard's own since then.</summary>
        public bool HasShards { get; set; }

        public void Set(ulong sequence, string key, string? value) => _operations.Add((sequence, key, value, null));

        public void DeleteRange(ulong sequence, string from, string to) => _operations.Add((sequence, from, null, to));

        public SortedDictionary<string, string> At(ulong last)
        {
            var state = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var (sequence, key, value, end) in _operations.TakeWhile(o => o.Sequence <= last))
            {
                if (end is not null)
                {
                    foreach (var gone in state.Keys.Where(k => string.CompareOrdinal(k, key) >= 0
                        && string.CompareOrdinal(k, end) < 0).ToList())
                    {
                        state.Remove(gone);
                    }
                }
                else if (value is null)
                {
                    state.Remove(key);
                }
                else
                {
                    state[key] = $"{sequence}:{value}";
                }
            }

            return state;
        }
    }
}
