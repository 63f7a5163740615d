using Dmt.Core;

namespace Dmt.Api;

/// <summary>How the HTTP API behaves. Immutable; checked once, when it is handed to <c>AddDmtApi</c>.</summary>
public sealed record ApiOptions
{
    /// <summary>Highest <see cref="MaxRangeResponse"/>: no page of a store is longer.</summary>
    public const int MaxRangeResponseCeiling = ScanRequest.LimitMax;

    /// <summary>Highest <see cref="BodyBytesMax"/>, in bytes (1 GiB).</summary>
    public const int BodyBytesCeiling = 1 << 30;

    /// <summary>Highest <see cref="ConcurrencyMax"/>.</summary>
    public const int ConcurrencyCeiling = 1_000_000;

    /// <summary>
    /// Most pairs or words in one page, 1 to 100,000; 1,000 by default. A request that asks for more is refused.
    /// </summary>
    public int MaxRangeResponse { get; init; } = 1000;

    /// <summary>Which keys are taken; <see cref="KeyPolicy.Any"/> by default.</summary>
    public KeyPolicy KeyPolicy { get; init; }

    /// <summary>
    /// Longest value, in bytes, 1 to 64 MiB; 8 MiB by default. The store's own limit holds beside it.
    /// </summary>
    public int ValueBytesMax { get; init; } = Entry.ValueBytesMaxDefault;

    /// <summary>
    /// Longest JSON body and longest line of an NDJSON stream, in bytes, 1 KiB to 1 GiB; 64 MiB by default. The stream
    /// itself has no limit.
    /// </summary>
    public int BodyBytesMax { get; init; } = 64 << 20;

    /// <summary>
    /// Most requests in flight, 1 to 1,000,000; 1,024 by default. One more is refused with 503 and Retry-After.
    /// </summary>
    public int ConcurrencyMax { get; init; } = 1024;

    /// <exception cref="DmtException">InvalidArgument, naming the setting, what was given and what is
    /// allowed.</exception>
    public void Validate()
    {
        Check("max_range_response", MaxRangeResponse, 1, MaxRangeResponseCeiling);
        Check("value_bytes_max", ValueBytesMax, 1, Entry.ValueBytesMaxCeiling);
        Check("body_bytes_max", BodyBytesMax, 1024, BodyBytesCeiling);
        Check("concurrency_max", ConcurrencyMax, 1, ConcurrencyCeiling);
        if (!Enum.IsDefined(KeyPolicy))
        {
            throw DmtException.InvalidArgument($"key_policy is {(int)KeyPolicy}: expected any or alphanumeric");
        }
    }

    private static void Check(string setting, int given, int min, int max)
    {
        if (given < min || given > max)
        {
            throw DmtException.InvalidArgument($"{setting} is {given}: expected {min} to {max}");
        }
    }
}
