using System.Diagnostics;

namespace Dmt.Engine.Tests.Torture;

/// <summary>Random operations on a store under random options agree with a sorted list.</summary>
public sealed class StoreModelTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const int Cases = 40;
    private const int OperationsPerCase = 26_000;

    [Fact]
    public void A_million_random_operations_agree_with_the_model() => Property.Holds(
        RandomCase.Generate(OperationsPerCase),
        RandomCase.Shrink,
        static random => Task.Run(() => ModelRun.RunAsync(random)).GetAwaiter().GetResult(),
        Cases);

    public static TheoryData<int> Seeds() => new(Enumerable.Range(1, 60));

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Probe(int seed)
    {
        var c = RandomCase.FromSeed(seed, 26000);
        var w = Stopwatch.StartNew();
        try { await ModelRun.RunAsync(c).WaitAsync(TimeSpan.FromSeconds(40)); }
        finally { File.AppendAllText("/tmp/torture-probe.txt", $"{seed} {w.ElapsedMilliseconds} ms failed {c.FailedAt}\n" + (c.FailedAt < c.Operations.Length ? c.Operations[c.FailedAt].ToString() : "")); output.WriteLine("x"); }
    }
}
