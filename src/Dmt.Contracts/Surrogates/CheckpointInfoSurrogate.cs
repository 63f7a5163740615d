using Dmt.Core;

namespace Dmt.Contracts.Surrogates;

/// <summary>A <see cref="CheckpointInfo"/> on its way.</summary>
[GenerateSerializer, Immutable, Alias("dmt.checkpoint-info")]
public struct CheckpointInfoSurrogate
{
    [Id(0)]
    public string Name { get; set; }

    [Id(1)]
    public DateTimeOffset CreatedAt { get; set; }

    [Id(2)]
    public ulong Sequence { get; set; }

    [Id(3)]
    public int Tables { get; set; }

    [Id(4)]
    public long Bytes { get; set; }

    [Id(5)]
    public long EntriesMax { get; set; }

    [Id(6)]
    public string? ClonedTo { get; set; }
}

[RegisterConverter]
public sealed class CheckpointInfoConverter : IConverter<CheckpointInfo, CheckpointInfoSurrogate>
{
    public CheckpointInfo ConvertFromSurrogate(in CheckpointInfoSurrogate surrogate) => new(
        surrogate.Name,
        surrogate.CreatedAt,
        surrogate.Sequence,
        surrogate.Tables,
        surrogate.Bytes,
        surrogate.EntriesMax)
    {
        ClonedTo = surrogate.ClonedTo,
    };

    public CheckpointInfoSurrogate ConvertToSurrogate(in CheckpointInfo value) => new()
    {
        Name = value.Name,
        CreatedAt = value.CreatedAt,
        Sequence = value.Sequence,
        Tables = value.Tables,
        Bytes = value.Bytes,
        EntriesMax = value.EntriesMax,
        ClonedTo = value.ClonedTo,
    };
}
