namespace Dmt.Cli.Bench.Workers;

/// <summary>Gets keys that are there, at random.</summary>
internal sealed class GetWorker(BenchContext context, WorkerShare share) : Worker(context, share, timedOneIn: 8)
{
    private readonly long _present = context.Inserts.Present;

    protected override ValueTask StepAsync(long operation) => GetAsync(Keys.Identity(Random.Below(_present)));
}
