namespace Dmt.Cli.Bench.Workers;

/// <summary>What the driver does without the store: chooses a key, writes key and value, reads the clock.</summary>
internal sealed class IdleWorker(BenchContext context, WorkerShare share) : Worker(context, share, timedOneIn: 1)
{
    protected override ValueTask StepAsync(long operation)
    {
        var identity = Keys.Identity(Random.Below(Context.Settings.Keys));
        Keys.Format(identity, Key);
        Values.Fill(identity, Context.Generation, Value);
        return default;
    }
}
