namespace Dmt.Core;

/// <summary>
/// Requests that a store made of its bucket since it was opened, retries and hedges among them, and their price at
/// Amazon's list.
/// </summary>
public sealed record RequestStatistics
{
    public long Gets { get; init; }

    public long RangedGets { get; init; }

    public long Puts { get; init; }

    public long ConditionalPuts { get; init; }

    public long Deletes { get; init; }

    public long Lists { get; init; }

    public long Heads { get; init; }

    public long Multiparts { get; init; }

    /// <summary>Bytes of objects sent.</summary>
    public long BytesUp { get; init; }

    /// <summary>Bytes of objects received.</summary>
    public long BytesDown { get; init; }

    public long Retries { get; init; }

    public long Hedges { get; init; }

    /// <summary>US dollars a month for requests, if they go on coming as they came since the opening.</summary>
    public decimal RequestDollarsPerMonth { get; init; }

    /// <summary>US dollars a month for keeping the tables.</summary>
    public decimal StorageDollarsPerMonth { get; init; }
}
