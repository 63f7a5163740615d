using Dmt.Engine.Objects;
using Dmt.Objects.Conformance;

namespace Dmt.Engine.Tests.Objects;

public sealed class MemoryObjectStoreTests : ObjectStoreConformance
{
    protected override IObjectStore Open() => new MemoryObjectStore(TimeProvider.System);
}
