using Dmt.Core;

namespace Dmt.Contracts.Surrogates;

/// <summary>A <see cref="GarbageReport"/> on its way.</summary>
[GenerateSerializer, Immutable, Alias("dmt.garbage-report")]
public struct GarbageReportSurrogate
{
    [Id(0)]
    public GarbageObject[] Deleted { get; set; }

    [Id(1)]
    public GarbageObject[] Waiting { get; set; }

    [Id(2)]
    public bool IsDryRun { get; set; }
}

[RegisterConverter]
public sealed class GarbageReportConverter : IConverter<GarbageReport, GarbageReportSurrogate>
{
    public GarbageReport ConvertFromSurrogate(in GarbageReportSurrogate surrogate) =>
        new(surrogate.Deleted, surrogate.Waiting, surrogate.IsDryRun);

    public GarbageReportSurrogate ConvertToSurrogate(in GarbageReport value) => new()
    {
        Deleted = [.. value.Deleted],
        Waiting = [.. value.Waiting],
        IsDryRun = value.IsDryRun,
    };
}

/// <summary>A <see cref="GarbageObject"/> on its way.</summary>
[GenerateSerializer, Immutable, Alias("dmt.garbage-object")]
public struct GarbageObjectSurrogate
{
    [Id(0)]
    public string Name { get; set; }

    [Id(1)]
    public long Bytes { get; set; }

    [Id(2)]
    public TimeSpan Age { get; set; }

    [Id(3)]
    public string Reason { get; set; }
}

[RegisterConverter]
public sealed class GarbageObjectConverter : IConverter<GarbageObject, GarbageObjectSurrogate>
{
    public GarbageObject ConvertFromSurrogate(in GarbageObjectSurrogate surrogate) =>
        new(surrogate.Name, surrogate.Bytes, surrogate.Age, surrogate.Reason);

    public GarbageObjectSurrogate ConvertToSurrogate(in GarbageObject value) => new()
    {
        Name = value.Name,
        Bytes = value.Bytes,
        Age = value.Age,
        Reason = value.Reason,
    };
}
