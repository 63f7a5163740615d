namespace Dmt.Bench.Peers;

/// <summary>
/// LMDB: one transaction for each put, not synced (MDB_NOSYNC) but for the synced ones; one read transaction that is
/// renewed for each read. It has no log, no filter, and the page cache for a cache.
/// </summary>
internal sealed unsafe class LmdbPeer : Peer
{
    private const long MapBytes = 16L << 30;
    private const uint FileMode = 0x1A4;

    private readonly nint _environment;
    private readonly uint _database;
    private readonly nint _reader;
    private bool _isSyncing;

    public LmdbPeer(string folder)
    {
        Check(LmdbNative.EnvironmentCreate(out _environment));
        Check(LmdbNative.EnvironmentSetMapSize(_environment, unchecked((nuint)MapBytes)));
        Check(LmdbNative.EnvironmentOpen(_environment, folder, LmdbNative.NoSync, FileMode));
        Check(LmdbNative.TransactionBegin(_environment, 0, 0, out var transaction));
        Check(LmdbNative.DatabaseOpen(transaction, 0, 0, out _database));
        Check(LmdbNative.TransactionCommit(transaction));
        Check(LmdbNative.TransactionBegin(_environment, 0, LmdbNative.ReadOnly, out _reader));
        LmdbNative.TransactionReset(_reader);
    }

    public override void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* k = key, v = value)
        {
            var (keyValue, valueValue) = (new LmdbNative.Value(k, key.Length), new LmdbNative.Value(v, value.Length));
            Check(LmdbNative.TransactionBegin(_environment, 0, 0, out var transaction));
            Check(LmdbNative.Put(transaction, _database, &keyValue, &valueValue, 0));
            Check(LmdbNative.TransactionCommit(transaction));
        }
    }

    public override void PutSync(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!_isSyncing)
        {
            Check(LmdbNative.EnvironmentSync(_environment, 1));
            Check(LmdbNative.EnvironmentSetFlags(_environment, LmdbNative.NoSync, 0));
            _isSyncing = true;
        }

        Put(key, value);
    }

    public override bool Get(ReadOnlySpan<byte> key, in ValueCheck check)
    {
        fixed (byte* k = key)
        {
            var (keyValue, value) = (new LmdbNative.Value(k, key.Length), default(LmdbNative.Value));
            Check(LmdbNative.TransactionRenew(_reader));
            var found = LmdbNative.Get(_reader, _database, &keyValue, &value);
            if (found == LmdbNative.NotFound)
            {
                LmdbNative.TransactionReset(_reader);
                return false;
            }

            Check(found);
            var passes = check.Passes(value.Span);
            LmdbNative.TransactionReset(_reader);
            return passes ? true : throw BadValue();
        }
    }

    public override long Scan(ReadOnlySpan<byte> start, long limit)
    {
        Check(LmdbNative.TransactionRenew(_reader));
        Check(LmdbNative.CursorOpen(_reader, _database, out var cursor));
        long seen = 0;
        fixed (byte* s = start)
        {
            var (key, value) = (new LmdbNative.Value(s, start.Length), default(LmdbNative.Value));
            var operation = start.IsEmpty ? LmdbNative.CursorFirst : LmdbNative.CursorSetRange;
            while (seen < limit && LmdbNative.CursorGet(cursor, &key, &value, operation) == 0)
            {
                Look(key.Span, value.Span);
                seen++;
                operation = LmdbNative.CursorNext;
            }
        }

        LmdbNative.CursorClose(cursor);
        LmdbNative.TransactionReset(_reader);
        return seen;
    }

    public override bool Compacts => false;

    public override void Compact()
    {
    }

    public override void Dispose()
    {
        LmdbNative.TransactionAbort(_reader);
        LmdbNative.EnvironmentClose(_environment);
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new IOException($"lmdb: error {result}");
        }
    }
}
