namespace Dmt.Engine.Tests.Torture;

/// <summary>Random operations on a store under random options agree with a sorted list.</summary>
public sealed class StoreModelTests
{
    private const int Cases = 40;
    private const int OperationsPerCase = 26_000;

    [Fact]
    public void A_million_random_operations_agree_with_the_model() => Property.Holds(
        RandomCase.Generate(OperationsPerCase),
        RandomCase.Shrink,
        static random => Task.Run(() => ModelRun.RunAsync(random)).GetAwaiter().GetResult(),
        Cases);
}
