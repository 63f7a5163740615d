using System.Runtime.InteropServices;

namespace Dmt.Bench.Peers;

/// <summary>
/// LevelDB by its C interface. Its write buffer is as large as DMT's memtable, 32 MiB: the default of 4 would make it
/// slow.
/// </summary>
internal sealed unsafe class LevelDbPeer : Peer
{
    private const int WriteBufferBytes = 32 << 20;

    private readonly nint _db;
    private readonly nint _unsynced = LevelDbNative.WriteOptionsCreate();
    private readonly nint _synced = LevelDbNative.WriteOptionsCreate();
    private readonly nint _read = LevelDbNative.ReadOptionsCreate();

    public LevelDbPeer(string folder)
    {
        var options = LevelDbNative.OptionsCreate();
        LevelDbNative.OptionsSetCreateIfMissing(options, 1);
        LevelDbNative.OptionsSetCompression(options, 0);
        LevelDbNative.OptionsSetWriteBuffer(options, WriteBufferBytes);
        LevelDbNative.OptionsSetFilter(options, LevelDbNative.FilterCreate(FilterBitsPerKey));
        LevelDbNative.OptionsSetCache(options, LevelDbNative.CacheCreate((nuint)CacheBytes));
        LevelDbNative.WriteOptionsSetSync(_synced, 1);
        byte* error = null;
        _db = LevelDbNative.Open(options, folder, &error);
        ThrowIf(error);
    }

    public override void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Put(key, value, _unsynced);

    public override void PutSync(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Put(key, value, _synced);

    public override bool Get(ReadOnlySpan<byte> key, in ValueCheck check)
    {
        byte* error = null;
        nuint length;
        fixed (byte* k = key)
        {
            var value = LevelDbNative.Get(_db, _read, k, (nuint)key.Length, &length, &error);
            ThrowIf(error);
            if (value == null)
            {
                return false;
            }

            var passes = check.Passes(new ReadOnlySpan<byte>(value, (int)length));
            LevelDbNative.Free(value);
            return passes ? true : throw BadValue();
        }
    }

    public override long Scan(ReadOnlySpan<byte> start, long limit)
    {
        var iterator = LevelDbNative.IteratorCreate(_db, _read);
        fixed (byte* s = start)
        {
            LevelDbNative.IteratorSeek(iterator, s, (nuint)start.Length);
        }

        long seen = 0;
        nuint keyBytes, valueBytes;
        for (; seen < limit && LevelDbNative.IteratorValid(iterator) != 0; seen++)
        {
            var key = LevelDbNative.IteratorKey(iterator, &keyBytes);
            var value = LevelDbNative.IteratorValue(iterator, &valueBytes);
            Look(new ReadOnlySpan<byte>(key, (int)keyBytes), new ReadOnlySpan<byte>(value, (int)valueBytes));
            LevelDbNative.IteratorNext(iterator);
        }

        LevelDbNative.IteratorDestroy(iterator);
        return seen;
    }

    public override void Compact() => LevelDbNative.CompactRange(_db, null, 0, null, 0);

    public override void Dispose() => LevelDbNative.Close(_db);

    private void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, nint options)
    {
        byte* error = null;
        fixed (byte* k = key, v = value)
        {
            LevelDbNative.Put(_db, options, k, (nuint)key.Length, v, (nuint)value.Length, &error);
        }

        ThrowIf(error);
    }

    private static void ThrowIf(byte* error)
    {
        if (error != null)
        {
            throw new IOException("leveldb: " + Marshal.PtrToStringUTF8((nint)error));
        }
    }
}
