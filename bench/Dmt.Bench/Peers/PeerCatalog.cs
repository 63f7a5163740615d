using System.Reflection;
using System.Runtime.InteropServices;

namespace Dmt.Bench.Peers;

/// <summary>The stores that DMT is measured beside, and the native libraries that they live in.</summary>
internal static class PeerCatalog
{
    public const string RocksDb = "rocksdb";
    public const string LevelDb = "leveldb";
    public const string Lmdb = "lmdb";

    private static readonly Dictionary<string, string[]> Libraries = new(StringComparer.Ordinal)
    {
        // Debian: librocksdb-dev, libleveldb-dev, liblmdb-dev (or the library packages that these bring).
        [RocksDb] = ["librocksdb.so", "librocksdb.so.7.8", "librocksdb.so.9.10", "librocksdb.dylib"],
        [LevelDb] = ["libleveldb.so", "libleveldb.so.1d", "libleveldb.dylib"],
        [Lmdb] = ["liblmdb.so", "liblmdb.so.0", "liblmdb.dylib"],
    };

    /// <summary>DMT first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["dmt", RocksDb, LevelDb, Lmdb];

    /// <summary>Call once, before anything else.</summary>
    public static void FindLibraries() => NativeLibrary.SetDllImportResolver(
        Assembly.GetExecutingAssembly(), static (name, _, _) => Load(name));

    /// <summary>True when the peer can be measured on this machine.</summary>
    public static bool IsInstalled(string name) => name == "dmt" || Load(name) != 0;

    /// <summary>What must be installed for the peer.</summary>
    public static string LibraryOf(string name) => Libraries[name][0];

    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="folder">An empty folder.</param>
    /// <param name="isScratch">For warming up: small, so that all parts of the store are reached soon.</param>
    public static Peer Open(string name, string folder, bool isScratch) => name switch
    {
        "dmt" => new DmtPeer(folder, isScratch),
        RocksDb => new RocksDbPeer(folder),
        LevelDb => new LevelDbPeer(folder),
        Lmdb => new LmdbPeer(folder),
        _ => throw new ArgumentException($"no peer \"{name}\": expected {string.Join(", ", Names)}", nameof(name)),
    };

    private static nint Load(string name)
    {
        foreach (var library in Libraries.GetValueOrDefault(name, []))
        {
            if (NativeLibrary.TryLoad(library, out var handle))
            {
                return handle;
            }
        }

        return 0;
    }
}
