// Which part lies in which slot of the cache file, and which slot is used again next: by the clock algorithm (second
// chance). All in memory, behind one lock that is never held during I/O. A slot is
//
//   free      on the free list;
//   busy      in the hands of one caller, who writes or clears it;
//   live      found under its part. Readers pin it: a pinned slot is neither used again nor cleared;
//   doomed    not found any more, but pinned: the last reader to leave gets it, busy, to clear it.
//
// Invariants: _slotOf names exactly the live slots; a table is known exactly while it has live slots; _bytes is the sum
// of their lengths. A slot takes 24 bytes here, and 28 in the dictionary, less than twice that while they grow.
using Dmt.Engine.Tables;

namespace Dmt.Engine.Objects.Caching;

/// <param name="capacity">Number of slots at most.</param>
internal sealed class PartIndex(int capacity)
{
    /// <summary>
    /// After a disk that is full refused a slot, this many slots are used again before another is tried.
    /// </summary>
    private const int PauseAfterFullDisk = 1024;

    private readonly Lock _lock = new(); // guards everything here
    private readonly Dictionary<long, int> _slotOf = [];
    private readonly Dictionary<TableId, Table> _tables = [];
    private readonly List<Table?> _byOrdinal = [];
    private readonly Stack<int> _ordinalsFree = new();
    private readonly Queue<int> _free = new(); // a slot that the disk refused is tried again last
    private Slot[] _slots = [];
    private int _used; // slots that were ever in use
    private int _hand;
    private int _pause;
    private long _bytes;
    private long _evictions;

    private enum State : byte
    {
        Free,
        Busy,
        Live,
        Doomed,
    }

    public int Capacity => capacity;

    /// <summary>Bytes of all parts that are found.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Parts that gave way to others.</summary>
    public long Evictions => Volatile.Read(ref _evictions);

    /// <summary>At the start: so many slots are about to be loaded.</summary>
    public void Expect(int slots)
    {
        lock (_lock)
        {
            _slotOf.EnsureCapacity(slots);
            Array.Resize(ref _slots, slots);
        }
    }

    /// <summary>At the start: a slot that has no part.</summary>
    public void LoadFree(int slot)
    {
        lock (_lock)
        {
            Cover(slot);
            _free.Enqueue(slot);
        }
    }

    /// <summary>At the start: a slot that has one. False where another slot has it already.</summary>
    public bool Load(int slot, in PartRecord record)
    {
        lock (_lock)
        {
            Cover(slot);
            _slots[slot].State = State.Busy;
            return PublishLocked(slot, record);
        }
    }

    /// <summary>Finds and pins a part. Whoever got it must <see cref="Unpin"/> it.</summary>
    /// <param name="table">The table.</param>
    /// <param name="part">The part's number.</param>
    /// <param name="slot">Where it lies.</param>
    /// <param name="checksum">The checksum that its bytes must have.</param>
    public bool TryPin(in TableId table, int part, out int slot, out uint checksum)
    {
        lock (_lock)
        {
            if (!_tables.TryGetValue(table, out var known) || !_slotOf.TryGetValue(KeyOf(known.Ordinal, part), out slot)
                || _slots[slot].Pins == ushort.MaxValue)
            {
                (slot, checksum) = (-1, 0);
                return false;
            }

            _slots[slot].Pins++;
            checksum = _slots[slot].Checksum;
            return true;
        }
    }

    /// <param name="slot">A pinned slot.</param>
    /// <param name="touch">It was of use: it outlives the next round of the clock.</param>
    /// <param name="doom">It is damaged: nobody is to find it any more.</param>
    /// <returns>True where the caller now has to clear and <see cref="Free"/> it.</returns>
    public bool Unpin(int slot, bool touch, bool doom)
    {
        lock (_lock)
        {
            ref var at = ref _slots[slot];
            at.Touched |= touch;
            if (doom && at.State == State.Live)
            {
                RemoveLocked(slot);
            }

            if (--at.Pins > 0 || at.State != State.Doomed)
            {
                return false;
            }

            at.State = State.Busy;
            return true;
        }
    }

    public bool Contains(in TableId table, int part)
    {
        lock (_lock)
        {
            return _tables.TryGetValue(table, out var known) && _slotOf.ContainsKey(KeyOf(known.Ordinal, part));
        }
    }

    /// <summary>
    /// A busy slot for the caller; -1 where all are in somebody's hands. Another part's record may still be there on
    /// disk.
    /// </summary>
    public int Reserve()
    {
        lock (_lock)
        {
            _pause -= _pause > 0 ? 1 : 0;
            var slot = _pause > 0 ? EvictLocked() : -1;
            if (slot < 0 && !_free.TryDequeue(out slot))
            {
                slot = _used < capacity ? _used : EvictLocked();
            }

            if (slot >= 0)
            {
                Cover(slot);
                _slots[slot].State = State.Busy;
            }

            return slot;
        }
    }

    /// <summary>Lets a busy slot be found.</summary>
    /// <returns>False where the part, or a table of another length, is there already: the slot stays the
    /// caller's.</returns>
    public bool Publish(int slot, in PartRecord record)
    {
        lock (_lock)
        {
            return PublishLocked(slot, record);
        }
    }

    /// <summary>Gives a busy slot back.</summary>
    public void Free(int slot)
    {
        lock (_lock)
        {
            FreeLocked(slot);
        }
    }

    /// <summary>Gives a busy slot back that the disk had no room for.</summary>
    public void FreeForWantOfSpace(int slot)
    {
        lock (_lock)
        {
            _pause = PauseAfterFullDisk;
            FreeLocked(slot);
        }
    }

    /// <summary>The length of a table, where some of it is here.</summary>
    public long? LengthOf(in TableId table)
    {
        lock (_lock)
        {
            return _tables.TryGetValue(table, out var known) ? known.Length : null;
        }
    }

    /// <summary>Nobody finds anything of the table any more.</summary>
    /// <returns>Slots, busy, for the caller to clear and <see cref="Free"/>.</returns>
    public List<int> Remove(in TableId table)
    {
        List<int> removed = [];
        lock (_lock)
        {
            if (!_tables.TryGetValue(table, out var known))
            {
                return removed;
            }

            for (var part = 0; known.Parts > 0; part++)
            {
                if (_slotOf.TryGetValue(KeyOf(known.Ordinal, part), out var slot))
                {
                    RemoveLocked(slot);
                    if (_slots[slot].Pins == 0)
                    {
                        _slots[slot].State = State.Busy;
                        removed.Add(slot);
                    }
                }
            }
        }

        return removed;
    }

    private static long KeyOf(int ordinal, int part) => ((long)ordinal << 32) | (uint)part;

    private void Cover(int slot)
    {
        _used = Math.Max(_used, slot + 1);
        if (slot >= _slots.Length)
        {
            Array.Resize(ref _slots, (int)Math.Min(capacity, Math.Max(64, (slot + 1L) * 3 / 2)));
        }
    }

    private bool PublishLocked(int slot, in PartRecord record)
    {
        if (!_tables.TryGetValue(record.Table, out var table))
        {
            var ordinal = _ordinalsFree.TryPop(out var recycled) ? recycled : _byOrdinal.Count;
            table = new Table(record.Table, ordinal, record.TableLength);
            _tables.Add(record.Table, table);
            if (ordinal == _byOrdinal.Count)
            {
                _byOrdinal.Add(null);
            }

            _byOrdinal[ordinal] = table;
        }

        var key = KeyOf(table.Ordinal, record.Part);
        if (table.Length != record.TableLength || !_slotOf.TryAdd(key, slot))
        {
            return false;
        }

        table.Parts++;
        var length = DiskCacheFormat.LengthOf(record.Part, record.TableLength);
        _slots[slot] = new Slot
        {
            Key = key,
            Checksum = record.Checksum,
            LengthLess1 = (ushort)(length - 1),
            State = State.Live,
        };
        Volatile.Write(ref _bytes, _bytes + length);
        return true;
    }

    /// <summary>From live to doomed.</summary>
    private void RemoveLocked(int slot)
    {
        ref var at = ref _slots[slot];
        at.State = State.Doomed;
        Volatile.Write(ref _bytes, _bytes - at.LengthLess1 - 1);
        _slotOf.Remove(at.Key);
        var table = _byOrdinal[(int)(at.Key >> 32)]!;
        if (--table.Parts == 0)
        {
            _tables.Remove(table.Id);
            _byOrdinal[table.Ordinal] = null;
            _ordinalsFree.Push(table.Ordinal);
        }
    }

    private void FreeLocked(int slot)
    {
        _slots[slot].State = State.Free;
        _free.Enqueue(slot);
    }

    /// <summary>Two rounds: the first may find all touched.</summary>
    private int EvictLocked()
    {
        for (var steps = 2L * _used; steps > 0; steps--)
        {
            _hand = _hand + 1 >= _used ? 0 : _hand + 1;
            ref var at = ref _slots[_hand];
            if (at.State != State.Live || at.Pins > 0)
            {
                continue;
            }

            if (at.Touched)
            {
                at.Touched = false;
                continue;
            }

            RemoveLocked(_hand);
            Volatile.Write(ref _evictions, _evictions + 1);
            return _hand;
        }

        return -1;
    }

    private struct Slot
    {
        public long Key;
        public uint Checksum;
        public ushort LengthLess1;
        public ushort Pins;
        public State State;
        public bool Touched;
    }

    private sealed class Table(TableId id, int ordinal, long length)
    {
        public TableId Id => id;

        public int Ordinal => ordinal;

        public long Length => length;

        /// <summary>Live slots.</summary>
        public int Parts { get; set; }
    }
}
