using Dmt.Core;

namespace Dmt.Contracts.Surrogates;

/// <summary>An <see cref="Entry"/> on its way.</summary>
[GenerateSerializer, Immutable, Alias("dmt.entry")]
public struct EntrySurrogate
{
    [Id(0)]
    public ReadOnlyMemory<byte> Value { get; set; }

    [Id(1)]
    public ulong Version { get; set; }

    [Id(2)]
    public ReadOnlyMemory<byte> Metadata { get; set; }

    /// <summary>Unix time in milliseconds; 0 for never.</summary>
    [Id(3)]
    public long ExpiresAtMs { get; set; }
}

[RegisterConverter]
public sealed class EntryConverter : IConverter<Entry, EntrySurrogate>
{
    public Entry ConvertFromSurrogate(in EntrySurrogate surrogate) => new(
        surrogate.Value,
        surrogate.Version,
        surrogate.Metadata,
        surrogate.ExpiresAtMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(surrogate.ExpiresAtMs));

    public EntrySurrogate ConvertToSurrogate(in Entry value) => new()
    {
        Value = value.Value,
        Version = value.Version,
        Metadata = value.Metadata,
        ExpiresAtMs = value.ExpiresAt?.ToUnixTimeMilliseconds() ?? 0,
    };
}
