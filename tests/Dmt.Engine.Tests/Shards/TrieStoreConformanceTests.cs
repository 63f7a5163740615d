using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Testing;

namespace Dmt.Engine.Tests.Shards;

/// <summary>The embedded store keeps every promise of <see cref="ITrieStore"/>.</summary>
public class TrieStoreConformanceTests : TrieStoreConformance, IDisposable
{
    private readonly List<TemporaryDirectory> _folders = [];

    public void Dispose()
    {
        _folders.ForEach(static folder => folder.Dispose());
        GC.SuppressFinalize(this);
    }

    protected virtual EngineOptions Options => new();

    protected override async Task<ITrieStore> OpenAsync(TimeProvider time)
    {
        _folders.Add(new TemporaryDirectory());
        return await TrieStore.OpenAsync(_folders[^1].Path, Options, time);
    }
}

/// <summary>So small that everything is flushed, split into blocks and compacted all the time.</summary>
public sealed class SmallTrieStoreConformanceTests : TrieStoreConformanceTests
{
    protected override EngineOptions Options => new()
    {
        CacheBytes = 8 << 20,
        MemtableBytes = 64 << 10,
        BlockBytes = 512,
        TableBytes = 64 << 10,
        LevelBaseBytes = 128 << 10,
        LogSegmentBytes = 64 << 10,
        Compression = Compression.Brotli,
    };
}

/// <summary>With nothing but an object store, the log in it too.</summary>
public sealed class ObjectTrieStoreConformanceTests : TrieStoreConformance
{
    protected override async Task<ITrieStore> OpenAsync(TimeProvider time) =>
        await TrieStore.OpenAsync(new MemoryObjectStore(TimeProvider.System), new EngineOptions(), time);
}
