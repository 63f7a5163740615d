using Dmt.Core.Keys;

namespace Dmt.Cli.Bench.Workers;

/// <summary>
/// The core workloads of YCSB (Cooper et al., "Benchmarking cloud serving systems with YCSB", SoCC 2010): a mix of
/// operations on keys whose popularity is zipfian, or that were inserted lately.
/// </summary>
internal sealed class MixWorker : ScanningWorker
{
    private const int ScanEntriesMax = 100;

    private readonly MixShares _shares;
    private readonly Zipfian _zipfian;

    public MixWorker(BenchContext context, WorkerShare share, MixShares shares)
        : base(context, share, timedOneIn: shares.Read == 100 ? 8 : 1) =>
        (_shares, _zipfian) = (shares, context.Zipfian);

    protected override ValueTask StepAsync(long operation)
    {
        var dice = (int)Random.Below(100);
        if ((dice -= _shares.Read) < 0)
        {
            return GetAsync(Choose());
        }

        if ((dice -= _shares.Update) < 0)
        {
            return Completed(PutAsync(Choose()));
        }

        if ((dice -= _shares.Insert) < 0)
        {
            return InsertAsync();
        }

        return dice < _shares.Scan ? ScanAsync() : ReadModifyWriteAsync();
    }

    private ulong Choose()
    {
        var rank = _zipfian.Next(ref Random);
        var present = Context.Inserts.Present;

        // Popular keys are spread over the time of insertion, and so over the tables.
        return Keys.Identity(_shares.Latest
            ? Math.Max(0, present - 1 - rank)
            : (long)(SplitMix64.Scramble((ulong)rank) % (ulong)present));
    }

    private async ValueTask InsertAsync()
    {
        var index = Context.Inserts.Take();
        await PutAsync(Keys.Identity(index));
        Context.Inserts.Inserted(index);
    }

    private async ValueTask ScanAsync()
    {
        Keys.Format(Choose(), Key);
        using var scan = Store.OpenScan(new KeyRange(Key, null));
        if (await WalkAsync(scan, 1 + (int)Random.Below(ScanEntriesMax)) == 0)
        {
            throw Wrong("a scan from here gave nothing");
        }
    }

    private async ValueTask ReadModifyWriteAsync()
    {
        var identity = Choose();
        await GetAsync(identity);
        await PutAsync(identity);
    }
}
