using Dmt.Core.Keys;

namespace Dmt.Cli.Bench.Workers;

/// <summary>Scans of a fixed number of entries, each from a random key that is there.</summary>
internal sealed class ScanWorker(BenchContext context, WorkerShare share, int entries)
    : ScanningWorker(context, share, timedOneIn: 1)
{
    public const int EntriesOfScan100 = 100;

    private readonly long _present = context.Inserts.Present;

    protected override async ValueTask StepAsync(long operation)
    {
        var identity = Keys.Identity(Random.Below(_present));
        Keys.Format(identity, Key);
        using var scan = Store.OpenScan(new KeyRange(Key, null));
        var seen = await WalkAsync(scan, entries);

        // Near the end of the key space fewer are right; so far from it that this cannot be, fewer are wrong.
        if (seen == 0 || (seen < entries && Keys.ShareAbove(identity) * _present > 10.0 * entries))
        {
            throw Wrong($"a scan from here gave {seen} entries instead of {entries}");
        }
    }
}
