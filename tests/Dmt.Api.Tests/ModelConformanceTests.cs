using Dmt.Core;
using Dmt.Testing;

namespace Dmt.Api.Tests;

/// <summary>The model itself keeps what it is the measure of.</summary>
public sealed class ModelConformanceTests : TrieStoreConformance
{
    protected override Task<ITrieStore> OpenAsync(TimeProvider time) =>
        Task.FromResult<ITrieStore>(new ModelTrieStore(time));
}
