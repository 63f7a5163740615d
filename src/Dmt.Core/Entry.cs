namespace Dmt.Core;

/// <summary>What a key holds.</summary>
/// <param name="Value">The value, 0 bytes or more.</param>
/// <param name="Version">Grows with every write of the key; the handle for compare-and-set; never 0.</param>
/// <param name="Metadata">
/// Opaque bytes kept beside the value (the HTTP API keeps content type and weight there); mostly empty.
/// </param>
/// <param name="ExpiresAt">When the entry ceases to exist, to the millisecond; null means never.</param>
public readonly record struct Entry(
    ReadOnlyMemory<byte> Value,
    ulong Version,
    ReadOnlyMemory<byte> Metadata = default,
    DateTimeOffset? ExpiresAt = null)
{
    /// <summary>Most bytes of metadata that an entry can have.</summary>
    public const int MetadataBytesMax = 1024;

    /// <summary>Default limit of a value, in bytes (8 MiB).</summary>
    public const int ValueBytesMaxDefault = 8 << 20;

    /// <summary>The highest limit of a value that can be configured, in bytes (64 MiB).</summary>
    public const int ValueBytesMaxCeiling = 64 << 20;
}
