using System.Globalization;
using Dmt.Core.Keys;
using Dmt.Engine.Tests.Shards;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Engine.Tests.Replication;

/// <summary>
/// Followers of all shards of a store under random writes, flushes, compactions, carves, merges, moves and crashes:
/// after a look each one shows what the owner has, and none ever goes back.
/// </summary>
public sealed class ShardFollowerModelTests
{
    private static readonly Gen<Step> Steps = Gen.Frequency(
        (30, Gen.Choose(1, 80).Select(static n => new Step(StepKind.Write, n))),
        (3, Gen.Choose(0, 26).Select(static n => new Step(StepKind.DeletePrefix, n))),
        (5, Gen.Constant(new Step(StepKind.Flush, 0))),
        (3, Gen.Constant(new Step(StepKind.Compact, 0))),
        (6, Gen.Choose(0, 1 << 20).Select(static n => new Step(StepKind.Carve, n))),
        (5, Gen.Choose(0, 1 << 20).Select(static n => new Step(StepKind.Merge, n))),
        (2, Gen.Constant(new Step(StepKind.Move, 0))),
        (2, Gen.Constant(new Step(StepKind.Crash, 0))),
        (12, Gen.Constant(new Step(StepKind.Check, 0))));

    private enum StepKind
    {
        Write,
        DeletePrefix,
        Flush,
        Compact,
        Carve,
        Merge,
        Move,
        Crash,
        Check,
    }

    [Fact]
    public void Followers_of_all_shards_equal_their_owner_after_a_look() => Torture.Property.Holds(
        Gen.Choose(0, 1 << 30).SelectMany(seed => Steps.ListOf(60).Select(steps => (seed, steps: steps.ToArray()))),
        static value => value.steps.Length < 2
            ? []
            : Enumerable.Range(0, value.steps.Length).Select(i =>
                (value.seed, value.steps.Where((_, at) => at != i).ToArray())),
        static value => RunAsync(value.seed, value.steps).GetAwaiter().GetResult(),
        tests: 60);

    private static async Task RunAsync(int seed, Step[] steps)
    {
        await using var world = await FollowerWorld.StartAsync();
        var random = new Random(seed);
        for (var i = 0; i < steps.Length; i++)
        {
            await DoAsync(world, random, steps[i], $"step {i}");
        }

        await world.CheckAsync("in the end");
        foreach (var gone in world.Gone())
        {
            Assert.False(world.Main.Shards.Map.TryGet(gone.Id, out _));
        }
    }

    private static async Task DoAsync(FollowerWorld world, Random random, Step step, string when)
    {
        var map = world.Main.Shards.Map;
        switch (step.Kind)
        {
            case StepKind.Write:
                await WriteAsync(world.Main, random, step.Number);
                break;
            case StepKind.DeletePrefix:
                await world.Main.DeleteRangeAsync(
                    KeyRange.Prefix(FollowerWorld.Bytes(ShardWorld.RandomKey(random)[..1])));
                break;
            case StepKind.Flush:
                await world.Main.FlushAsync();
                break;
            case StepKind.Compact:
                await world.Main.CompactAsync();
                break;
            case StepKind.Carve:
                var prefix = FollowerWorld.Bytes(ShardWorld.RandomKey(random) is { Length: > 3 } k ? k[..3] : "ab");
                if (!map.Find(prefix).Prefix.Span.SequenceEqual(prefix))
                {
                    await world.Main.SplitShardAsync([prefix]);
                }

                break;
            case StepKind.Merge when map.Count > 1:
                await world.Main.MergeShardAsync(map.Entries[1 + (step.Number % (map.Count - 1))].Shard);
                break;
            case StepKind.Move:
                await world.MoveMainAsync();
                break;
            case StepKind.Crash:
                await world.CrashMainAsync();
                break;
            case StepKind.Check:
                await world.CheckAsync(when);
                break;
        }
    }

    private static async Task WriteAsync(TrieStore main, Random random, int count)
    {
        for (; count > 0; count--)
        {
            var key = FollowerWorld.Bytes(ShardWorld.RandomKey(random));
            if (random.Next(5) == 0)
            {
                await main.DeleteAsync(key);
            }
            else
            {
                var value = new string((char)('a' + random.Next(26)), random.Next(400));
                await main.PutAsync(key, FollowerWorld.Bytes(value));
            }
        }
    }

    private readonly record struct Step(StepKind Kind, int Number)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} {Number}");
    }
}
