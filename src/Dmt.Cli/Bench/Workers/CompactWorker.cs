namespace Dmt.Cli.Bench.Workers;

/// <summary>Merges everything into the bottom level.</summary>
internal sealed class CompactWorker(BenchContext context, WorkerShare share) : Worker(context, share, timedOneIn: 1)
{
    protected override ValueTask StepAsync(long operation) => Store.CompactAsync();
}
