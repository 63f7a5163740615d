using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Engine.Tests.Torture;

/// <summary>Options and operations of one run of the model test.</summary>
internal sealed record RandomCase(EngineOptions Options, Operation[] Operations)
{
    private const int ShownOperations = 60;

    /// <summary>Index of the operation that failed, once one has.</summary>
    public int FailedAt { get; set; } = int.MaxValue;

    public static Gen<RandomCase> Generate(int operations) =>
        from seed in Gen.Choose(0, int.MaxValue)
        select FromSeed(seed, operations);

    public static RandomCase FromSeed(int seed, int operations)
    {
        var random = new Random(seed);
        var options = new EngineOptions
        {
            CacheBytes = 8 << 20,
            MemtableBytes = 64 << (10 + random.Next(3)),
            BlockBytes = random.Next(2) == 0 ? 512 : 4096,
            TableBytes = 64 << (10 + random.Next(2)),
            LevelBaseBytes = 128 << 10,
            LogSegmentBytes = 64 << (10 + random.Next(4)),
            FilterBitsPerKey = random.Next(2) == 0 ? 0 : 10,
            Compression = (Compression)random.Next(2),
            Level0CompactionTables = random.Next(1, 5),
            Level0SlowdownTables = 200,
            Level0StopTables = 200,
        };
        return new RandomCase(options, Operation.Many(random, operations));
    }

    /// <summary>
    /// What failed cut short behind the failure; then with runs of operations taken out, long ones first.
    /// </summary>
    public static IEnumerable<RandomCase> Shrink(RandomCase failed)
    {
        var operations = failed.Operations;
        if (failed.FailedAt < operations.Length - 1)
        {
            yield return failed with { Operations = operations[..(failed.FailedAt + 1)] };
        }

        for (var run = operations.Length / 2; run >= 1 && run >= operations.Length / 256; run /= 2)
        {
            for (var at = 0; at + run <= operations.Length; at += run)
            {
                yield return failed with
                {
                    Operations = [.. operations[..at], .. operations[(at + run)..]],
                    FailedAt = int.MaxValue,
                };
            }
        }
    }

    public override string ToString()
    {
        var shown = string.Join(' ', Operations.TakeLast(ShownOperations));
        return string.Create(
            CultureInfo.InvariantCulture, $"{Options}\n{Operations.Length} operations, the last: {shown}");
    }
}
