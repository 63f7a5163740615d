// The newest writes, in memory: an adaptive radix tree from keys to chains of versions. The tree's payload is the
// handle of the newest version's record; each record names the one before it. Records lie in the tree's own arena, so
// one figure counts all memory, and all of it goes at once when the last reader has left.
//
// A record is: previous handle u32, kind and flags u32 (bits 0-1 EntryKind, bits 16.. metadata length), sequence u64,
// expiry i64, value length i32, padding, value, metadata. It never changes once it is published.
//
// One writer at a time (the shard's write lock). Readers pass a sequence number and ignore what is above it, so they
// see whole batches only.
using System.Runtime.CompilerServices;
using Dmt.Core.Trie;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Memory;

internal sealed unsafe class MemTable
{
    private const int HeaderBytes = 32;

    private readonly MemoryBudget _budget;
    private readonly Lock _rangesLock = new(); // guards _newRanges and the rebuilding of _ranges
    private readonly List<RangeTombstone> _allRanges = [];
    private RangeTombstoneSet? _ranges = RangeTombstoneSet.Empty;
    private long _budgeted;
    private int _references = 1;

    public MemTable(ReaderEpochs epochs, MemoryBudget budget)
    {
        _budget = budget;
        Tree = new RadixTree(epochs);
    }

    public RadixTree Tree { get; }

    /// <summary>Lowest sequence number in it; meaningless while empty.</summary>
    public ulong SequenceMin { get; private set; } = ulong.MaxValue;

    public ulong SequenceMax { get; private set; }

    /// <summary>Versions of keys.</summary>
    public long Entries { get; private set; }

    public int RangeTombstoneCount { get; private set; }

    public bool IsEmpty => Entries == 0 && RangeTombstoneCount == 0;

    /// <summary>Bytes of memory that it holds.</summary>
    public long Bytes => Tree.Arena.BytesReserved;

    /// <summary>Bytes in use: what the flush threshold looks at.</summary>
    public long BytesUsed => Tree.Arena.BytesUsed + (RangeTombstoneCount * 128L);

    /// <summary>The range tombstones in it, as far as they are published.</summary>
    public RangeTombstoneSet RangeTombstones => Volatile.Read(ref _ranges) ?? RebuildRanges();

    public void Add(in EntryData entry)
    {
        var record = Tree.Arena.Allocate(HeaderBytes + entry.Value.Length + entry.Metadata.Length, out var handle);
        *(uint*)record = 0;
        *(uint*)(record + 4) = (uint)entry.Kind | ((uint)entry.Metadata.Length << 16);
        *(ulong*)(record + 8) = entry.Sequence;
        *(long*)(record + 16) = entry.ExpiresAtMs;
        *(int*)(record + 24) = entry.Value.Length;
        entry.Value.CopyTo(new Span<byte>(record + HeaderBytes, entry.Value.Length));
        entry.Metadata.CopyTo(new Span<byte>(record + HeaderBytes + entry.Value.Length, entry.Metadata.Length));
        ref var newest = ref Tree.GetOrAdd(entry.Key, handle, out var added);
        if (!added)
        {
            *(uint*)record = (uint)newest;
            Volatile.Write(ref newest, handle);
        }

        Entries++;
        Note(entry.Sequence);
    }

    public void Add(RangeTombstone tombstone)
    {
        lock (_rangesLock)
        {
            _allRanges.Add(tombstone);
            Volatile.Write(ref _ranges, null);
        }

        RangeTombstoneCount++;
        Note(tombstone.Sequence);
    }

    /// <summary>
    /// Finds the newest version of the key as of a sequence number. The spans are good as long as the caller's epoch
    /// guard or reference is held. Range tombstones are not asked.
    /// </summary>
    public bool TryGet(ReadOnlySpan<byte> key, ulong asOf, ref EntryData entry)
    {
        if (!Tree.TryGet(key, out var handle))
        {
            return false;
        }

        var record = FindVersion((uint)handle, asOf);
        if (record == null)
        {
            return false;
        }

        Read(record, ref entry);
        return true;
    }

    /// <summary>The newest version not above <paramref name="asOf"/> in the chain; null for none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* FindVersion(uint handle, ulong asOf)
    {
        while (handle != 0)
        {
            var record = Tree.Arena.Resolve(handle);
            if (*(ulong*)(record + 8) <= asOf)
            {
                return record;
            }

            handle = *(uint*)record;
        }

        return null;
    }

    /// <summary>The version before; null for none.</summary>
    public byte* Previous(byte* record) => *(uint*)record == 0 ? null : Tree.Arena.Resolve(*(uint*)record);

    /// <summary>Fills everything but the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* record, ref EntryData entry)
    {
        var kind = *(uint*)(record + 4);
        var valueLength = *(int*)(record + 24);
        entry.Kind = (EntryKind)(kind & 3);
        entry.Sequence = *(ulong*)(record + 8);
        entry.ExpiresAtMs = *(long*)(record + 16);
        entry.Value = new ReadOnlySpan<byte>(record + HeaderBytes, valueLength);
        entry.Metadata = new ReadOnlySpan<byte>(record + HeaderBytes + valueLength, (int)(kind >> 16));
    }

    /// <summary>Keeps the memory; the caller must hold an epoch guard or a reference itself.</summary>
    public void AddReference() => Interlocked.Increment(ref _references);

    public void RemoveReference()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            Tree.Dispose();
            _budget.AddMemtableBytes(-_budgeted);
        }
    }

    private void Note(ulong sequence)
    {
        SequenceMin = Math.Min(SequenceMin, sequence);
        SequenceMax = sequence;
        var bytes = Bytes;
        if (bytes != _budgeted)
        {
            _budget.AddMemtableBytes(bytes - _budgeted);
            _budgeted = bytes;
        }
    }

    private RangeTombstoneSet RebuildRanges()
    {
        lock (_rangesLock)
        {
            return _ranges ??= RangeTombstoneSet.Build(_allRanges);
        }
    }
}
