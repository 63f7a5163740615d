using Dmt.Engine.Objects;
using Dmt.Engine.Objects.Caching;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Objects.Caching;

/// <summary>A store in memory, far away, and folders for caches of it.</summary>
internal sealed class CacheFixture : IDisposable
{
    public const string Identity = "memory\n0123456789abcdef0123456789abcdef";

    private readonly TemporaryDirectory _folder = new();

    public CacheFixture() => Far = new FarObjectStore(Memory);

    public MemoryObjectStore Memory { get; } = new(TimeProvider.System);

    public FarObjectStore Far { get; }

    /// <summary>The cache's folder, not there at first.</summary>
    public string Folder => Path.Combine(_folder.Path, "cache");

    public string Parts => Path.Combine(Folder, DiskCacheFolder.PartsFile);

    public string Index => Path.Combine(Folder, DiskCacheFolder.IndexFile);

    public string IdentityFile => Path.Combine(Folder, DiskCacheFolder.IdentityFile);

    public static TableId Table(ulong number) => new(1, 1, number);

    public static string Name(ulong number) => Table(number).ObjectName;

    public static byte[] Content(Random random, int length)
    {
        var content = new byte[length];
        random.NextBytes(content);
        return content;
    }

    public CachingObjectStore Open(int slots = 64, string identity = Identity) =>
        new(Far, DiskCache.Open(Folder, identity, slots * (long)DiskCacheFormat.SlotBytes));

    public static async Task<byte[]> ReadAsync(IObjectStore store, ulong number, int tableLength) =>
        await ReadAsync(store, number, tableLength, 0, tableLength);

    public static async Task<byte[]> ReadAsync(
        IObjectStore store, ulong number, int tableLength, int offset, int length)
    {
        await using var reader = store.OpenRead(Name(number), tableLength);
        var buffer = new byte[length];
        await reader.ReadAsync(offset, buffer);
        return buffer;
    }

    public void Dispose() => _folder.Dispose();
}
