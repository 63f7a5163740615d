using Dmt.Core;

namespace Dmt.Contracts.Surrogates;

/// <summary>A <see cref="DmtException"/> on its way: what a caller acts on, and no stack of another process.</summary>
[GenerateSerializer, Immutable, Alias("dmt.exception")]
public struct DmtExceptionSurrogate
{
    [Id(0)]
    public byte Kind { get; set; }

    [Id(1)]
    public string Message { get; set; }

    [Id(2)]
    public ulong CurrentVersion { get; set; }
}

[RegisterConverter]
public sealed class DmtExceptionConverter : IConverter<DmtException, DmtExceptionSurrogate>
{
    public DmtException ConvertFromSurrogate(in DmtExceptionSurrogate surrogate) =>
        new((DmtErrorKind)surrogate.Kind, surrogate.Message) { CurrentVersion = surrogate.CurrentVersion };

    public DmtExceptionSurrogate ConvertToSurrogate(in DmtException value) => new()
    {
        Kind = (byte)value.Kind,
        Message = value.Message,
        CurrentVersion = value.CurrentVersion,
    };
}
