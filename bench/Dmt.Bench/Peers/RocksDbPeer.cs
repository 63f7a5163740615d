using System.Runtime.InteropServices;

namespace Dmt.Bench.Peers;

/// <summary>
/// RocksDB by its C interface, its defaults but for what all peers have alike. Gets are pinned: the value is not
/// copied.
/// </summary>
internal sealed unsafe class RocksDbPeer : Peer
{
    private readonly nint _db;
    private readonly nint _unsynced = RocksDbNative.WriteOptionsCreate();
    private readonly nint _synced = RocksDbNative.WriteOptionsCreate();
    private readonly nint _read = RocksDbNative.ReadOptionsCreate();

    public RocksDbPeer(string folder)
    {
        var table = RocksDbNative.TableOptionsCreate();
        RocksDbNative.TableOptionsSetFilter(table, RocksDbNative.FilterCreate(FilterBitsPerKey));
        RocksDbNative.TableOptionsSetCache(table, RocksDbNative.CacheCreate((nuint)CacheBytes));
        var options = RocksDbNative.OptionsCreate();
        RocksDbNative.OptionsSetCreateIfMissing(options, 1);
        RocksDbNative.OptionsSetCompression(options, 0);
        RocksDbNative.OptionsSetTableOptions(options, table);
        RocksDbNative.WriteOptionsSetSync(_synced, 1);
        byte* error = null;
        _db = RocksDbNative.Open(options, folder, &error);
        ThrowIf(error);
    }

    public override void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Put(key, value, _unsynced);

    public override void PutSync(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Put(key, value, _synced);

    public override bool Get(ReadOnlySpan<byte> key, in ValueCheck check)
    {
        byte* error = null;
        fixed (byte* k = key)
        {
            var pinned = RocksDbNative.GetPinned(_db, _read, k, (nuint)key.Length, &error);
            ThrowIf(error);
            if (pinned == 0)
            {
                return false;
            }

            nuint length;
            var value = RocksDbNative.PinnedValue(pinned, &length);
            var passes = check.Passes(new ReadOnlySpan<byte>(value, (int)length));
            RocksDbNative.PinnedDestroy(pinned);
            return passes ? true : throw BadValue();
        }
    }

    public override long Scan(ReadOnlySpan<byte> start, long limit)
    {
        var iterator = RocksDbNative.IteratorCreate(_db, _read);
        fixed (byte* s = start)
        {
            RocksDbNative.IteratorSeek(iterator, s, (nuint)start.Length);
        }

        long seen = 0;
        nuint keyBytes, valueBytes;
        for (; seen < limit && RocksDbNative.IteratorValid(iterator) != 0; seen++)
        {
            var key = RocksDbNative.IteratorKey(iterator, &keyBytes);
            var value = RocksDbNative.IteratorValue(iterator, &valueBytes);
            Look(new ReadOnlySpan<byte>(key, (int)keyBytes), new ReadOnlySpan<byte>(value, (int)valueBytes));
            RocksDbNative.IteratorNext(iterator);
        }

        RocksDbNative.IteratorDestroy(iterator);
        return seen;
    }

    public override void Compact() => RocksDbNative.CompactRange(_db, null, 0, null, 0);

    public override void Dispose() => RocksDbNative.Close(_db);

    private void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, nint options)
    {
        byte* error = null;
        fixed (byte* k = key, v = value)
        {
            RocksDbNative.Put(_db, options, k, (nuint)key.Length, v, (nuint)value.Length, &error);
        }

        ThrowIf(error);
    }

    private static void ThrowIf(byte* error)
    {
        if (error != null)
        {
            throw new IOException("rocksdb: " + Marshal.PtrToStringUTF8((nint)error));
        }
    }
}
