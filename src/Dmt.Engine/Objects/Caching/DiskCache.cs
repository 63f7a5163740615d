// Parts of tables in a file of slots, so that what was once fetched from a bucket is fetched from the disk the next
// time, after a restart as well. Two files: `parts` has the bytes, `index` a record for each slot (DiskCacheFormat).
//
// A part is written first, its record after it, and then it is found; before a slot is used again its old record is
// cleared. So a process may be killed at any moment. Nothing is ever synced: after a power failure records and parts
// may stem from different moments, and the checksums tell. What does not check is a miss, and its slot is freed.
//
// The disk is never in the way: whatever it refuses is counted, and the caller goes to the store.
//
// Reads and writes run on the calling thread, as in a local store (ADR 6).
using System.Buffers;
using System.Text;
using Dmt.Core;
using Dmt.Core.Hashing;
using Dmt.Engine.Checksums;
using Dmt.Engine.Platform;
using Dmt.Engine.Tables;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Objects.Caching;

/// <summary>A cache of table parts in one folder. Safe for concurrent use.</summary>
internal sealed class DiskCache : IDisposable
{
    private const int LoadRecords = 4096;

    /// <summary>Records of free slots: as many as are cleared at once.</summary>
    private static readonly byte[] _freeRecords = new byte[256 * DiskCacheFormat.RecordBytes];

    private readonly DiskCacheFolder _folder;
    private readonly SafeFileHandle _index;
    private readonly SafeFileHandle _parts;
    private readonly ulong _store;
    private readonly PartIndex _slots;
    private volatile bool _closed;
    private long _hits;
    private long _misses;
    private long _failures;

    private DiskCache(DiskCacheFolder folder, SafeFileHandle index, SafeFileHandle parts, ulong store, long bytesMax)
    {
        (_folder, _index, _parts, _store, BytesMax) = (folder, index, parts, store, bytesMax);
        _slots = new PartIndex((int)Math.Min(bytesMax / DiskCacheFormat.SlotBytes, int.MaxValue / 2));
    }

    /// <summary>Bytes on disk at most.</summary>
    public long BytesMax { get; }

    /// <summary>Parts of one table at most: what is larger does not drive everything else out.</summary>
    public int PartsOfTableMax => Math.Max(1, _slots.Capacity / 2);

    public DiskCacheStatistics Statistics => new()
    {
        Hits = Volatile.Read(ref _hits),
        Misses = Volatile.Read(ref _misses),
        Bytes = _slots.Bytes,
        BytesMax = BytesMax,
        Evictions = _slots.Evictions,
        Failures = Volatile.Read(ref _failures),
    };

    /// <summary>Opens the cache in a folder, and finds what is in it.</summary>
    /// <param name="path">The folder; made where it is missing.</param>
    /// <param name="identity">Names the store, and no other that there was or will be.</param>
    /// <param name="bytesMax">Bytes on disk at most, one slot at least.</param>
    /// <exception cref="DmtException">As <see cref="DiskCacheFolder.Open"/>.</exception>
    public static DiskCache Open(string path, string identity, long bytesMax)
    {
        var folder = DiskCacheFolder.Open(path, identity);
        SafeFileHandle? index = null;
        SafeFileHandle? parts = null;
        try
        {
            index = folder.OpenFile(DiskCacheFolder.IndexFile);
            parts = folder.OpenFile(DiskCacheFolder.PartsFile);
            var store = XxHash64.Compute(Encoding.UTF8.GetBytes(identity));
            var cache = new DiskCache(folder, index, parts, store, bytesMax);
            cache.Load();
            return cache;
        }
        catch (Exception e)
        {
            index?.Dispose();
            parts?.Dispose();
            folder.Dispose();
            if (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, folder.Path, folder.Path);
            }

            throw;
        }
    }

    /// <summary>Fills <paramref name="to"/> from a part, if it is here and undamaged.</summary>
    /// <param name="table">The table.</param>
    /// <param name="part">The part's number.</param>
    /// <param name="partLength">The part's length.</param>
    /// <param name="from">Where in the part to begin.</param>
    /// <param name="to">Holds anything where the answer is false.</param>
    /// <param name="once">It will not be read again soon.</param>
    public bool TryRead(in TableId table, int part, int partLength, int from, Span<byte> to, bool once)
    {
        if (_closed || !_slots.TryPin(table, part, out var slot, out var checksum))
        {
            return false;
        }

        bool? good = null;
        try
        {
            good = Read(slot, partLength, checksum, from, to);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            good = false;
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile: the part is as good as it was.
        }

        if (good == false)
        {
            Interlocked.Increment(ref _failures);
        }

        if (_slots.Unpin(slot, touch: good == true && !once, doom: good == false))
        {
            Release(slot);
        }

        if (good == true)
        {
            Interlocked.Increment(ref _hits);
        }

        return good == true;
    }

    /// <summary>Counts parts that had to be fetched.</summary>
    public void Missed(int parts) => Interlocked.Add(ref _misses, parts);

    /// <summary>Keeps a part, if there is room and it is not here yet.</summary>
    public void Add(in TableId table, long tableLength, int part, ReadOnlySpan<byte> bytes)
    {
        if (!_slots.Contains(table, part) && TryStage(bytes, out var staged))
        {
            Publish(staged, table, tableLength, part);
        }
    }

    /// <summary>Writes a part that nobody finds yet. It is to be published or discarded.</summary>
    public bool TryStage(ReadOnlySpan<byte> bytes, out StagedPart staged)
    {
        staged = default;
        var slot = _closed ? -1 : _slots.Reserve();
        if (slot < 0)
        {
            return false;
        }

        // The record first: a process that is killed here leaves none of what is overwritten, and on a disk that fills
        // up no part takes the place that its record would need.
        if (!Clear(slot) || !Write(slot, _parts, DiskCacheFormat.OffsetOf(slot), bytes))
        {
            return false;
        }

        staged = new StagedPart(slot, Crc32C.Compute(bytes));
        return true;
    }

    /// <summary>Lets a staged part be found, now and after a restart.</summary>
    public void Publish(StagedPart staged, in TableId table, long tableLength, int part)
    {
        var record = new PartRecord(table, tableLength, part, staged.Checksum);
        Span<byte> bytes = stackalloc byte[DiskCacheFormat.RecordBytes];
        DiskCacheFormat.Write(record, _store, bytes);
        if (Write(staged.Slot, _index, RecordAt(staged.Slot), bytes) && !_slots.Publish(staged.Slot, record))
        {
            Discard(staged);
        }
    }

    public void Discard(StagedPart staged) => Release(staged.Slot);

    /// <summary>Forgets what is here of a table that has another length: it is not the table that was meant.</summary>
    public void Expect(in TableId table, long tableLength)
    {
        if (_slots.LengthOf(table) is { } length && length != tableLength)
        {
            Drop(table);
        }
    }

    /// <summary>Forgets a part.</summary>
    public void Forget(in TableId table, int part)
    {
        if (_slots.TryPin(table, part, out var slot, out _) && _slots.Unpin(slot, touch: false, doom: true))
        {
            Release(slot);
        }
    }

    /// <summary>Forgets a table.</summary>
    public void Drop(in TableId table)
    {
        var slots = _slots.Remove(table);
        slots.Sort();
        for (var first = 0; first < slots.Count;)
        {
            // A table that was written through lies in one piece, mostly.
            var count = 1;
            while (first + count < slots.Count && slots[first + count] == slots[first] + count
                && count * DiskCacheFormat.RecordBytes < _freeRecords.Length)
            {
                count++;
            }

            // Where this fails, records stay that are found again after a restart, by nobody.
            _ = TryWrite(_index, RecordAt(slots[first]), _freeRecords.AsSpan(0, count * DiskCacheFormat.RecordBytes));
            for (; count > 0; count--)
            {
                _slots.Free(slots[first++]);
            }
        }
    }

    /// <summary>Closes the cache; from then on everything is a miss.</summary>
    public void Dispose()
    {
        _closed = true;
        _index.Dispose();
        _parts.Dispose();
        _folder.Dispose();
    }

    private void Load()
    {
        // A cache that was larger gives the rest back to the disk.
        Shrink(_index, (long)_slots.Capacity * DiskCacheFormat.RecordBytes);
        Shrink(_parts, DiskCacheFormat.OffsetOf(_slots.Capacity));
        var partsEnd = RandomAccess.GetLength(_parts);
        var records = (int)(RandomAccess.GetLength(_index) / DiskCacheFormat.RecordBytes);
        _slots.Expect(records);
        var buffer = new byte[LoadRecords * DiskCacheFormat.RecordBytes];
        for (var slot = 0; slot < records;)
        {
            var read = RandomAccess.Read(_index, buffer, (long)slot * DiskCacheFormat.RecordBytes);
            if (read < DiskCacheFormat.RecordBytes)
            {
                return;
            }

            for (var at = 0; at + DiskCacheFormat.RecordBytes <= read; at += DiskCacheFormat.RecordBytes, slot++)
            {
                if (!DiskCacheFormat.TryRead(buffer.AsSpan(at), _store, out var record)
                    || DiskCacheFormat.OffsetOf(slot) + DiskCacheFormat.LengthOf(record.Part, record.TableLength)
                        > partsEnd
                    || !_slots.Load(slot, record))
                {
                    _slots.LoadFree(slot);
                }
            }
        }
    }

    private static void Shrink(SafeFileHandle file, long length)
    {
        if (RandomAccess.GetLength(file) > length)
        {
            RandomAccess.SetLength(file, length);
        }
    }

    /// <returns>False where the part is damaged.</returns>
    private bool Read(int slot, int partLength, uint checksum, int from, Span<byte> to)
    {
        if (to.Length == partLength)
        {
            return ReadWhole(slot, to, checksum);
        }

        var whole = ArrayPool<byte>.Shared.Rent(DiskCacheFormat.PartBytes);
        try
        {
            if (!ReadWhole(slot, whole.AsSpan(0, partLength), checksum))
            {
                return false;
            }

            whole.AsSpan(from, to.Length).CopyTo(to);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    private bool ReadWhole(int slot, Span<byte> part, uint checksum)
    {
        for (var filled = 0; filled < part.Length;)
        {
            var read = RandomAccess.Read(_parts, part[filled..], DiskCacheFormat.OffsetOf(slot) + filled);
            if (read == 0)
            {
                return false;
            }

            filled += read;
        }

        return Crc32C.Compute(part) == checksum;
    }

    /// <summary>Clears a busy slot and gives it back.</summary>
    private void Release(int slot)
    {
        if (Clear(slot))
        {
            _slots.Free(slot);
        }
    }

    /// <summary>Clears a slot's record. Where that fails the slot is given back, and the answer false.</summary>
    private bool Clear(int slot) =>
        Write(slot, _index, RecordAt(slot), _freeRecords.AsSpan(0, DiskCacheFormat.RecordBytes));

    private static long RecordAt(int slot) => (long)slot * DiskCacheFormat.RecordBytes;

    /// <summary>Writes for a busy slot. Where that fails the slot is given back, and the answer false.</summary>
    private bool Write(int slot, SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
    {
        switch (TryWrite(file, offset, bytes))
        {
            case Outcome.Done:
                return true;
            case Outcome.DiskFull:
                _slots.FreeForWantOfSpace(slot);
                return false;
            default:
                _slots.Free(slot);
                return false;
        }
    }

    private Outcome TryWrite(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
            return Outcome.Done;
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            Interlocked.Increment(ref _failures);
            return FileErrors.IsDiskFull(e) ? Outcome.DiskFull : Outcome.Failed;
        }
        catch (ObjectDisposedException)
        {
            return Outcome.Failed; // Closed meanwhile: no failure of the disk.
        }
    }

    private enum Outcome
    {
        Done,
        DiskFull,
        Failed,
    }
}

/// <summary>A part that is on disk and not found yet.</summary>
/// <param name="Slot">Where.</param>
/// <param name="Checksum">CRC-32C of its bytes.</param>
internal readonly record struct StagedPart(int Slot, uint Checksum);
