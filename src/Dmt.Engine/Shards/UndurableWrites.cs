// Strict writes can be read before they are durable: in the process that has them that is right, for it is one order
// for all. But a shard goes on elsewhere when its owner is lost, without what was not durable, and whoever has read it
// would have seen what never was. So where shards move, who reads a key that has a strict write on its way waits for
// it.
//
// Kept by hash of the key: that two keys share one costs a wait, nothing else. A write is noted after the log has taken
// it and before it can be read; a reader asks after it has read. What is durable is forgotten by the writers that
// follow.
using System.Collections.Concurrent;
using Dmt.Core;
using Dmt.Core.Hashing;
using Dmt.Engine.Log;

namespace Dmt.Engine.Shards;

/// <summary>Strict writes of one shard that may not be durable yet. Safe for concurrent use.</summary>
internal sealed class UndurableWrites(INodeLog log)
{
    private readonly ConcurrentDictionary<ulong, long> _keys = []; // to where in the log the last write of it ends
    private readonly Queue<(ulong Hash, long Position)> _noted = []; // in order; guarded by the shard's write lock
    private long _wide; // the same of the last batch, which may have written any key
    private long _last; // the same of the last of all

    /// <summary>Under the shard's write lock.</summary>
    /// <param name="key">What is written.</param>
    /// <param name="position">Where in the log its record ends.</param>
    public void Add(ReadOnlySpan<byte> key, long position)
    {
        Note(XxHash64.Compute(key), position);
        Volatile.Write(ref _last, position);
    }

    /// <summary>Under the shard's write lock.</summary>
    /// <param name="batch">What is written.</param>
    /// <param name="position">Where in the log its record ends.</param>
    public void Add(WriteBatch batch, long position)
    {
        foreach (var operation in batch)
        {
            if (operation.Kind == WriteOperationKind.DeleteRange)
            {
                Volatile.Write(ref _wide, position);
            }
            else
            {
                Note(XxHash64.Compute(operation.Key), position);
            }
        }

        Volatile.Write(ref _last, position);
    }

    /// <summary>Completes when everything that may have been read of a key is durable.</summary>
    /// <exception cref="DmtException">Fenced; Unavailable: what was read must not be shown.</exception>
    public ValueTask WaitAsync(ReadOnlySpan<byte> key, CancellationToken cancellationToken)
    {
        if (_keys.IsEmpty && Volatile.Read(ref _wide) == 0)
        {
            return ValueTask.CompletedTask;
        }

        var position = Math.Max(_keys.GetValueOrDefault(XxHash64.Compute(key)), Volatile.Read(ref _wide));
        return position == 0 ? ValueTask.CompletedTask : log.WaitDurableAsync(position, cancellationToken);
    }

    /// <summary>Completes when everything that may have been read of any key is durable.</summary>
    /// <exception cref="DmtException">Fenced; Unavailable.</exception>
    public ValueTask WaitAllAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref _last) is > 0 and var last ? log.WaitDurableAsync(last, cancellationToken)
            : ValueTask.CompletedTask;

    private void Note(ulong hash, long position)
    {
        for (var durable = log.DurableEnd; _noted.TryPeek(out var first) && first.Position <= durable; _noted.Dequeue())
        {
            // Where it was written again since, it is that one that counts.
            _keys.TryRemove(new(first.Hash, first.Position));
        }

        _keys[hash] = position;
        _noted.Enqueue((hash, position));
    }
}
