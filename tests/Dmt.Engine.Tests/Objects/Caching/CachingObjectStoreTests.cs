using Dmt.Engine.Objects;
using Dmt.Engine.Objects.Caching;
using Dmt.Objects.Conformance;

namespace Dmt.Engine.Tests.Objects.Caching;

/// <summary>A store with a cache in front is a store.</summary>
public sealed class CachingObjectStoreTests : ObjectStoreConformance, IDisposable
{
    private readonly List<TemporaryDirectory> _folders = [];

    public void Dispose() => _folders.ForEach(folder => folder.Dispose());

    /// <summary>The store's id is not among the objects that a test sees.</summary>
    protected override IObjectStore Open()
    {
        var folder = new TemporaryDirectory();
        _folders.Add(folder);
        return new CachingObjectStore(
            new MemoryObjectStore(TimeProvider.System), DiskCache.Open(folder.Path, "memory", 1 << 20));
    }
}
