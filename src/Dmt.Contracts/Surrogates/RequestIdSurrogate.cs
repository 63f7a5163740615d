using Dmt.Core;

namespace Dmt.Contracts.Surrogates;

/// <summary>A <see cref="RequestId"/> on its way.</summary>
[GenerateSerializer, Immutable, Alias("dmt.request-id")]
public struct RequestIdSurrogate
{
    [Id(0)]
    public ulong Client { get; set; }

    [Id(1)]
    public ulong Number { get; set; }

    [Id(2)]
    public ulong PendingFrom { get; set; }
}

[RegisterConverter]
public sealed class RequestIdConverter : IConverter<RequestId, RequestIdSurrogate>
{
    public RequestId ConvertFromSurrogate(in RequestIdSurrogate surrogate) =>
        new(surrogate.Client, surrogate.Number, surrogate.PendingFrom);

    public RequestIdSurrogate ConvertToSurrogate(in RequestId value) =>
        new() { Client = value.Client, Number = value.Number, PendingFrom = value.PendingFrom };
}
