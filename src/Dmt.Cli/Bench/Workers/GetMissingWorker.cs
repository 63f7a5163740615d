using Dmt.Core;

namespace Dmt.Cli.Bench.Workers;

/// <summary>Gets keys that are not there.</summary>
internal sealed class GetMissingWorker(BenchContext context, WorkerShare share) : Worker(context, share, timedOneIn: 8)
{
    protected override ValueTask StepAsync(long operation)
    {
        Keys.Format(Keys.MissingIdentity(Random.Below(Context.Settings.Keys)), Key);
        var get = Store.GetAsync(Key);
        if (!get.IsCompletedSuccessfully)
        {
            return FinishAsync(get);
        }

        Check(get.Result);
        return default;
    }

    private async ValueTask FinishAsync(ValueTask<Entry?> get) => Check(await get);

    private void Check(Entry? entry)
    {
        if (entry is not null)
        {
            throw Wrong("found, but it was never put");
        }
    }
}
