using System.Runtime.InteropServices;

namespace Dmt.Bench.Peers;

/// <summary>The part of LMDB's interface (lmdb.h) that is needed. Calls return 0 or an error code.</summary>
internal static unsafe partial class LmdbNative
{
    public const uint NoSync = 0x10000;
    public const uint ReadOnly = 0x20000;
    public const int NotFound = -30798;
    public const int CursorFirst = 0;
    public const int CursorNext = 8;
    public const int CursorSetRange = 17;

    private const string Library = PeerCatalog.Lmdb;

    [LibraryImport(Library, EntryPoint = "mdb_env_create")]
    public static partial int EnvironmentCreate(out nint environment);

    [LibraryImport(Library, EntryPoint = "mdb_env_set_mapsize")]
    public static partial int EnvironmentSetMapSize(nint environment, nuint bytes);

    [LibraryImport(Library, EntryPoint = "mdb_env_open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int EnvironmentOpen(nint environment, string folder, uint flags, uint mode);

    [LibraryImport(Library, EntryPoint = "mdb_env_set_flags")]
    public static partial int EnvironmentSetFlags(nint environment, uint flags, int on);

    [LibraryImport(Library, EntryPoint = "mdb_env_sync")]
    public static partial int EnvironmentSync(nint environment, int force);

    [LibraryImport(Library, EntryPoint = "mdb_env_close")]
    public static partial void EnvironmentClose(nint environment);

    [LibraryImport(Library, EntryPoint = "mdb_txn_begin")]
    public static partial int TransactionBegin(nint environment, nint parent, uint flags, out nint transaction);

    [LibraryImport(Library, EntryPoint = "mdb_txn_commit")]
    public static partial int TransactionCommit(nint transaction);

    [LibraryImport(Library, EntryPoint = "mdb_txn_abort")]
    public static partial void TransactionAbort(nint transaction);

    [LibraryImport(Library, EntryPoint = "mdb_txn_reset")]
    public static partial void TransactionReset(nint transaction);

    [LibraryImport(Library, EntryPoint = "mdb_txn_renew")]
    public static partial int TransactionRenew(nint transaction);

    [LibraryImport(Library, EntryPoint = "mdb_dbi_open")]
    public static partial int DatabaseOpen(nint transaction, nint name, uint flags, out uint database);

    [LibraryImport(Library, EntryPoint = "mdb_put")]
    public static partial int Put(nint transaction, uint database, Value* key, Value* value, uint flags);

    [LibraryImport(Library, EntryPoint = "mdb_get")]
    public static partial int Get(nint transaction, uint database, Value* key, Value* value);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_open")]
    public static partial int CursorOpen(nint transaction, uint database, out nint cursor);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_get")]
    public static partial int CursorGet(nint cursor, Value* key, Value* value, int operation);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_close")]
    public static partial void CursorClose(nint cursor);

    /// <summary>MDB_val: bytes of the caller or of the map.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Value(byte* bytes, int length)
    {
        public nuint Length = (nuint)length;
        public byte* Bytes = bytes;

        public readonly ReadOnlySpan<byte> Span => new(Bytes, (int)Length);
    }
}
