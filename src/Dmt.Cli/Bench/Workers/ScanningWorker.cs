using System.Buffers.Binary;
using Dmt.Engine;

namespace Dmt.Cli.Bench.Workers;

/// <summary>
/// Walks scans, synchronously as far as they are, and checks of every entry the order of its key and the length of its
/// value.
/// </summary>
internal abstract class ScanningWorker(BenchContext context, WorkerShare share, int timedOneIn)
    : Worker(context, share, timedOneIn)
{
    private ulong _last;
    private int _seen;

    /// <summary>Takes up to this many entries of the scan.</summary>
    /// <returns>How many there were.</returns>
    protected async ValueTask<int> WalkAsync(Scan scan, int limit)
    {
        (_seen, _last) = (0, 0);
        while (await MoveToPendingAsync(scan, limit))
        {
            Take(scan);
        }

        Records += _seen;
        return _seen;
    }

    /// <summary>Takes entries while the scan moves synchronously. A completed answer is the end.</summary>
    private ValueTask<bool> MoveToPendingAsync(Scan scan, int limit)
    {
        while (_seen < limit)
        {
            var move = scan.MoveNextAsync();
            if (!move.IsCompletedSuccessfully)
            {
                return move;
            }

            if (!move.Result)
            {
                break;
            }

            Take(scan);
        }

        return ValueTask.FromResult(false);
    }

    private void Take(Scan scan)
    {
        var key = scan.Key;
        var first = key.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(key) : 0;
        if (first < _last || key.Length != Keys.KeyBytes || scan.Value.Length != Values.ValueBytes)
        {
            key.CopyTo(Key);
            throw Wrong("out of order or of the wrong length in a scan");
        }

        _last = first;
        _seen++;
    }
}
