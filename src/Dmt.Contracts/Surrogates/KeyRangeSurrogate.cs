using Dmt.Core.Keys;

namespace Dmt.Contracts.Surrogates;

/// <summary>A <see cref="KeyRange"/> on its way.</summary>
[GenerateSerializer, Immutable, Alias("dmt.key-range")]
public struct KeyRangeSurrogate
{
    [Id(0)]
    public ReadOnlyMemory<byte> Start { get; set; }

    [Id(1)]
    public ReadOnlyMemory<byte> End { get; set; }

    /// <summary>It ends where all keys end, and <see cref="End"/> says nothing.</summary>
    [Id(2)]
    public bool HasNoEnd { get; set; }
}

[RegisterConverter]
public sealed class KeyRangeConverter : IConverter<KeyRange, KeyRangeSurrogate>
{
    public KeyRange ConvertFromSurrogate(in KeyRangeSurrogate surrogate) =>
        new(surrogate.Start, surrogate.HasNoEnd ? default(ReadOnlyMemory<byte>?) : surrogate.End);

    public KeyRangeSurrogate ConvertToSurrogate(in KeyRange value) => new()
    {
        Start = value.Start,
        End = value.End.GetValueOrDefault(),
        HasNoEnd = value.End is null,
    };
}
