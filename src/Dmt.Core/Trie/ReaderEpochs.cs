// Epoch-based reclamation (K. Fraser, "Practical lock-freedom", 2004, section 5.2.3), in the variant that frees up to
// the oldest reader instead of rotating three generations.
//
// A global epoch only ever rises. A reader that enters announces the epoch that it saw in a slot of its own, issues a
// full fence, and only then follows references. A writer first unlinks an object, then raises the epoch (a full fence,
// too): the new value is the object's stamp. The object may be freed once no slot announces an epoch below the stamp:
//   - a reader that announces the stamp or more read the epoch after it was raised, hence after the unlinking: it
//     cannot reach it;
//   - a reader whose slot still looked empty during the scan has its fence after the scan, hence follows references
//     only after the unlinking: it cannot reach it either, whatever (older) epoch it then announces;
//   - all others hold the object back.
//
// Stamps must be taken after a full fence that follows the unlinking. That is why trees stamp whole batches when they
// seal them (Advance), and not each node when they retire it.
using System.Runtime.CompilerServices;

namespace Dmt.Core.Trie;

/// <summary>
/// Decides when objects that readers may still hold can be freed. Readers enter and leave without a lock and without
/// writing to memory that other readers write to. One instance may serve many trees and other objects. All members are
/// safe for concurrent use.
/// </summary>
public sealed class ReaderEpochs
{
    /// <summary>Guards the growth of the slot arrays, the free pins and the queue.</summary>
    private readonly Lock _gate = new();
    private readonly Stack<EpochSlot> _freePins = new();
    private readonly Queue<Retired> _retired = new();
    private readonly EpochSlot _global = new() { Epoch = 1 };
    private EpochSlot?[] _threads = [];
    private EpochSlot[] _pins = [];
    private int _pinCount;

    /// <summary>How many slots a scan looks at: callers retire in batches in proportion to it.</summary>
    internal int SlotCount => Volatile.Read(ref _threads).Length + Volatile.Read(ref _pinCount);

    /// <summary>Objects handed to Retire that wait to be freed.</summary>
    public int PendingCount
    {
        get
        {
            lock (_gate)
            {
                return _retired.Count;
            }
        }
    }

    /// <summary>
    /// Begins a read on this thread; what it can reach from now on stays until the guard is disposed. May nest.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public EpochGuard Enter() => new(EnterThread());

    /// <summary>A pin for readers that are not bound to a thread. It comes out not held.</summary>
    public EpochPin CreatePin()
    {
        lock (_gate)
        {
            if (!_freePins.TryPop(out var slot))
            {
                slot = new EpochSlot();
                if (_pinCount == _pins.Length)
                {
                    var grown = new EpochSlot[Math.Max(4, _pinCount * 2)];
                    _pins.CopyTo(grown, 0);
                    Volatile.Write(ref _pins, grown);
                }

                _pins[_pinCount] = slot;
                Volatile.Write(ref _pinCount, _pinCount + 1);
            }

            return new EpochPin(this, slot);
        }
    }

    /// <summary>
    /// Runs <paramref name="free"/> at some <see cref="TryReclaim"/> after every reader of now has left.
    /// </summary>
    /// <param name="free">Frees an object that no new reader can reach any more. Must not throw.</param>
    public void Retire(Action free)
    {
        ArgumentNullException.ThrowIfNull(free);
        Retire(free, static action => action());
    }

    /// <summary>As <see cref="Retire(Action)"/>, without a closure.</summary>
    public void Retire<TState>(TState state, Action<TState> free)
    {
        ArgumentNullException.ThrowIfNull(free);
        lock (_gate)
        {
            // Stamped inside the lock, so that the queue is in the order of stamps.
            _retired.Enqueue(new Retired<TState>(state, free) { Stamp = Interlocked.Increment(ref _global.Epoch) });
        }
    }

    /// <summary>Frees what no reader can hold any more, on this thread. Never waits for readers.</summary>
    /// <returns>How many retired objects were freed.</returns>
    public int TryReclaim()
    {
        if (PendingCount == 0)
        {
            return 0;
        }

        Advance(out var safe);
        for (var freed = 0; ; freed++)
        {
            Retired? next;
            lock (_gate)
            {
                if (!_retired.TryPeek(out next) || next.Stamp > safe)
                {
                    return freed;
                }

                _retired.Dequeue();
            }

            next.Free();
        }
    }

    /// <summary>Raises the epoch and scans the readers.</summary>
    /// <param name="safe">Objects with this stamp or a lower one may be freed.</param>
    /// <returns>The stamp for all that the calling thread has unlinked so far.</returns>
    internal long Advance(out long safe)
    {
        var stamp = Interlocked.Increment(ref _global.Epoch);
        Interlocked.MemoryBarrier();
        safe = stamp;
        foreach (var slot in Volatile.Read(ref _threads))
        {
            safe = Oldest(slot, safe);
        }

        // The count is read first: the array that is read after it holds at least as many.
        var count = Volatile.Read(ref _pinCount);
        foreach (var slot in Volatile.Read(ref _pins).AsSpan(0, count))
        {
            safe = Oldest(slot, safe);
        }

        return stamp;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal EpochSlot EnterThread()
    {
        var index = ThreadIndex.Current;
        var threads = _threads;
        var slot = (uint)index < (uint)threads.Length ? threads[index] : null;
        slot ??= AddThread(index);
        Enter(slot);
        return slot;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter(EpochSlot slot)
    {
        if (slot.Depth++ == 0)
        {
            Volatile.Write(ref slot.Epoch, Volatile.Read(ref _global.Epoch));
            Interlocked.MemoryBarrier();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Exit(EpochSlot slot)
    {
        if (--slot.Depth == 0)
        {
            Volatile.Write(ref slot.Epoch, 0);
        }
    }

    /// <summary>
    /// Whether a slot that is inside announces the epoch of now, so that entering again would change nothing.
    /// </summary>
    internal bool IsCurrent(EpochSlot slot) => slot.Epoch == Volatile.Read(ref _global.Epoch);

    internal void ReturnPin(EpochSlot slot)
    {
        lock (_gate)
        {
            _freePins.Push(slot);
        }
    }

    private static long Oldest(EpochSlot? slot, long safe)
    {
        var epoch = slot is null ? 0 : Volatile.Read(ref slot.Epoch);
        return epoch != 0 && epoch < safe ? epoch : safe;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private EpochSlot AddThread(int index)
    {
        lock (_gate)
        {
            var threads = _threads;
            if (index >= threads.Length)
            {
                threads = new EpochSlot?[Math.Max(index + 1, threads.Length * 2)];
                _threads.CopyTo(threads, 0);
            }

            var slot = threads[index] ??= new EpochSlot();
            Volatile.Write(ref _threads, threads);
            return slot;
        }
    }

    private abstract class Retired
    {
        public long Stamp { get; init; }

        public abstract void Free();
    }

    private sealed class Retired<TState>(TState state, Action<TState> free) : Retired
    {
        public override void Free() => free(state);
    }
}
