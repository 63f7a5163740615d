namespace Dmt.Engine.Shards;

/// <summary>
/// The sequence numbers that open snapshots read at: versions that one of them sees are kept. Thread-safe.
/// </summary>
internal sealed class SnapshotList
{
    private readonly Lock _lock = new(); // guards _sequences
    private readonly List<ulong> _sequences = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _sequences.Count;
            }
        }
    }

    public void Add(ulong sequence)
    {
        lock (_lock)
        {
            var at = _sequences.BinarySearch(sequence);
            _sequences.Insert(at < 0 ? ~at : at, sequence);
        }
    }

    public void Remove(ulong sequence)
    {
        lock (_lock)
        {
            _sequences.RemoveAt(_sequences.BinarySearch(sequence));
        }
    }

    /// <summary>In rising order, each once.</summary>
    public ulong[] ToArray()
    {
        lock (_lock)
        {
            return [.. _sequences.Distinct()];
        }
    }
}
