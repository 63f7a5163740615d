using Dmt.Core;

namespace Dmt.Contracts.Surrogates;

/// <summary>A <see cref="Durability"/> on its way: its text.</summary>
[GenerateSerializer, Immutable, Alias("dmt.durability")]
public struct DurabilitySurrogate
{
    /// <summary>The level's text; null for the default.</summary>
    [Id(0)]
    public string? Text { get; set; }
}

[RegisterConverter]
public sealed class DurabilityConverter : IConverter<Durability, DurabilitySurrogate>
{
    public Durability ConvertFromSurrogate(in DurabilitySurrogate surrogate) =>
        surrogate.Text is { } text ? Durability.Parse(text) : Durability.Default;

    public DurabilitySurrogate ConvertToSurrogate(in Durability value) =>
        new() { Text = value == Durability.Default ? null : value.ToString() };
}
