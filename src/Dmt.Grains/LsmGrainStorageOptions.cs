using Dmt.Core;
using Orleans.Storage;

namespace Dmt.Grains;

/// <summary>How the state of grains is kept in a DMT store.</summary>
public sealed class LsmGrainStorageOptions : IStorageProviderSerializerOptions
{
    /// <summary>
    /// Clearing a state removes it, the default. Otherwise an empty entry stays and keeps the etag, so that an
    /// activation that never knew of the state cannot write over one that was cleared meanwhile.
    /// </summary>
    public bool DeleteStateOnClear { get; set; } = true;

    /// <summary>When a write is acknowledged; null, the default, means as the store is set.</summary>
    public Durability? Durability { get; set; }

    /// <summary>By default the serializer that is registered under the storage's name, or else Orleans' own.</summary>
    public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;
}
