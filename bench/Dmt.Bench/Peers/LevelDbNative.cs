using System.Runtime.InteropServices;

namespace Dmt.Bench.Peers;

/// <summary>The part of LevelDB's C interface (leveldb/c.h) that is needed.</summary>
internal static unsafe partial class LevelDbNative
{
    private const string Library = PeerCatalog.LevelDb;

    [LibraryImport(Library, EntryPoint = "leveldb_options_create")]
    public static partial nint OptionsCreate();

    [LibraryImport(Library, EntryPoint = "leveldb_options_set_create_if_missing")]
    public static partial void OptionsSetCreateIfMissing(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "leveldb_options_set_compression")]
    public static partial void OptionsSetCompression(nint options, int none);

    [LibraryImport(Library, EntryPoint = "leveldb_options_set_write_buffer_size")]
    public static partial void OptionsSetWriteBuffer(nint options, nuint bytes);

    [LibraryImport(Library, EntryPoint = "leveldb_filterpolicy_create_bloom")]
    public static partial nint FilterCreate(int bitsPerKey);

    [LibraryImport(Library, EntryPoint = "leveldb_options_set_filter_policy")]
    public static partial void OptionsSetFilter(nint options, nint filter);

    [LibraryImport(Library, EntryPoint = "leveldb_cache_create_lru")]
    public static partial nint CacheCreate(nuint bytes);

    [LibraryImport(Library, EntryPoint = "leveldb_options_set_cache")]
    public static partial void OptionsSetCache(nint options, nint cache);

    [LibraryImport(Library, EntryPoint = "leveldb_open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Open(nint options, string folder, byte** error);

    [LibraryImport(Library, EntryPoint = "leveldb_close")]
    public static partial void Close(nint db);

    [LibraryImport(Library, EntryPoint = "leveldb_writeoptions_create")]
    public static partial nint WriteOptionsCreate();

    [LibraryImport(Library, EntryPoint = "leveldb_writeoptions_set_sync")]
    public static partial void WriteOptionsSetSync(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "leveldb_readoptions_create")]
    public static partial nint ReadOptionsCreate();

    [LibraryImport(Library, EntryPoint = "leveldb_put")]
    public static partial void Put(
        nint db, nint options, byte* key, nuint keyBytes, byte* value, nuint valueBytes, byte** error);

    [LibraryImport(Library, EntryPoint = "leveldb_get")]
    public static partial byte* Get(nint db, nint options, byte* key, nuint keyBytes, nuint* valueBytes, byte** error);

    [LibraryImport(Library, EntryPoint = "leveldb_free")]
    public static partial void Free(byte* bytes);

    [LibraryImport(Library, EntryPoint = "leveldb_create_iterator")]
    public static partial nint IteratorCreate(nint db, nint options);

    [LibraryImport(Library, EntryPoint = "leveldb_iter_destroy")]
    public static partial void IteratorDestroy(nint iterator);

    [LibraryImport(Library, EntryPoint = "leveldb_iter_seek")]
    public static partial void IteratorSeek(nint iterator, byte* key, nuint keyBytes);

    [LibraryImport(Library, EntryPoint = "leveldb_iter_next")]
    public static partial void IteratorNext(nint iterator);

    [LibraryImport(Library, EntryPoint = "leveldb_iter_valid"), SuppressGCTransition]
    public static partial byte IteratorValid(nint iterator);

    [LibraryImport(Library, EntryPoint = "leveldb_iter_key"), SuppressGCTransition]
    public static partial byte* IteratorKey(nint iterator, nuint* bytes);

    [LibraryImport(Library, EntryPoint = "leveldb_iter_value"), SuppressGCTransition]
    public static partial byte* IteratorValue(nint iterator, nuint* bytes);

    [LibraryImport(Library, EntryPoint = "leveldb_compact_range")]
    public static partial void CompactRange(nint db, byte* start, nuint startBytes, byte* end, nuint endBytes);
}
