using Dmt.Engine;

namespace Dmt.Cli.Bench.Workers;

/// <summary>
/// Scans everything, again and again. An operation is an entry; they are timed in lots, and an entry's latency is its
/// share of the lot.
/// </summary>
internal sealed class ScanAllWorker(BenchContext context, WorkerShare share)
    : ScanningWorker(context, share with { Operations = Lots(share.Operations) }, timedOneIn: 1)
{
    private const int Lot = 1000;

    private readonly long _present = context.Inserts.Present;
    private Scan? _scan;
    private long _seen;

    protected override int OperationsPerStep => Lot;

    protected override async ValueTask StepAsync(long operation)
    {
        var left = Lot;
        while (left > 0)
        {
            _scan ??= Store.OpenScan();
            var seen = await WalkAsync(_scan, left);
            (left, _seen) = (left - seen, _seen + seen);
            if (left > 0)
            {
                Close();
            }
        }

        if (operation == Share.Own - 1)
        {
            _scan?.Dispose();
        }
    }

    private static long Lots(long entries) => Math.Max(1, entries / Lot);

    private void Close()
    {
        _scan?.Dispose();
        _scan = null;
        if (_seen != _present)
        {
            throw Wrong($"a scan of everything gave {_seen} entries instead of {_present}");
        }

        _seen = 0;
    }
}
