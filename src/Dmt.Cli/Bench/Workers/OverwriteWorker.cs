using Dmt.Core;

namespace Dmt.Cli.Bench.Workers;

/// <summary>Puts keys that are there, at random; into a store that holds none, new ones.</summary>
internal sealed class OverwriteWorker(BenchContext context, WorkerShare share, Durability? durability)
    : Worker(context, share, timedOneIn: 1)
{
    private readonly long _present = context.Inserts.Present;

    protected override ValueTask StepAsync(long operation)
    {
        if (_present == 0)
        {
            return InsertAsync();
        }

        return Completed(PutAsync(Keys.Identity(Random.Below(_present)), durability));
    }

    private async ValueTask InsertAsync()
    {
        var index = Context.Inserts.Take();
        await PutAsync(Keys.Identity(index), durability);
        Context.Inserts.Inserted(index);
    }
}
