using Dmt.Core;

namespace Dmt.Contracts.Surrogates;

/// <summary>A <see cref="WriteCondition"/> on its way.</summary>
[GenerateSerializer, Immutable, Alias("dmt.write-condition")]
public struct WriteConditionSurrogate
{
    [Id(0)]
    public byte Kind { get; set; }

    [Id(1)]
    public ulong Version { get; set; }
}

[RegisterConverter]
public sealed class WriteConditionConverter : IConverter<WriteCondition, WriteConditionSurrogate>
{
    public WriteCondition ConvertFromSurrogate(in WriteConditionSurrogate surrogate) =>
        Of((WriteCondition.Kinds)surrogate.Kind, surrogate.Version);

    public WriteConditionSurrogate ConvertToSurrogate(in WriteCondition value) =>
        new() { Kind = (byte)value.Kind, Version = value.Version };

    /// <exception cref="DmtException">InvalidArgument for a kind that is not known here.</exception>
    internal static WriteCondition Of(WriteCondition.Kinds kind, ulong version) => kind switch
    {
        WriteCondition.Kinds.None => WriteCondition.None,
        WriteCondition.Kinds.Absent => WriteCondition.Absent,
        WriteCondition.Kinds.Present => WriteCondition.Present,
        WriteCondition.Kinds.VersionIs => WriteCondition.VersionIs(version),
        _ => throw DmtException.InvalidArgument(
            $"condition {kind} of a write is not known here: the other side is of a newer version"),
    };
}
