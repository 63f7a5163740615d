namespace Dmt.Core.Trie;

/// <summary>
/// Nodes that were replaced and wait until no reader holds them: a ring of (handle, bytes), in batches that were
/// stamped together (see ReaderEpochs.cs). Belongs to the writer of one tree.
/// </summary>
internal sealed class RetiredNodes(NativeArena arena, ReaderEpochs epochs)
{
    /// <summary>Nodes to a batch, at least; more where many readers make the scan dear.</summary>
    private const int BatchMin = 64;

    private readonly Queue<(long Stamp, int Count)> _batches = new();
    private (uint Handle, int Bytes)[] _ring = new (uint, int)[16];
    private int _head;
    private int _count;
    private int _unstamped;

    /// <summary>How many nodes wait.</summary>
    public int Count => _count;

    /// <summary>Takes a node that was just unlinked.</summary>
    public void Add(uint handle, int bytes)
    {
        if (_count == _ring.Length)
        {
            Grow();
        }

        _ring[(_head + _count) & (_ring.Length - 1)] = (handle, bytes);
        _count++;
        _unstamped++;
    }

    /// <summary>Reclaims when it is worth it.</summary>
    public void Tick()
    {
        if (_unstamped >= BatchMin && _unstamped >= epochs.SlotCount * 4)
        {
            Reclaim();
        }
    }

    /// <summary>Stamps what was added, and frees what no reader can hold.</summary>
    public void Reclaim()
    {
        if (_count == 0)
        {
            return;
        }

        var stamp = epochs.Advance(out var safe);
        if (_unstamped > 0)
        {
            _batches.Enqueue((stamp, _unstamped));
            _unstamped = 0;
        }

        while (_batches.TryPeek(out var batch) && batch.Stamp <= safe)
        {
            _batches.Dequeue();
            for (var i = 0; i < batch.Count; i++)
            {
                var (handle, bytes) = _ring[_head];
                arena.Free(handle, bytes);
                _head = (_head + 1) & (_ring.Length - 1);
            }

            _count -= batch.Count;
        }
    }

    private void Grow()
    {
        var ring = new (uint, int)[_ring.Length * 2];
        for (var i = 0; i < _count; i++)
        {
            ring[i] = _ring[(_head + i) & (_ring.Length - 1)];
        }

        _ring = ring;
        _head = 0;
    }
}
