using Dmt.Core.Keys;

namespace Dmt.Cli.Bench.Workers;

/// <summary>
/// Lists the first ten entries under a random prefix; the prefixes are as long as they can be with ten keys each on
/// average.
/// </summary>
internal sealed class PrefixWorker(BenchContext context, WorkerShare share)
    : ScanningWorker(context, share, timedOneIn: 1)
{
    private const int Entries = 10;

    private readonly long _present = context.Inserts.Present;
    private readonly int _prefixBytes = PrefixBytes(context.Inserts.Present);

    protected override async ValueTask StepAsync(long operation)
    {
        Keys.Format(Keys.Identity(Random.Below(_present)), Key);
        using var scan = Store.OpenScan(KeyRange.Prefix(Key.AsMemory(0, _prefixBytes)));
        if (await WalkAsync(scan, Entries) == 0)
        {
            throw Wrong($"nothing under its first {_prefixBytes} bytes");
        }
    }

    private static int PrefixBytes(long keys)
    {
        var bytes = 0;
        for (var perPrefix = keys / 16; perPrefix >= Entries; perPrefix /= 16)
        {
            bytes++;
        }

        return bytes;
    }
}
