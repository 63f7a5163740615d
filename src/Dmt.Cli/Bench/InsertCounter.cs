namespace Dmt.Cli.Bench;

/// <summary>
/// Which indices are in the store: 0 to <see cref="Present"/> - 1. Writers take the next index, insert it, and say so;
/// one that finished before an earlier one did is held back, so that a reader never asks for what is still on its way.
/// Safe for concurrent use.
/// </summary>
internal sealed class InsertCounter(long present)
{
    private readonly Lock _lock = new();
    private readonly HashSet<long> _early = [];
    private long _next = present;
    private long _present = present;

    public long Present => Volatile.Read(ref _present);

    /// <summary>An index for the caller to insert.</summary>
    public long Take() => Interlocked.Increment(ref _next) - 1;

    /// <summary>The index is in the store.</summary>
    public void Inserted(long index)
    {
        lock (_lock)
        {
            if (index != _present)
            {
                _early.Add(index);
                return;
            }

            var present = _present + 1;
            while (_early.Remove(present))
            {
                present++;
            }

            Volatile.Write(ref _present, present);
        }
    }
}
