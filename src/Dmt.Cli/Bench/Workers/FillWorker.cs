namespace Dmt.Cli.Bench.Workers;

/// <summary>Puts every key once.</summary>
internal sealed class FillWorker(BenchContext context, WorkerShare share, bool inOrder)
    : Worker(context, share, timedOneIn: 1)
{
    // Identities are a random permutation of the indices, so ascending indices are keys in random order.
    private readonly ulong[]? _ordered = inOrder ? context.Ordered : null;

    protected override ValueTask StepAsync(long operation)
    {
        var place = Share.Place(operation);
        return Completed(PutAsync(_ordered is null ? Keys.Identity(place) : _ordered[place]));
    }
}
